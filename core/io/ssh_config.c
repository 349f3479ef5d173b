/* ~/.ssh/config, as much of it as decides where a connection goes and as whom. The text is read by a pure function; files and
 * Include are at the end. As in OpenSSH the first value found for a keyword holds, and IdentityFile adds up. */
#include "core/io/ssh_config.h"

#include <ctype.h>
#include <glob.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"

enum { INCLUDE_DEPTH = 8, INCLUDE_FILES = 64, LINE_WORDS = 64 };

struct ssh_target *ssh_target_copy(const struct ssh_target *t)
{
	struct ssh_target *c = xmalloc(sizeof *c);
	*c = *t;
	c->host = xstrdup(t->host);
	c->user = xstrdup(t->user);
	c->known_hosts_path = xstrdup(t->known_hosts_path);
	c->pin = xstrdup(t->pin);
	c->agent = xstrdup(t->agent);
	for (int i = 0; i < SSH_IDENTITIES_MAX; i++)
		c->identity_files[i] = xstrdup(t->identity_files[i]);
	c->jump = t->jump ? ssh_target_copy(t->jump) : NULL;
	return c;
}

void ssh_target_free(struct ssh_target *t)
{
	if (!t)
		return;
	ssh_target_free(t->jump);
	for (int i = 0; i < SSH_IDENTITIES_MAX; i++)
		free(t->identity_files[i]);
	free(t->host);
	free(t->user);
	free(t->known_hosts_path);
	free(t->pin);
	free(t->agent);
	free(t);
}

void ssh_settings_clear(struct ssh_settings *s)
{
	free(s->hostname);
	free(s->user);
	free(s->proxy_jump);
	free(s->proxy_command);
	free(s->proxy_at);
	free(s->host_key_alias);
	free(s->agent);
	for (int i = 0; i < s->n_identity_files; i++)
		free(s->identity_files[i]);
	*s = (struct ssh_settings){.port = 0};
}

/* A line cut into words in place: blanks, one '=' after the keyword, double quotes. */
static int split(char *line, char **words)
{
	int n = 0;
	for (char *p = line; n < LINE_WORDS;) {
		while (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\f' || (n == 1 && *p == '='))
			p++;
		if (!*p || (*p == '#' && n != 1))
			break;
		bool quoted = *p == '"';
		words[n++] = quoted ? ++p : p;
		while (*p && (quoted ? *p != '"' : !strchr(" \t\r\f", *p) && !(n == 1 && *p == '=')))
			p++;
		if (!*p)
			break;
		if (n == 1 && *p == '=')
			*p++ = '\0', p += strspn(p, " \t");
		else
			*p++ = '\0';
	}
	return n;
}

static bool host_line_holds(char **patterns, int n, const char *alias)
{
	bool yes = false;
	for (int i = 0; i < n; i++) {
		bool no = patterns[i][0] == '!';
		if (!str_glob(patterns[i] + no, alias))
			continue;
		if (no)
			return false;
		yes = true;
	}
	return yes;
}

static void first(char **slot, const char *value)
{
	if (!*slot)
		*slot = xstrdup(value);
}

/* What is left of the line from a word on, for values that are one text with blanks. */
static const char *rest(const char *line, const char *key)
{
	line += strspn(line, " \t") + strlen(key);
	return line + strspn(line, " \t=");
}

struct reading {
	struct ssh_settings *s;
	const char *name, *alias;
	ssh_include_fn *include;
	void *arg;
	int depth, line;
	bool active;
};

static int take(struct reading *r, char **w, int n, const char *whole, struct err *err)
{
	struct ssh_settings *s = r->s;
	const char *key = w[0], *value = n > 1 ? w[1] : "";
	if (str_ieq(key, "Host") || str_ieq(key, "Match")) {
		r->active = str_ieq(key, "Host") ? host_line_holds(w + 1, n - 1, r->alias) : n == 2 && str_ieq(value, "all");
		return 0;
	}
	if (!r->active)
		return 0;
	int64_t port;
	if (str_ieq(key, "Port")) {
		if (!num_int(value, 1, 65535, &port))
			return err_set(err, ERR_INVALID, "%s:%d: Port is a number from 1 to 65535", r->name, r->line);
		if (!s->port)
			s->port = (int)port;
	} else if (str_ieq(key, "HostName") || str_ieq(key, "User") || str_ieq(key, "ProxyJump") || str_ieq(key, "IdentityFile") ||
	    str_ieq(key, "IdentityAgent") || str_ieq(key, "HostKeyAlias")) {
		if (!value[0])
			return err_set(err, ERR_INVALID, "%s:%d: %s has no value", r->name, r->line, key);
		if (str_ieq(key, "HostName"))
			first(&s->hostname, value);
		else if (str_ieq(key, "User"))
			first(&s->user, value);
		else if (str_ieq(key, "ProxyJump"))
			first(&s->proxy_jump, value);
		else if (str_ieq(key, "IdentityAgent"))
			first(&s->agent, value);
		else if (str_ieq(key, "HostKeyAlias"))
			first(&s->host_key_alias, value);
		else if (s->n_identity_files < SSH_IDENTITIES_MAX && !str_ieq(value, "none"))
			s->identity_files[s->n_identity_files++] = xstrdup(value);
	} else if (str_ieq(key, "ProxyCommand")) {
		if (!s->proxy_jump && !s->proxy_command) {
			s->proxy_command = xstrdup(rest(whole, key));
			s->proxy_at = xasprintf("%s:%d", r->name, r->line);
		}
	} else if (str_ieq(key, "IdentitiesOnly")) {
		if (!s->identities_only)
			s->identities_only = str_ieq(value, "yes") || str_ieq(value, "true") ? 1 : -1;
	} else if (str_ieq(key, "Include") && r->include && r->depth < INCLUDE_DEPTH) {
		for (int i = 1; i < n; i++)
			r->include(r->arg, w[i], s, r->alias, r->depth + 1);
	}
	return 0;
}

int ssh_config_read(struct ssh_settings *s, const char *name, const char *text, size_t len, const char *alias,
    ssh_include_fn *include, void *arg, int depth, struct err *err)
{
	struct reading r = {s, name, alias, include, arg, depth, 0, true};
	const char *end = text + len;
	while (text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text)), *stop = eol ? eol : end;
		char *line = xstrndup(text, (size_t)(stop - text)), *whole = xstrdup(line), *words[LINE_WORDS];
		r.line++;
		text = eol ? eol + 1 : end;
		int n = split(line, words), rc = n && words[0][0] != '#' ? take(&r, words, n, whole, err) : 0;
		free(line);
		free(whole);
		if (rc)
			return rc;
	}
	return 0;
}

