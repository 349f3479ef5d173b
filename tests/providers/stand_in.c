/* See stand_in.h. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/providers/stand_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"

enum { TORTURED_MAX = 200 };

struct stand_in stand_in;
char *cloud_folder;
static const struct cloud *cloud;

/* ---- the stand-in --------------------------------------------------------------------------------------------------- */

void cloud_tell(const char *what, const char *json)
{
	char *path = xasprintf("/fake/%s", what);
	json_decref(stand_in_tell(&stand_in, path, rig_json("%s", json)));
	free(path);
}

json_t *cloud_state(void)
{
	return stand_in_tell(&stand_in, "/fake/state", NULL);
}

size_t cloud_machines(void)
{
	json_t *s = cloud_state();
	size_t n = json_array_size(json_arr(s, cloud->machines));
	json_decref(s);
	return n;
}

size_t cloud_asked(const char *text)
{
	json_t *s = cloud_state(), *v;
	size_t i, n = 0;
	json_array_foreach(json_arr(s, "requests"), i, v)
		n += strstr(json_string_value(v), text) != NULL;
	json_decref(s);
	return n;
}

char *cloud_put(const char *name, const char *text, int mode)
{
	char *path = path_join(cloud_folder, name);
	assert_int_equal(fs_write(path, text, strlen(text), mode, NULL), 0);
	return path;
}

bool cloud_described(const char *method, const char *path, const char *bearer, const char *body)
{
	json_t *s = cloud_state();
	bool checked = json_bool(s, "checked", false);
	json_decref(s);
	if (!checked)
		return true;
	struct arena *a = arena_create();
	json_t *j = rig_json("%s", body);
	char *text = json_text(j);
	const char *const headers[] = {"Content-Type: application/json", arena_printf(a, "Authorization: Bearer %s", bearer), NULL};
	struct provider_http h = {.method = method, .headers = headers, .body = text, .body_len = strlen(text),
	    .url = arena_printf(a, "http://127.0.0.1:%d%s", stand_in.port, path)};
	struct provider_reply reply;
	rig_http(&(struct provider_request){.kind = PROVIDER_HTTP, .http = &h, .n_http = 1}, &reply, a);
	bool found = reply.http[0].status == 422 || (reply.http[0].status == 400 && strstr(reply.http[0].body, "not as described")); /* 422: prism */
	cloud_tell("reset", "{}");
	free(text);
	json_decref(j);
	arena_destroy(a);
	return found;
}

/* ---- calls ---------------------------------------------------------------------------------------------------------- */

json_t *cloud_wish(int n, const char *more)
{
	json_t *a = rig_json("{'cluster': 'uid-1', 'name': 'train', 'nodes': [], 'ssh_public_key': 'ssh-ed25519 AAAA skytop', %s}", cloud->wish);
	json_t *m = rig_json("{%s}", more);
	for (int i = 0; i < n; i++)
		json_array_append_new(json_arr(a, "nodes"), rig_json("{'token': 'uid-1-0-%d', 'rank': %d}", i, i));
	json_object_update(a, m);
	json_decref(m);
	return a;
}

json_t *cloud_cluster(void)
{
	return rig_json("{'cluster': 'uid-1'}");
}

json_t *cloud_make(struct rig *r, int n, const char *more)
{
	return rig_do(r, PROVIDER_CREATE, cloud_wish(n, more));
}

void cloud_end(struct rig *r)
{
	for (int i = 0; i < 100; i++) {
		json_t *t = rig_do(r, PROVIDER_TERMINATE, cloud_cluster());
		int64_t pending = json_int(t, "pending", 0);
		json_decref(t);
		if (!pending)
			return;
	}
	fail_msg("machines are still there after many a terminate");
}

struct err cloud_fails(struct rig *r, enum provider_verb verb, json_t *args, enum err_code code)
{
	struct err err = {0};
	json_t *j = rig_call(r, verb, args, &err);
	if (j)
		fail_msg("%s succeeds where it must fail", provider_verb_name(verb));
	if (err.code != code)
		fail_msg("%s: fails as %s, not as %s", err.text, err_info(err.code)->name, err_info(code)->name);
	return err;
}

void cloud_refused(struct rig *r, const char *why)
{
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object());
	if (json_bool(c, "enabled", true) || !strstr(json_str(c, "reason", ""), why))
		fail_msg("%s: not refused because of %s", json_str(c, "reason", "(enabled)"), why);
	json_decref(c);
}

