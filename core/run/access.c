/* What is put on nodes so that they can be logged in to: see access.h, and share/agent/skytop-access and skytop-enter, which do the work
 * there. Here is only what is known here: keys, pinned host keys, addresses. Pure but for the reading of files. */
#include "core/run/access.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/base/ustar.h"
#include "core/io/ssh_known.h"
#include "core/run/op.h"
#include "core/run/reach.h"

enum { KEY_MAX = 16 << 10, SCRIPT_FILE_MAX = 1 << 20, KEYGEN_MS = 120000 };
#define END_OF_FILE "SKYTOP_END_OF_FILE"

bool access_by_ssh(const struct node *n)
{
	return str_eq(json_str(n->reach, "kind", NULL), "ssh");
}

bool access_any(const struct cluster *c)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		if (access_by_ssh(&c->nodes[i]))
			return true;
	return false;
}

/* ---- whom to connect to ------------------------------------------------------------------------------------------- */

struct ssh_target *access_target(const json_t *reach, struct err *err)
{
	struct ssh_target *t = NULL;
	if (str_eq(json_str(reach, "kind", NULL), "ssh"))
		t = reach_target(reach, err);
	else
		err_set(err, ERR_UNSUPPORTED, "not reached over SSH");
	for (struct ssh_target *p = t; p; p = p->jump)
		ssh_target_complete(p);
	return t;
}

/* ---- keys --------------------------------------------------------------------------------------------------------- */

static char *key_dir(const struct cluster *c)
{
	char *name = xasprintf("keys/clusters/%s", c->uid), *dir = home_path(HOME_DATA, name);
	free(name);
	return dir;
}

char *access_key_path(const struct cluster *c, int64_t rank)
{
	char *dir = key_dir(c), *path = xasprintf("%s/%" PRId64, dir, rank);
	free(dir);
	return path;
}

static char *cluster_key_path(const struct cluster *c)
{
	char *dir = key_dir(c), *path = path_join(dir, "cluster");
	free(dir);
	return path;
}

/* The private half appears last: who sees it has both. Several at once: a hundred of them, one by one, would be seconds. */
static const char keygen[] =
    "umask 077\n"
    "command -v ssh-keygen >/dev/null || { echo 'there is no ssh-keygen here: install openssh-client' >&2; exit 1; }\n"
    "cd \"$1\" || exit\n"
    "shift\n"
    "rm -rf .new\n"
    "n=0\n"
    "for r; do\n"
    "  [ -s \"$r\" ] && [ -s \"$r.pub\" ] && continue\n"
    "  [ $n -ne 0 ] || mkdir .new || exit\n"
    "  ssh-keygen -q -t ed25519 -N '' -C '' -f \".new/$r\" </dev/null &\n"
    "  n=$((n + 1))\n"
    "  [ $((n % 8)) -ne 0 ] || wait\n"
    "done\n"
    "wait\n"
    "[ $n -eq 0 ] || { mv -f .new/*.pub . && mv -f .new/* . && rmdir .new; } || exit\n"
    "for r; do [ -s \"$r\" ] && [ -s \"$r.pub\" ] || exit 1; done\n";

/* names: of the pairs, NULL-terminated. */
static void make(struct op *op, const char *const *names, void (*fn)(struct op *op))
{
	const struct cluster *c = op_unit(op)->c;
	struct err err;
	size_t n_names = 0;
	while (names[n_names])
		n_names++;
	char *dir = key_dir(c);
	if (fs_mkdirs(dir, &err)) {
		free(dir);
		err_wrap(&err, "the cluster's keys");
		op_failed(op, &err);
		return;
	}
	const char **argv = xcalloc(n_names + 6, sizeof *argv);
	size_t n = 0;
	argv[n++] = "sh";
	argv[n++] = "-c";
	argv[n++] = keygen;
	argv[n++] = "sh";
	argv[n++] = dir;
	for (size_t i = 0; i < n_names; i++)
		argv[n++] = names[i];
	op_proc(op, argv, "make the cluster's keys", KEYGEN_MS, fn);
	free(argv);
	free(dir);
}

void access_make_keys(struct op *op, void (*fn)(struct op *op))
{
	const struct cluster *c = op_unit(op)->c;
	if (!access_any(c)) {
		fn(op);
		return;
	}
	char (*ranks)[24] = xcalloc(c->n_nodes, sizeof *ranks);
	const char **names = xcalloc(c->n_nodes + 1, sizeof *names);
	for (size_t i = 0; i < c->n_nodes; i++) {
		snprintf(ranks[i], sizeof ranks[i], "%" PRId64, c->nodes[i].rank);
		names[i] = ranks[i];
	}
	make(op, names, fn);
	free(names);
	free(ranks);
}