/* ---- files and targets ------------------------------------------------------------------------------------------ */

struct files {
	struct err err;
	bool failed;
	int n;
};

static void include_files(void *arg, const char *pattern, struct ssh_settings *s, const char *alias, int depth);

static void read_file(struct files *f, const char *path, struct ssh_settings *s, const char *alias, int depth)
{
	size_t len;
	struct err e;
	char *text = f->failed || f->n++ >= INCLUDE_FILES ? NULL : fs_read(path, SSH_CONFIG_MAX, &len, &e);
	if (text && ssh_config_read(s, path, text, len, alias, include_files, f, depth, &e)) {
		f->failed = true;
		f->err = e;
	}
	free(text);
}

static void include_files(void *arg, const char *pattern, struct ssh_settings *s, const char *alias, int depth)
{
	char *path = pattern[0] == '/' || pattern[0] == '~' ? path_expand(pattern) : NULL;
	if (!path) {
		char *dir = path_expand("~/.ssh");
		path = path_join(dir, pattern);
		free(dir);
	}
	glob_t g = {.gl_pathc = 0};
	if (!glob(path, 0, NULL, &g))
		for (size_t i = 0; i < g.gl_pathc; i++)
			read_file(arg, g.gl_pathv[i], s, alias, depth);
	globfree(&g);
	free(path);
}

/* %h, %r, %u, %d and %% of a value; others stay as they are. */
static char *percent(const char *value, const struct ssh_target *t, const char *host)
{
	struct str s = str_new(4096);
	char *home = path_expand("~");
	const struct passwd *pw = getpwuid(getuid());
	for (const char *p = value; *p; p++) {
		if (*p != '%' || !p[1])
			str_addc(&s, *p);
		else if (*++p == 'h')
			str_add(&s, host);
		else if (*p == 'r')
			str_add(&s, t->user ? t->user : pw ? pw->pw_name : "");
		else if (*p == 'u')
			str_add(&s, pw ? pw->pw_name : "");
		else if (*p == 'd')
			str_add(&s, home);
		else
			str_addn(&s, *p == '%' ? p : p - 1, *p == '%' ? 1 : 2);
	}
	free(home);
	char *out = str_take(&s), *full = path_expand(out);
	free(out);
	return full;
}