void cloud_enabled(struct rig *r, const char *who)
{
	json_t *c = rig_do(r, PROVIDER_CHECK, json_object());
	if (!json_bool(c, "enabled", false) || (who && !strstr(json_str(c, "identity", ""), who)))
		fail_msg("%s: %s: not enabled as %s", json_str(c, "identity", "nobody"), json_str(c, "reason", ""), who ? who : "anybody");
	json_decref(c);
}

void cloud_torture(struct rig *r, const char *more, int step)
{
	static const char *const ways[] = {"'drop': 'after'", "'timeout': true", "'drop': 'before'", "'status': 500"};
	int tried = 0;
	if (getenv("SKYTOP_TORTURE"))
		step = 1;
	cloud_tell("set", "{'op_s': 0.01}");
	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		bool hit = true;
		for (int at = (int)w % step; hit && at < TORTURED_MAX; at += step, tried++) {
			struct err err = {0};
			char *fault = xasprintf("{'match': '.', 'skip': %d, 'times': 6, %s}", at, ways[w]);
			json_object_clear(r->memory);
			cloud_tell("fault", fault);
			json_t *made = rig_call(r, PROVIDER_CREATE, cloud_wish(2, more), &err);
			hit = !made;
			json_decref(made);
			cloud_tell("set", "{'faults': []}");
			if (tried % 2) { /* every other time it is given up */
				json_decref(cloud_make(r, 2, more));
				assert_int_equal(cloud_machines(), 2);
			}
			cloud_tell("fault", fault);
			free(fault);
			json_decref(rig_call(r, PROVIDER_TERMINATE, cloud_cluster(), &err));
			cloud_tell("set", "{'faults': []}");
			cloud_end(r);
			assert_int_equal(cloud_machines(), 0);
		}
		assert_false(hit);
	}
	print_message("# %d faults\n", tried);
}

/* ---- the whole run -------------------------------------------------------------------------------------------------- */

int cloud_set_up(void **state)
{
	struct rig *r = xcalloc(1, sizeof *r);
	cloud_tell("reset", "{}");
	rig_open(r, cloud->subject.provider);
	*state = r;
	return 0;
}

int cloud_tear_down(void **state)
{
	struct rig *r = *state;
	json_t *s = cloud_state(), *v;
	size_t i, n = json_array_size(json_arr(s, "violations"));
	json_array_foreach(json_arr(s, "violations"), i, v)
		print_message("# %s\n", json_string_value(v));
	json_decref(s);
	rig_close(r);
	free(r);
	return n ? -1 : 0;
}

int cloud_main(const struct cloud *c, const struct CMUnitTest *own, size_t n)
{
	const char *shared = getenv("SKYTOP_SHARED"), *top = getenv("top_srcdir");
	char *spec = shared ? xasprintf("%s/%s", shared, c->description) : xasprintf("%s/../shared/%s", top ? top : ".", c->description);
	const char *const argv[] = {c->program, "--spec", spec, getenv("SKYTOP_PRISM") ? "--prism" : NULL, getenv("SKYTOP_PRISM"), NULL};
	cloud = c;
	if (!stand_in_start(&stand_in, argv)) {
		printf("1..0 # SKIP there is no python3 here\n");
		return 0;
	}
	char *base = xasprintf("http://127.0.0.1:%d", stand_in.port), template[] = "/tmp/skytop-cloud.XXXXXX";
	cloud_folder = mkdtemp(template);
	if (!cloud_folder)
		return 99;
	setenv(c->endpoint, base, 1);
	c->environment();
	cloud_tell("reset", "{}");
	struct CMUnitTest *tests = xcalloc(CONFORMANCE_MAX + n, sizeof *tests);
	size_t all = conformance_list(&c->subject, tests);
	memcpy(tests + all, own, n * sizeof *own);
	json_t *st = cloud_state();
	if (!json_bool(st, "checked", false))
		printf("# the vendor's description of its API is not here: requests are not checked against it\n");
	json_decref(st);
	int failed = _cmocka_run_group_tests(c->subject.provider->name, tests, all + n, NULL, NULL);
	stand_in_stop(&stand_in);
	fs_remove_tree(cloud_folder, NULL);
	free(tests);
	free(spec);
	free(base);
	return failed;
}
