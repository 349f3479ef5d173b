/* The user's side of logging in: see hosts.h. ~/.ssh/config is the user's: one line is added at its top, once, the file replaced whole with
 * its mode kept, through symbolic links; nothing else of it is ever touched. */
#include "core/run/hosts.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/json.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/run/access.h"
#include "core/run/run.h"

enum { ENTRIES_MAX = 4 << 20 };

char *hosts_path(const char *cluster)
{
	char *name = xasprintf("ssh/config.d/%s", cluster), *path = home_path(HOME_DATA, name);
	free(name);
	return path;
}

char *hosts_name(const struct cluster *c, int64_t rank)
{
	return rank ? xasprintf("%s-%" PRId64 ".skytop", c->name, rank) : xasprintf("%s.skytop", c->name);
}

json_t *hosts_login(const struct cluster *c, const struct node *n)
{
	json_t *j = json_pack("{s:I, s:s}", "rank", (json_int_t)n->rank, "status", node_status_name(n->status));
	const char *home = json_str(n->reach, "home", NULL);
	json_put_str(j, "id", n->provider_id);
	json_put_str(j, "ip", n->ip);
	if (access_by_ssh(n)) {
		char *config = hosts_path(c->name), *key = access_key_path(c, n->rank), *host = hosts_name(c, n->rank);
		json_object_set_new(j, "ssh", json_pack("{s:s, s:s, s:s}", "config", config, "host", host, "key", key));
		free(config);
		free(key);
		free(host);
	} else if (home) {
		char *enter = path_join(home, ".skytop/enter");
		json_put_str(j, "enter", enter);
		free(enter);
	}
	return j;
}

/* ---- texts -------------------------------------------------------------------------------------------------------- */

/* A value in quotes; tokens: where % means something to ssh. */
static int put_value(struct str *out, const char *key, const char *value, bool tokens, struct err *err)
{
	str_addf(out, "    %s \"", key);
	for (const char *p = value; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == '"' || *p == 127)
			return err_set(err, ERR_INVALID, "%s: '%s' cannot be written into an ssh config", key, value);
		if (*p == '%' && tokens)
			str_addc(out, '%');
		str_addc(out, *p);
	}
	str_add(out, "\"\n");
	return *value ? 0 : err_set(err, ERR_INVALID, "%s: it is empty", key);
}

static int put_target(struct str *out, const char *names, const struct ssh_target *t, const char *jump, struct err *err)
{
	str_addf(out, "Host %s\n    Port %d\n", names, t->port);
	if (put_value(out, "HostName", t->host, true, err) || put_value(out, "User", t->user, false, err) ||
	    put_value(out, "UserKnownHostsFile", t->known_hosts_path, true, err) || put_value(out, "HostKeyAlias", t->pin, false, err))
		return -1;
	str_addf(out,
	    "    ProxyJump %s\n"
	    "    StrictHostKeyChecking yes\n"
	    "    UpdateHostKeys no\n"
	    "    CheckHostIP no\n"
	    "    ServerAliveInterval 30\n", jump ? jump : "none");
	return 0;
}

int hosts_entry(struct str *out, const char *names, const char *jump_name, const struct ssh_target *t, const char *key, struct err *err)
{
	char *jump = t->jump ? xasprintf("%s.jump", jump_name) : NULL;
	int rc = put_target(out, names, t, jump, err) || (key && put_value(out, "IdentityFile", key, true, err)) ? -1 : 0;
	if (!rc && key)
		str_add(out, "    IdentitiesOnly yes\n");
	for (size_t i = 0; !rc && !key && i < SSH_IDENTITIES_MAX && t->identity_files[i]; i++)
		rc = put_value(out, "IdentityFile", t->identity_files[i], true, err);
	if (!rc && t->jump)
		rc = hosts_entry(out, jump, jump, t->jump, NULL, err);
	free(jump);
	return rc;
}

/* The words of a config's line: the first in lower case by length, "=" between it and the rest allowed. */
struct line {
	const char *word, *rest, *end;
	size_t word_len;
};

