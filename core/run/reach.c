/* From the JSON that says how a node is reached to a target of core/io/ssh, and to the key under which connections are shared. */
#include "core/run/reach.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/cluster.h"

static struct ssh_target *target_at(const json_t *reach, int depth, struct err *err);

/* "a,b": through a first, then b. */
static struct ssh_target *jumps_of_text(const char *list, int depth, struct err *err)
{
	const char *comma = strrchr(list, ',');
	if (depth > SSH_JUMPS_MAX) {
		err_set(err, ERR_INVALID, "%s: more than %d jump hosts in a row", list, SSH_JUMPS_MAX);
		return NULL;
	}
	struct ssh_target *t = ssh_target_of_config(NULL, comma ? comma + 1 : list, err);
	if (!t || !comma || t->jump)
		return t;
	char *before = xstrndup(list, (size_t)(comma - list));
	t->jump = jumps_of_text(before, depth + 1, err);
	free(before);
	if (t->jump)
		return t;
	ssh_target_free(t);
	return NULL;
}

static int add_jump(struct ssh_target *t, const json_t *jump, int depth, struct err *err)
{
	const char *text = json_string_value(jump);
	if (!jump || json_is_null(jump) || (text && !strcmp(text, "none")))
		return 0;
	if (!text && !json_is_object(jump))
		return err_set(err, ERR_INVALID, "%s: jump is neither a host nor a text", t->host);
	ssh_target_free(t->jump);
	t->jump = text ? jumps_of_text(text, depth + 1, err) : target_at(jump, depth + 1, err);
	return t->jump ? 0 : err_wrap(err, "jump host of %s", t->host);
}

static struct ssh_target *ask_config(const char *user, const char *host, int64_t port, struct err *err)
{
	struct str s = str_new(600);
	if (user)
		str_addf(&s, "%s@", user);
	bool v6 = strchr(host, ':') != NULL;
	str_addf(&s, v6 ? "[%s]" : "%s", host);
	if (port)
		str_addf(&s, ":%d", (int)port);
	struct ssh_target *t = ssh_target_of_config(NULL, str_text(&s), err);
	str_free(&s);
	return t;
}

static void take_keys(struct ssh_target *t, const json_t *files)
{
	size_t i;
	json_t *file;
	for (i = 0; json_array_size(files) && i < SSH_IDENTITIES_MAX; i++) {
		free(t->identity_files[i]);
		t->identity_files[i] = NULL;
	}
	int n = 0;
	json_array_foreach(files, i, file)
		if (json_is_string(file) && n < SSH_IDENTITIES_MAX)
			t->identity_files[n++] = path_expand(json_string_value(file));
}

static struct ssh_target *target_at(const json_t *reach, int depth, struct err *err)
{
	const char *host = json_str(reach, "host", NULL), *user = json_str(reach, "user", NULL);
	int64_t port = json_int(reach, "port", 0);
	if (!host || !host[0] || strlen(host) > 255 || port < 0 || port > 65535 || depth > SSH_JUMPS_MAX) {
		err_set(err, ERR_INVALID, depth > SSH_JUMPS_MAX ? "more than %d jump hosts in a row" : "a host of no name, or a port that cannot be",
		    SSH_JUMPS_MAX);
		return NULL;
	}
	struct ssh_target *t;
	if (json_bool(reach, "config", false)) {
		t = ask_config(user, host, port, err);
	} else {
		t = xcalloc(1, sizeof *t);
		*t = (struct ssh_target){.host = xstrdup(host), .user = xstrdup(user), .port = (int)port};
	}
	if (!t)
		return NULL;
	take_keys(t, json_arr(reach, "identity_files"));
	if (!t->pin) /* who says HostKeyAlias knows under which name the key is to be kept */
		t->pin = xstrdup(json_str(reach, "pin", NULL));
	t->connect_timeout_ms = json_int(reach, "connect_timeout_ms", 0);
	t->idle_timeout_ms = json_int(reach, "idle_timeout_ms", 0);
	if (!add_jump(t, json_object_get(reach, "jump"), depth, err))
		return t;
	ssh_target_free(t);
	return NULL;
}

struct ssh_target *reach_target(const json_t *reach, struct err *err)
{
	return target_at(reach, 0, err);
}

char *reach_key(const json_t *reach)
{
	json_t *k = json_copy((json_t *)(uintptr_t)reach);
	json_object_del(k, "home");
	json_object_del(k, "env");
	char *key = json_dumps(k, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(k);
	return key ? key : xstrdup("?");
}

char *reach_target_key(const struct ssh_target *t)
{
	struct str s = str_new(1 << 16);
	for (; t; t = t->jump) {
		str_addf(&s, "jump %s@%s:%d pin %s known %s", t->user ? t->user : "", t->host, t->port, t->pin ? t->pin : "",
		    t->known_hosts_path ? t->known_hosts_path : "");
		for (int i = 0; i < SSH_IDENTITIES_MAX && t->identity_files[i]; i++)
			str_addf(&s, " key %s", t->identity_files[i]);
		str_addc(&s, '\n');
	}
	return str_take(&s);
}

char *reach_name(const json_t *reach)
{
	const char *user = json_str(reach, "user", NULL), *host = json_str(reach, "host", "?");
	int64_t port = json_int(reach, "port", 0);
	struct str s = str_new(600);
	if (user)
		str_addf(&s, "%s@", user);
	str_add(&s, host);
	if (port && port != 22)
		str_addf(&s, ":%d", (int)port);
	return str_take(&s);
}
