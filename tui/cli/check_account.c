/* See check_account.h. What the clouds answer is foreign text: tables and notes clean it. */
#include "tui/cli/check_account.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/ask.h"
#include "core/api/client.h"
#include "core/api/daemon.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/cli/engine_config.h"
#include "tui/cli/table.h"

enum { ASK_MS = 60000, QUOTAS_SHOWN = 12 };

void accounts_ask(struct cli *c, const struct provider *const *which, size_t n, json_t **accounts)
{
	struct daemon_setup d = {.ready_fd = -1};
	struct err *errs = xcalloc(n + 1, sizeof *errs);
	char *self = client_self();
	engine_config_load(c, &d);
	ask_check(&(struct ask){.self = self, .provider_config = d.provider_config, .deadline_ms = ASK_MS}, which, n, accounts, errs);
	for (size_t i = 0; i < n; i++) {
		if (accounts[i])
			continue;
		accounts[i] = json_pack("{s:b, s:n}", "enabled", 0, "identity");
		json_put_str(accounts[i], "reason", errs[i].text);
		json_put_str(accounts[i], "code", err_info(errs[i].code)->name);
	}
	json_decref(d.provider_config);
	free(self);
	free(errs);
}

/* "ok", "missing", "not known" */
static const char *permission_state(const json_t *p)
{
	const json_t *ok = json_object_get(p, "ok");
	return json_is_true(ok) ? "ok" : json_is_false(ok) ? "missing" : "not known";
}

static size_t count(const json_t *account, const char *state)
{
	size_t i, n = 0;
	json_t *p;
	json_array_foreach(json_arr(account, "permissions"), i, p)
		n += !strcmp(permission_state(p), state);
	return n;
}

const char *account_line(const json_t *account, char *buf, size_t size)
{
	const char *who = json_str(account, "identity", NULL), *why = json_str(account, "reason", NULL);
	size_t missing = count(account, "missing");
	if (!json_bool(account, "enabled", false) && why)
		snprintf(buf, size, "%s%s%s", who ? who : "", who ? ": " : "", why);
	else if (missing)
		snprintf(buf, size, "%s; %zu permission%s missing", who ? who : "?", missing, missing == 1 ? " is" : "s are");
	else
		snprintf(buf, size, "%s", who ? who : "");
	return buf;
}

static void print_permissions(struct cli *c, const json_t *account, bool all)
{
	static const struct {
		const char *state;
		enum cli_tone tone;
	} states[] = {{"missing", TONE_BAD}, {"not known", TONE_WARN}, {"ok", TONE_GOOD}};
	size_t n = json_array_size(json_arr(account, "permissions")), i;
	json_t *p;
	if (!n)
		return;
	printf("permissions: %zu ok, %zu missing, %zu not known\n", count(account, "ok"), count(account, "missing"), count(account, "not known"));
	if (!all && count(account, "ok") == n)
		return;
	struct table *t = table_create();
	table_column(t, "PERMISSION", 0);
	table_column(t, "STATE", 0);
	table_column(t, "WHY", TABLE_SHRINK);
	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		json_array_foreach(json_arr(account, "permissions"), i, p) {
			if (strcmp(permission_state(p), states[s].state) || (!all && !strcmp(states[s].state, "ok")))
				continue;
			table_cell(t, json_str(p, "name", "?"));
			table_cell_tone(t, states[s].tone, states[s].state);
			table_cell(t, json_str(p, "why", NULL));
		}
	}
	cli_print_table(c, t);
}

/* One that allows something; the others are told with -v. */
static bool is_of_use(const json_t *q)
{
	return !json_is_integer(json_object_get(q, "limit")) || json_int(q, "limit", 0) > 0;
}

static void quota_row(struct table *t, const json_t *q)
{
	bool limit_known = json_is_integer(json_object_get(q, "limit")), used_known = json_is_integer(json_object_get(q, "used"));
	int64_t limit = json_int(q, "limit", 0), used = json_int(q, "used", 0);
	table_cell(t, json_str(q, "name", "?"));
	table_cell(t, json_str(q, "region", "-"));
	if (limit_known)
		table_cellf(t, "%" PRId64, limit);
	else
		table_cell(t, "-");
	if (used_known)
		table_cellf(t, "%" PRId64, used);
	else
		table_cell(t, "-");
	if (!limit_known || !used_known)
		table_cell(t, "-");
	else if (limit > used)
		table_cellf(t, "%" PRId64, limit - used);
	else
		table_cell_tone(t, TONE_BAD, "0");
}

static void print_quotas(struct cli *c, const json_t *account, bool all)
{
	static const char *const titles[] = {"QUOTA", "REGION", "LIMIT", "USED", "LEFT"};
	const json_t *quotas = json_arr(account, "quotas");
	size_t i, shown = 0;
	json_t *q;
	struct table *t = table_create();
	for (i = 0; i < ARRAY_LEN(titles); i++)
		table_column(t, titles[i], i > 1 ? TABLE_RIGHT : i ? 0 : TABLE_SHRINK);
	json_array_foreach(quotas, i, q) {
		if (!all && (shown >= QUOTAS_SHOWN || !is_of_use(q)))
			continue;
		quota_row(t, q);
		shown++;
	}
	if (shown)
		cli_print_table(c, t);
	else
		table_destroy(t);
	if (shown < json_array_size(quotas))
		printf("%zu more quotas, those of nothing among them: skytop check -v CLOUD\n", json_array_size(quotas) - shown);
}

void account_print(struct cli *c, const char *title, const json_t *account, bool all)
{
	char line[1200];
	size_t i;
	json_t *h;
	struct str clean = str_new(1500);
	account_line(account, line, sizeof line);
	text_clean(&clean, line, strlen(line));
	printf("\n%s%s%s: %s\n", cli_sgr(c, TONE_BOLD), title, cli_sgr(c, TONE_PLAIN), str_text(&clean));
	print_permissions(c, account, all);
	print_quotas(c, account, all);
	json_array_foreach(json_arr(account, "hints"), i, h) {
		const char *text = json_string_value(h);
		str_clear(&clean);
		text_clean(&clean, text ? text : "", text ? strlen(text) : 0);
		printf("%s %s\n", cli_utf8() ? "→" : "->", str_text(&clean));
	}
	str_free(&clean);
}