static bool next_line(const char **p, const char *end, struct line *l)
{
	if (*p >= end)
		return false;
	const char *eol = memchr(*p, '\n', (size_t)(end - *p)), *s = *p;
	l->end = eol ? eol : end;
	*p = eol ? eol + 1 : end;
	while (s < l->end && isspace((unsigned char)*s))
		s++;
	l->word = s;
	while (s < l->end && !isspace((unsigned char)*s) && *s != '=')
		s++;
	l->word_len = (size_t)(s - l->word);
	while (s < l->end && (isspace((unsigned char)*s) || *s == '='))
		s++;
	l->rest = s;
	while (l->end > l->rest && isspace((unsigned char)l->end[-1]))
		l->end--;
	return true;
}

static bool is_word(const struct line *l, const char *word)
{
	return l->word_len == strlen(word) && !strncasecmp(l->word, word, l->word_len);
}

bool hosts_is_named(const char *config, size_t len, const char *name)
{
	struct line l;
	for (const char *p = config, *end = config + len; next_line(&p, end, &l);) {
		if (!is_word(&l, "host"))
			continue;
		for (const char *s = l.rest; s < l.end;) {
			const char *w = s;
			while (s < l.end && !isspace((unsigned char)*s))
				s++;
			size_t n = (size_t)(s - w);
			if (n > 1 && *w == '"' && w[n - 1] == '"') {
				w++;
				n -= 2;
			}
			if (n == strlen(name) && !strncasecmp(w, name, n))
				return true;
			while (s < l.end && isspace((unsigned char)*s))
				s++;
		}
	}
	return false;
}

bool hosts_is_included(const char *config, size_t len, const char *line)
{
	struct line l, want;
	const char *q = line;
	next_line(&q, line + strlen(line), &want);
	for (const char *p = config, *end = config + len; next_line(&p, end, &l);)
		if (is_word(&l, "include") && l.end - l.rest == want.end - want.rest && !memcmp(l.rest, want.rest, (size_t)(l.end - l.rest)))
			return true;
	return false;
}

/* ---- the Include line --------------------------------------------------------------------------------------------- */

/* With ~ where that is the same to ssh, which takes the home of the account and not $HOME: dot files are carried to other machines. */
static char *include_line(void)
{
	char *dir = home_path(HOME_DATA, "ssh/config.d"), *home = path_expand("~");
	const struct passwd *pw = getpwuid(getuid());
	size_t n = strlen(home);
	bool tilde = pw && str_eq(pw->pw_dir, home) && n > 1 && !strncmp(dir, home, n) && dir[n] == '/';
	const char *quote = strpbrk(dir, " \t") ? "\"" : "";
	char *line = xasprintf("Include %s%s%s/*%s", quote, tilde ? "~" : "", tilde ? dir + n : dir, quote);
	free(dir);
	free(home);
	return line;
}

static int add_include(const char *path, const char *line, struct err *err)
{
	char *dir = xstrndup(path, (size_t)(path_base(path) - path)), real[PATH_MAX];
	struct err e;
	struct stat st;
	size_t len = 0;
	int rc = fs_mkdirs(dir, err);
	free(dir);
	if (rc)
		return -1;
	bool there = !lstat(path, &st);
	if (there && (!realpath(path, real) || stat(real, &st)))
		return err_errno(err, "%s", path);
	if (!there)
		snprintf(real, sizeof real, "%s", path);
	if (there && st.st_uid != geteuid())
		return err_set(err, ERR_IO, "%s belongs to somebody else", path);
	char *text = there ? fs_read(real, SSH_CONFIG_MAX, &len, &e) : xstrdup("");
	if (!text) {
		*err = e;
		return -1;
	}
	if (!hosts_is_included(text, len, line)) {
		struct str s = str_new(SSH_CONFIG_MAX + 4096);
		str_addf(&s, "%s\n%s", line, len ? "\n" : "");
		str_addn(&s, text, len);
		rc = fs_write(real, str_text(&s), s.len, 0600, err);
		if (!rc && there && chmod(real, st.st_mode & 07777)) /* the umask is not to have a say */
			rc = err_errno(err, "cannot set the mode of %s", path);
		str_free(&s);
	}
	free(text);
	return rc;
}

