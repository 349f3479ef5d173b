/* A machine in a cloud can be told to end itself when it is idle and its engine is away; a folder on this machine can
 * too, by asking the cloud side for it. The node agent decides when. */
#include "providers/common/deadman.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/str.h"

enum { SCRIPT_MAX = 2 << 20 };

/* The request that ends the node, as a line of JSON (which has no line breaks within). */
static void add_request(struct str *s, enum provider_verb verb, const json_t *rec, const struct request *r)
{
	json_t *args = json_object(), *request = json_object(), *ids = json_array();
	json_array_append_new(ids, json_foreign(json_str(rec, "id", "")));
	json_object_set_new(args, "ids", ids);
	json_put_str(request, "verb", provider_verb_name(verb));
	json_object_set_new(request, "args", args);
	json_put_str(request, "state_dir", r->state_dir);
	if (r->config)
		json_object_set_new(request, "config", json_deep_copy(r->config));
	char *text = json_text(request);
	str_add(s, text);
	free(text);
	json_decref(request);
}

/* The asker is not the node's own any more (its mark is taken off), and it waits a moment, so that what has started it
 * is gone: a sweep spares those that it descends from. */
static void add_branch(struct str *s, const char *word, enum provider_verb verb, const struct sandbox *sb,
    const json_t *rec, const struct request *r)
{
	str_addf(s, "%s)\n(unset SKYTOP_NODE_ID SKYTOP_BOOT_ID; trap '' HUP; sleep 1; exec ", word);
	shell_quote(s, r->self);
	str_addf(s, " cloud-side %s) >/dev/null 2>&1 <<'REQUEST' &\n", sb->provider);
	add_request(s, verb, rec, r);
	str_add(s, "\nREQUEST\n;;\n");
}

int deadman_write(const struct sandbox *sb, const json_t *rec, const struct request *r, struct err *err)
{
	if (!r->self[0])
		return 0;
	struct str s = str_new(SCRIPT_MAX);
	str_add(&s, "#!/bin/sh\n# Ends this node: run by the node agent when the node is idle and no engine has been "
		    "heard of.\ncase $1 in\n");
	add_branch(&s, "stop", PROVIDER_STOP, sb, rec, r);
	add_branch(&s, "down", PROVIDER_TERMINATE, sb, rec, r);
	str_add(&s, "*) exit 2 ;;\nesac\n");
	char *dir = sandbox_path(sb, rec, "home/.skytop"), *file = path_join(dir, "on_autostop");
	int rc = s.full ? err_set(err, ERR_INVALID, "the configuration of %s is too large", sb->provider)
			: fs_mkdirs(dir, err);
	/* The node is made when its record is; this need not reach the disk before. */
	int fd = rc ? -1 : open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0700);
	if (!rc && (fd < 0 || write(fd, s.data, s.len) != (ssize_t)s.len))
		rc = err_errno(err, "cannot write %s", file);
	if (fd >= 0)
		close(fd);
	free(file);
	free(dir);
	str_free(&s);
	return rc;
}