void access_make_cluster_key(struct op *op, void (*fn)(struct op *op))
{
	static const char *const names[] = {"cluster", NULL};
	char *path = cluster_key_path(op_unit(op)->c);
	if (!run_is_cloud(run_provider(op->engine, op_unit(op)->c->provider)) || fs_exists(path))
		fn(op);
	else
		make(op, names, fn);
	free(path);
}

void access_forget_keys(const struct cluster *c)
{
	char *dir = key_dir(c);
	fs_remove_tree(dir, NULL);
	free(dir);
}

void access_forget_hosts(const struct cluster *c, int64_t rank)
{
	struct err err;
	char *name = rank < 0 ? xasprintf("%s/", c->uid) : xasprintf("%s/%" PRId64, c->uid, rank);
	if (rank < 0 ? ssh_known_forget_all(NULL, name, &err) : ssh_known_forget(NULL, name, &err))
		log_line(LOG_WARN, "host keys of %s: %s", c->name, err.text);
	free(name);
}

json_t *access_complete(const struct cluster *c, int64_t rank, const json_t *reach)
{
	json_t *r = json_copy((json_t *)(uintptr_t)reach);
	if (!str_eq(json_str(reach, "kind", NULL), "ssh"))
		return r;
	char *pin = xasprintf("%s/%" PRId64, c->uid, rank), *key = cluster_key_path(c);
	if (!json_object_get(reach, "pin"))
		json_put_str(r, "pin", pin);
	if (!json_object_get(reach, "identity_files"))
		json_object_set_new(r, "identity_files", json_pack("[s]", key));
	free(pin);
	free(key);
	return r;
}

/* "ssh-ed25519 AAAA…", without what comes after. path: of the private half. */
static char *public_half(const char *path, struct err *err)
{
	char *pub = xasprintf("%s.pub", path), *text = fs_read(pub, KEY_MAX, NULL, err);
	if (text) {
		size_t n = strcspn(text, " \n");
		if (text[n] == ' ')
			n += 1 + strcspn(text + n + 1, " \n");
		text[n] = '\0';
	}
	free(pub);
	return text;
}

char *access_cluster_key(const struct cluster *c, struct err *err)
{
	char *path = cluster_key_path(c), *key = public_half(path, err), *line = key ? xasprintf("%s skytop", key) : NULL;
	free(path);
	free(key);
	return line;
}

static char *public_key(const struct cluster *c, int64_t rank, struct err *err)
{
	char *path = access_key_path(c, rank), *text = public_half(path, err);
	free(path);
	return text;
}

/* ---- on a node ---------------------------------------------------------------------------------------------------- */

static bool is_name(const char *s)
{
	if (!isalpha((unsigned char)*s) && *s != '_')
		return false;
	while (isalnum((unsigned char)*s) || *s == '_')
		s++;
	return !*s;
}

/* The home of the account that the node lies in: leases are folders below it, and a node without a home of its own is the account. */
static void put_login_home(struct str *out, const struct node *n)
{
	const char *home = json_str(n->reach, "home", NULL), *at = home ? strstr(home, "/.skytop/nodes/") : NULL;
	if (!home) {
		str_add(out, "\"$HOME\"");
	} else if (at) {
		char *login = xstrndup(home, (size_t)(at - home));
		shell_quote(out, login[0] ? login : "/");
		free(login);
	} else {
		str_add(out, "\"$(eval echo \"~$(id -un)\")\"");
	}
}

static void put_tag(struct str *out, const struct cluster *c)
{
	char *tag = xasprintf("skytop:%s", c->uid);
	shell_quote(out, tag);
	free(tag);
}

static void put_env(struct str *out, const char *key, const char *value)
{
	str_addf(out, "export %s=", key);
	shell_quote(out, value);
	str_addc(out, '\n');
}

static int put_script(struct str *files, const char *name, struct err *err)
{
	char *rel = xasprintf("agent/%s", name), *path = share_path(rel), *text = fs_read(path, SCRIPT_FILE_MAX, NULL, err);
	if (text)
		ustar_add(files, name + strlen("skytop-"), 0600, text, strlen(text));
	int rc = text ? 0 : err_wrap(err, "cannot read what nodes get");
	free(text);
	free(path);
	free(rel);
	return rc;
}

/* Variables of the node, as the script of logins reads them. */
static void put_enter_env(struct str *files, const struct node *n)
{
	struct str s = str_new(1 << 20);
	const char *name, *home = json_str(n->reach, "home", NULL);
	json_t *value;
	if (home)
		put_env(&s, "HOME", home);
	json_object_foreach(json_obj(n->reach, "env"), name, value)
		if (is_name(name) && json_is_string(value))
			put_env(&s, name, json_string_value(value));
	ustar_add(files, "enter.env", 0600, str_text(&s), s.len);
	str_free(&s);
}