/* ---- the entries -------------------------------------------------------------------------------------------------- */

struct user_config {
	char *text;
	size_t len;
};

static bool is_taken(struct engine *e, const struct cluster *c, const struct user_config *own, const char *name)
{
	if (hosts_is_named(own->text, own->len, name))
		return true;
	const struct unit *u = run_unit(e, name);
	return u && u->c != c;
}

static int put_cluster(struct str *out, struct engine *e, const struct cluster *c, const struct user_config *own, struct err *err)
{
	int rc = 0;
	str_addf(out, "# Cluster %s. Written by skytop; goes with the cluster.\n", c->name);
	for (size_t i = 0; !rc && i < c->n_nodes; i++) {
		const struct node *n = &c->nodes[i];
		if (!access_by_ssh(n))
			continue;
		struct ssh_target *t = access_target(n->reach, err);
		char *name = n->rank ? xasprintf("%s-%" PRId64, c->name, n->rank) : xstrdup(c->name), *key = access_key_path(c, n->rank);
		char *sure = hosts_name(c, n->rank), *names = is_taken(e, c, own, name) ? xstrdup(sure) : xasprintf("%s %s", name, sure);
		rc = t ? hosts_entry(out, names, sure, t, key, err) : -1;
		free(sure);
		free(names);
		free(name);
		free(key);
		ssh_target_free(t);
	}
	return rc;
}

static int publish(struct engine *e, const struct cluster *c, const struct user_config *own, struct err *err)
{
	struct str s = str_new(ENTRIES_MAX);
	char *path = hosts_path(c->name);
	int rc = put_cluster(&s, e, c, own, err);
	if (!rc && s.full)
		rc = err_set(err, ERR_INVALID, "%s: its entries for ssh are too long", c->name);
	size_t len = 0;
	char *old = rc ? NULL : fs_read(path, ENTRIES_MAX, &len, NULL);
	if (!rc && (!old || len != s.len || memcmp(old, str_text(&s), len) != 0))
		rc = fs_write(path, str_text(&s), s.len, 0600, err);
	free(old);
	free(path);
	str_free(&s);
	return rc;
}

/* Files whose cluster is no more. */
static void sweep(struct engine *e, const char *dir)
{
	DIR *d = opendir(dir);
	for (struct dirent *f; d && (f = readdir(d));)
		if (f->d_name[0] != '.' && !run_unit(e, f->d_name))
			unlinkat(dirfd(d), f->d_name, 0);
	if (d)
		closedir(d);
}

static void complain(struct engine *e, const struct err *err)
{
	if (e->hosts_complained)
		return;
	e->hosts_complained = true;
	run_event(e, NULL, NULL, "ssh.config", "warn", NULL, "the entries for ssh could not be written: %s", err->text);
}

static bool is_due(const struct cluster *c)
{
	return c->status == CLUSTER_UP && access_any(c);
}

void hosts_publish(struct engine *e)
{
	struct err err;
	char *dir = home_path(HOME_DATA, "ssh/config.d"), *config = path_expand("~/.ssh/config"), *line = include_line();
	bool any = false;
	for (size_t i = 0; !any && i < e->n_units; i++)
		any = is_due(e->units[i]->c);
	sweep(e, dir);
	if (any && fs_mkdirs(dir, &err)) {
		complain(e, &err);
	} else if (any) {
		struct user_config own = {.len = 0};
		own.text = fs_read(config, SSH_CONFIG_MAX, &own.len, NULL);
		if (!own.text)
			own.text = xstrdup("");
		for (size_t i = 0; i < e->n_units; i++)
			if (is_due(e->units[i]->c) && publish(e, e->units[i]->c, &own, &err))
				complain(e, &err);
		if (!e->setup.no_ssh_include && !hosts_is_included(own.text, own.len, line) && add_include(config, line, &err)) {
			err_wrap(&err, "add this line at the top of %s yourself: %s", config, line);
			complain(e, &err);
		}
		free(own.text);
	}
	free(dir);
	free(config);
	free(line);
}
