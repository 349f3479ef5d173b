/* The text is changed, not written anew, since it is the user's. The parser says where the pool's last host ends; lines in the same form go behind
 * it; and the result is parsed again: unless it says just what was meant, nothing has been done. */
#include "tui/cli/pool_file.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/model/yaml.h"

enum { TEXT_MAX = 4 << 20, INDENT_MAX = 60 };

/* ---- writing YAML ------------------------------------------------------------------------------------------------ */

/* A scalar that is read back as this very text. */
static void add_scalar(struct str *s, const char *text)
{
	bool plain = isalpha((unsigned char)text[0]) || text[0] == '~' || text[0] == '/';
	int dots = 0;
	size_t digits = strspn(text, "0123456789.");
	for (const char *p = text; *p; p++) {
		plain = plain && (isalnum((unsigned char)*p) || strchr("._/~@-", *p));
		dots += *p == '.';
	}
	struct yaml_node n = {.text = text, .len = strlen(text)};
	yaml_resolve(&n);
	if ((plain && n.kind == YAML_STRING && strcmp(text, "~") != 0) || (dots == 3 && digits == strlen(text))) {
		str_add(s, text);
		return;
	}
	str_addc(s, '"');
	for (const char *p = text; *p; p++) {
		if (*p == '"' || *p == '\\')
			str_addc(s, '\\');
		str_addc(s, *p);
	}
	str_addc(s, '"');
}

static void add_settings(struct str *s, const struct pool_entry *e, const char *indent)
{
	const struct {
		const char *key, *value;
	} texts[] = {{"user", e->user}, {"identity_file", e->identity_file}, {"jump", e->jump}};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (!texts[i].value)
			continue;
		str_addf(s, "%s%s: ", indent, texts[i].key);
		add_scalar(s, texts[i].value);
		str_addc(s, '\n');
	}
	if (e->port)
		str_addf(s, "%sport: %d\n", indent, (int)e->port);
}

static bool has_settings(const struct pool_entry *e)
{
	return e->user || e->identity_file || e->jump || e->port;
}

/* As items of a list. */
static void add_hosts(struct str *s, const struct pool_entry *e, const char *indent, bool with_settings)
{
	char deeper[INDENT_MAX + 3];
	snprintf(deeper, sizeof deeper, "%s  ", indent);
	for (const char *const *h = e->hosts; *h; h++) {
		str_addf(s, "%s- %s", indent, with_settings ? "ip: " : "");
		add_scalar(s, *h);
		str_addc(s, '\n');
		if (with_settings)
			add_settings(s, e, deeper);
	}
}

static void add_pool(struct str *s, const struct pool_entry *e)
{
	add_scalar(s, e->pool);
	str_add(s, ":\n");
	add_settings(s, e, "  ");
	str_add(s, "  hosts:\n");
	add_hosts(s, e, "    ", false);
}

/* ---- finding the place ------------------------------------------------------------------------------------------- */

static int last_line(const struct yaml_node *n)
{
	int line = n->line;
	for (size_t i = 0; i < n->n; i++) {
		const struct yaml_node *below = n->kind == YAML_LIST ? n->items[i] : n->pairs[i].value;
		int l = last_line(below);
		line = l > line ? l : line;
	}
	return line;
}

/* Where line number `line` (1-based) begins; the end of the text when there are fewer. */
static size_t line_start(const char *text, size_t len, int line)
{
	size_t at = 0;
	for (int i = 1; i < line && at < len; i++) {
		const char *nl = memchr(text + at, '\n', len - at);
		at = nl ? (size_t)(nl - text) + 1 : len;
	}
	return at;
}

static int cannot(const char *file, const struct pool_entry *e, struct err *err)
{
	struct str s = str_new(600);
	add_hosts(&s, e, "    ", has_settings(e));
	err_set(err, ERR_UNSUPPORTED, "%s: pool %s is written in a form in which nothing can be added safely; write this among its hosts:\n%s", file, e->pool,
	    str_text(&s));
	str_free(&s);
	return -1;
}