/* In a child of the shell that installs, rather than a new one. */
static int put_grant(struct str *out, const struct cluster *c, const struct node *n, struct err *err)
{
	char *key = public_key(c, n->rank, err);
	if (!key)
		return -1;
	str_add(out, "(set +e; set -- grant ");
	put_login_home(out, n);
	str_addc(out, ' ');
	put_tag(out, c);
	str_addc(out, ' ');
	shell_quote(out, key);
	str_add(out, "; . \"$d/access\") || exit 1\n");
	free(key);
	return 0;
}

int access_install(struct str *out, struct str *files, const struct cluster *c, size_t i, struct err *err)
{
	const struct node *n = &c->nodes[i];
	if (put_script(files, "skytop-enter", err) || put_script(files, "skytop-access", err))
		return -1;
	put_enter_env(files, n);
	return access_by_ssh(n) ? put_grant(out, c, n, err) : 0;
}

void access_revoke(struct str *out, const struct cluster *c, size_t i)
{
	if (!access_by_ssh(&c->nodes[i]))
		return;
	str_add(out, "[ ! -f \"$HOME/.skytop/access\" ] || sh \"$HOME/.skytop/access\" revoke ");
	put_login_home(out, &c->nodes[i]);
	str_addc(out, ' ');
	put_tag(out, c);
	str_add(out, " </dev/null || :\n");
}

/* ---- on the head -------------------------------------------------------------------------------------------------- */

/* Words of the file of addresses: what ssh_config could not hold is refused here. */
static bool is_word(const char *s)
{
	for (const char *p = s; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '"' || *p == 127)
			return false;
	return *s && *s != '-';
}

static int put_hop(struct str *out, const struct node *n, const struct ssh_target *t, struct err *err)
{
	const char *ip = n->ip && n->ip[0] ? n->ip : t->host;
	if (!is_word(ip) || !is_word(t->host) || !is_word(t->user))
		return err_set(err, ERR_INVALID, "node %" PRId64 ": host or user cannot be written into an ssh_config", n->rank);
	str_addf(out, "%" PRId64 " %s %d %s%s%s\n", n->rank, t->user, t->port, ip, strcmp(ip, t->host) ? " " : "", strcmp(ip, t->host) ? t->host : "");
	return 0;
}

/* The line of the pinned key, under the name that the head's ssh_config gives the node. */
static int put_pin(struct str *out, const struct node *n, const char *known, size_t len, const char *pin, struct err *err)
{
	char type[sizeof((struct ssh_pin *)0)->type];
	const char *key;
	size_t key_len;
	if (!ssh_known_find(known, len, pin, type, &key, &key_len))
		return err_set(err, ERR_NOT_FOUND, "node %" PRId64 ": no host key was learned for %s", n->rank, pin);
	str_addf(out, "node-%" PRId64 " %s %.*s\n", n->rank, type, (int)key_len, key);
	return 0;
}

static int put_private_key(struct str *out, const struct cluster *c, const struct node *n, struct err *err)
{
	char *path = access_key_path(c, n->rank), *text = fs_read(path, KEY_MAX, NULL, err);
	if (text) {
		str_addf(out, "cat > \"$d/keys/%" PRId64 "\" <<'" END_OF_FILE "'\n%s" END_OF_FILE "\n", n->rank, text);
		memset(text, 0, strlen(text));
	}
	int rc = text ? 0 : -1;
	free(text);
	free(path);
	return rc;
}

int access_head(struct str *out, const struct cluster *c, struct err *err)
{
	size_t len;
	char *path = home_path(HOME_DATA, "known_hosts"), *known = ssh_known_load(path, &len, err);
	struct str hops = str_new(1 << 20), pins = str_new(4 << 20);
	int rc = known ? 0 : -1;
	str_add(out, "set -e\numask 077\nd=\"$HOME/.skytop\"\nmkdir -p \"$d/keys\"\n");
	for (size_t i = 1; !rc && i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];
		struct ssh_target *t = access_target(n->reach, err);
		rc = !t || put_hop(&hops, n, t, err) || put_pin(&pins, n, known, len, t->pin, err) || put_private_key(out, c, n, err) ? -1 : 0;
		ssh_target_free(t);
	}
	str_addf(out, "cat > \"$d/known_hosts.tmp\" <<'" END_OF_FILE "'\n%s" END_OF_FILE "\nmv -f \"$d/known_hosts.tmp\" \"$d/known_hosts\"\n", str_text(&pins));
	str_addf(out, "cat > \"$d/hops\" <<'" END_OF_FILE "'\n%s" END_OF_FILE "\nsh \"$d/access\" head </dev/null\n", str_text(&hops));
	str_free(&hops);
	str_free(&pins);
	free(known);
	free(path);
	return rc;
}

void access_prefix(struct str *out, const struct node *n)
{
	str_addf(out, "ssh -F \"$HOME/.skytop/ssh_config\" node-%" PRId64 " skytop-sh", n->rank);
}