/* "[ssh://][user@]host[:port]", brackets around an IPv6 address. */
static int parse_text(const char *text, char **user, char **host, int *port, struct err *err)
{
	const char *p = str_starts(text, "ssh://") ? text + 6 : text, *at = strrchr(p, '@'), *h = at ? at + 1 : p;
	const char *colon = h[0] == '[' ? strchr(h, ']') : strchr(h, ':');
	size_t n = strlen(h), skip = h[0] == '[';
	if (skip && !colon)
		return err_set(err, ERR_INVALID, "%s: the bracket is not closed", text);
	if (skip) {
		n = (size_t)(colon - h) - 1;
		colon = colon[1] ? colon + 1 : NULL;
	} else if (colon && strchr(colon + 1, ':')) {
		colon = NULL; /* a bare IPv6 address */
	} else if (colon) {
		n = (size_t)(colon - h);
	}
	int64_t number = 0;
	if (!n || n > 255 || (at && at == p) || (colon && (*colon != ':' || !num_int(colon + 1, 1, 65535, &number))))
		return err_set(err, ERR_INVALID, "\"%s\" is not [USER@]HOST[:PORT]", text);
	for (const char *c = p; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return err_set(err, ERR_INVALID, "\"%s\" is not [USER@]HOST[:PORT]", text);
	*user = at ? xstrndup(p, (size_t)(at - p)) : NULL;
	*host = xstrndup(h + skip, n);
	*port = (int)number;
	return 0;
}

static struct ssh_target *resolve(const char *path, const char *text, int jumps, struct err *err);

/* ProxyJump a,b: through a first, then b. */
static int add_jumps(struct ssh_target *t, const char *path, const char *list, int jumps, struct err *err)
{
	if (str_ieq(list, "none"))
		return 0;
	if (jumps >= SSH_JUMPS_MAX)
		return err_set(err, ERR_INVALID, "%s: more than %d jump hosts in a row, or they go in a circle", list, SSH_JUMPS_MAX);
	const char *comma = strrchr(list, ',');
	struct ssh_target *j = resolve(path, comma ? comma + 1 : list, jumps + 1, err);
	if (!j)
		return -1;
	t->jump = j;
	char *before = comma ? xstrndup(list, (size_t)(comma - list)) : NULL;
	int rc = before && !j->jump ? add_jumps(j, path, before, jumps + 1, err) : 0;
	free(before);
	return rc;
}

/* A path, "none", "SSH_AUTH_SOCK", or $VARIABLE that holds a path. */
static char *agent_of(const char *value, const struct ssh_target *t, const char *alias)
{
	if (!value || !strcmp(value, "SSH_AUTH_SOCK"))
		return NULL;
	if (value[0] == '$') {
		const char *path = getenv(value + 1);
		return xstrdup(path && path[0] ? path : "none");
	}
	return percent(value, t, alias);
}

/* `ssh [-q] -W %h:%p HOST`, as jumps were written before there was ProxyJump: HOST. NULL: it is something else. Caller frees. */
static char *jump_of_command(const char *command)
{
	char *copy = xstrdup(command), *words[LINE_WORDS], *host = NULL;
	int n = split(copy, words), i = 1;
	bool through = false;
	for (; i < n; i++) {
		if (!strcmp(words[i], "-W") && i + 1 < n && (!strcmp(words[i + 1], "%h:%p") || !strcmp(words[i + 1], "[%h]:%p"))) {
			through = true;
			i++;
		} else if (words[i][0] != '-' && !host) {
			host = words[i];
		} else if (strcmp(words[i], "-q")) {
			break;
		}
	}
	host = n && !strcmp(path_base(words[0]), "ssh") && through && i == n && host && !strpbrk(host, "%$'\"`;|&") ? xstrdup(host) : NULL;
	free(copy);
	return host;
}

/* Programs are not started for a connection: it is made here. */
static int take_command(struct ssh_target *t, const char *path, const char *alias, const struct ssh_settings *s, int jumps, struct err *err)
{
	char *host = jump_of_command(s->proxy_command);
	int rc = host ? add_jumps(t, path, host, jumps, err) : err_set(err, ERR_UNSUPPORTED, "%s: %s says that it is reached by ProxyCommand \"%.80s\", and "
	    "skytop cannot go through other programs; where that is a jump host, say ProxyJump HOST there (or jump: HOST in ssh_pools.yaml), "
	    "else give an address that can be connected to", alias, s->proxy_at, s->proxy_command);
	free(host);
	return rc;
}

static int settle(struct ssh_target *t, const char *path, const char *alias, const struct ssh_settings *s, int jumps, struct err *err)
{
	if (!t->user)
		t->user = xstrdup(s->user);
	if (!t->port)
		t->port = s->port;
	t->no_agent = s->identities_only == 1;
	t->agent = agent_of(s->agent, t, alias);
	t->pin = xstrdup(s->host_key_alias);
	t->host = s->hostname ? percent(s->hostname, t, alias) : xstrdup(alias);
	for (int i = 0; i < s->n_identity_files; i++)
		t->identity_files[i] = percent(s->identity_files[i], t, t->host);
	if (s->proxy_jump)
		return add_jumps(t, path, s->proxy_jump, jumps, err);
	if (s->proxy_command && !str_ieq(s->proxy_command, "none"))
		return take_command(t, path, alias, s, jumps, err);
	return 0;
}

static struct ssh_target *resolve(const char *path, const char *text, int jumps, struct err *err)
{
	struct ssh_target *t = xcalloc(1, sizeof *t);
	struct ssh_settings s = {.port = 0};
	struct files f = {.failed = false};
	char *alias = NULL;
	int rc = parse_text(text, &t->user, &alias, &t->port, err);
	if (!rc) {
		read_file(&f, path, &s, alias, 0);
		if (f.failed && err)
			*err = f.err;
		rc = f.failed ? -1 : settle(t, path, alias, &s, jumps, err);
	}
	ssh_settings_clear(&s);
	free(alias);
	if (!rc)
		return t;
	ssh_target_free(t);
	return NULL;
}

struct ssh_target *ssh_target_of_config(const char *config_path, const char *text, struct err *err)
{
	char *path = config_path ? xstrdup(config_path) : path_expand("~/.ssh/config");
	struct ssh_target *t = resolve(path, text, 0, err);
	free(path);
	return t;
}