/* Behind the last host of a block list. */
static int insert(const char *text, size_t len, const char *file, const struct yaml_node *hosts, const struct pool_entry *e, struct str *out, struct err *err)
{
	const struct yaml_node *last = hosts && hosts->kind == YAML_LIST && hosts->n ? hosts->items[hosts->n - 1] : NULL;
	if (!last || last->line <= 0)
		return cannot(file, e, err);
	size_t from = line_start(text, len, last->line), dash = from;
	while (dash < len && text[dash] == ' ')
		dash++;
	if (dash >= len || text[dash] != '-' || dash - from > INDENT_MAX)
		return cannot(file, e, err);
	char indent[INDENT_MAX + 1];
	snprintf(indent, sizeof indent, "%.*s", (int)(dash - from), text + from);
	size_t at = line_start(text, len, last_line(last) + 1);
	str_addn(out, text, at);
	if (at && text[at - 1] != '\n')
		str_addc(out, '\n');
	add_hosts(out, e, indent, has_settings(e));
	str_addn(out, text + at, len - at);
	return 0;
}

/* ---- looking at what came of it ---------------------------------------------------------------------------------- */

static const char *name_of(const struct yaml_node *host)
{
	const struct yaml_node *ip = host->kind == YAML_MAP ? yaml_get(host, "ip") : host;
	return ip && ip->text ? ip->text : "";
}

static bool lists(const struct yaml_node *hosts, const char *name)
{
	for (size_t i = 0; hosts && hosts->kind == YAML_LIST && i < hosts->n; i++)
		if (!strcmp(name_of(hosts->items[i]), name))
			return true;
	return false;
}

/* How many hosts all pools have: nothing else may have changed. */
static size_t count_hosts(const struct yaml_node *root)
{
	size_t n = 0;
	for (size_t i = 0; root->kind == YAML_MAP && i < root->n; i++) {
		const struct yaml_node *hosts = yaml_get(root->pairs[i].value, "hosts");
		n += hosts && hosts->kind == YAML_LIST ? hosts->n : 0;
	}
	return n;
}

static bool came_out(const char *text, size_t len, const char *file, size_t before, const struct pool_entry *e)
{
	struct yaml_file *f = yaml_parse(text, len, file, NULL, NULL, NULL);
	const struct yaml_node *root = f && f->n == 1 ? f->docs[0] : NULL, *hosts = yaml_get(yaml_get(root, e->pool), "hosts");
	size_t n = 0;
	bool ok = root != NULL;
	for (; e->hosts[n]; n++)
		ok = ok && lists(hosts, e->hosts[n]);
	ok = ok && count_hosts(root) == before + n;
	yaml_file_free(f);
	return ok;
}

int pool_file_add(const char *text, size_t len, const char *file, const struct pool_entry *e, struct str *out, struct err *err)
{
	struct yaml_file *f = yaml_parse(text, len, file, NULL, NULL, err);
	if (!f)
		return -1;
	const struct yaml_node *root = f->n ? f->docs[0] : NULL, *pool = yaml_get_set(root, e->pool), *hosts = yaml_get(pool, "hosts");
	bool empty = !root || root->kind == YAML_NULL;
	size_t before = empty ? 0 : count_hosts(root);
	struct str made = str_new(TEXT_MAX);
	int rc = 0;
	if (f->n > 1 || (!empty && root->kind != YAML_MAP))
		rc = err_set(err, ERR_INVALID, "%s: must be a map of pools", file);
	for (const char *const *h = e->hosts; !rc && *h; h++)
		if (lists(hosts, *h))
			rc = err_set(err, ERR_CONFLICT, "%s: pool %s lists %s already", file, e->pool, *h);
	if (!rc && pool) {
		rc = insert(text, len, file, hosts, e, &made, err);
	} else if (!rc) {
		str_addn(&made, text, len);
		if (len && text[len - 1] != '\n')
			str_addc(&made, '\n');
		if (!empty)
			str_addc(&made, '\n');
		add_pool(&made, e);
	}
	if (!rc && (made.full || !came_out(str_text(&made), made.len, file, before, e)))
		rc = cannot(file, e, err);
	if (!rc)
		str_addn(out, str_text(&made), made.len);
	str_free(&made);
	yaml_file_free(f);
	return rc;
}
