/* Faults are counted before they strike, in a file under a lock, so that "the third create fails" holds whichever child
 * process serves it, and whoever is killed in between. Counts belong to a rule's text: a changed rule begins anew. */
#include "providers/sim/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "providers/common/sandbox.h"

enum { STATE_MAX = 1 << 20 };

static int lock_file(const char *dir, struct err *err)
{
	char *path = path_join(dir, "sim.lock");
	int fd = fs_mkdirs(dir, err) ? -2 : open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	while (fd >= 0 && flock(fd, LOCK_EX) && errno == EINTR)
		;
	if (fd == -1)
		err_errno(err, "cannot open %s", path);
	free(path);
	return fd;
}

static json_t *read_state(const char *path)
{
	size_t len;
	char *text = fs_read(path, STATE_MAX, &len, NULL);
	json_t *state = text ? json_parse(text, len, NULL) : NULL;
	free(text);
	if (json_is_object(state))
		return state;
	json_decref(state);
	return json_object();
}

static json_t *member(json_t *obj, const char *key)
{
	if (!json_obj(obj, key))
		json_object_set_new(obj, key, json_object());
	return json_obj(obj, key);
}

static int64_t count(json_t *obj, const char *key)
{
	int64_t n = json_int(obj, key, 0) + 1;
	json_put_int(obj, key, n);
	return n;
}

static bool by_number(const struct sim_failure *f, int64_t n)
{
	bool hit = json_is_integer(f->nth) && json_integer_value(f->nth) == n;
	size_t i;
	json_t *one;
	json_array_foreach(f->nth, i, one) hit |= json_integer_value(one) == n;
	return hit || (f->every > 0 && n % f->every == 0);
}

/* Does the rule fire for the n-th call that matches it? */
static bool fires_for(const struct scenario *s, const struct sim_failure *f, const char *key, int64_t n)
{
	bool by_chance = f->probability_micro >= 0;
	if (by_chance &&
	    sandbox_hash(key, (uint64_t)s->seed * 31 + (uint64_t)n) % 1000000 < (uint64_t)f->probability_micro)
		return true;
	return by_number(f, n) || (!by_chance && !f->nth && !f->every);
}

static void rule_key(const struct scenario *s, size_t i, char buf[24])
{
	char *text = json_text(json_array_get(json_object_get(s->source, "failures"), i));
	snprintf(buf, 24, "%zu-%08llx", i, (unsigned long long)(sandbox_hash(text, 5) & 0xffffffff));
	free(text);
}

static const struct sim_failure *choose(const struct scenario *s, const struct request *r, json_t *state)
{
	const struct sim_failure *found = NULL;
	for (size_t i = 0; i < s->n_failures; i++) {
		const struct sim_failure *f = &s->failures[i];
		if (!(f->verbs & 1u << r->verb) || !scenario_matches(&f->match, r->args))
			continue;
		char key[24];
		rule_key(s, i, key);
		json_t *rule = member(member(state, "rules"), key);
		int64_t n = count(rule, "seen");
		if (found || !fires_for(s, f, key, n) || (f->times && json_int(rule, "fired", 0) >= f->times))
			continue;
		count(rule, "fired");
		found = f;
	}
	return found;
}

int faults_count(const struct scenario *s, const struct request *r, const struct sim_failure **fires, int64_t *epoch_ms,
    struct err *err)
{
	int fd = lock_file(r->state_dir, err);
	if (fd < 0)
		return -1;
	char *path = path_join(r->state_dir, "sim.json");
	json_t *state = read_state(path);
	if (!json_int(state, "epoch_ms", 0))
		json_put_int(state, "epoch_ms", r->now_ms);
	count(member(state, "calls"), provider_verb_name(r->verb));
	const struct sim_failure *f = choose(s, r, state);
	int rc = sandbox_write(path, state, false, err);
	if (!rc) {
		*fires = f;
		*epoch_ms = json_int(state, "epoch_ms", 0);
	}
	json_decref(state);
	free(path);
	close(fd);
	return rc;
}

/* What clouds say, by kind of error. */
static const char *usual_message(enum err_code code)
{
	static const char *const texts[ERR_CODES] = {
	    [ERR_CAPACITY] = "there is no capacity for this instance type here at the moment",
	    [ERR_QUOTA] = "the quota of the account is used up",
	    [ERR_CREDENTIALS] = "the credentials were refused",
	    [ERR_THROTTLED] = "too many requests",
	    [ERR_NETWORK] = "the connection was closed before the answer came",
	    [ERR_TIMEOUT] = "no answer within the deadline",
	};
	return texts[code] ? texts[code] : "it failed";
}

int faults_strike(const struct sim_failure *f, enum provider_verb verb, struct err *err)
{
	if (f->hang_ms)
		nanosleep(
		    &(struct timespec){.tv_sec = f->hang_ms / 1000, .tv_nsec = f->hang_ms % 1000 * 1000000}, NULL);
	if (f->crash)
		kill(getpid(), SIGKILL);
	if (!f->error)
		return 0;
	return err_set(err, f->error, "%s (a failure of the scenario, in %s)",
	    f->message ? f->message : usual_message(f->error), provider_verb_name(verb));
}
