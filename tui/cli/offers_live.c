/* The catalog knows what is sold and what it costs; what is free now only the engine can say, so it is asked only for clouds that are
 * named. Their offers go behind the catalog's in one table, so that filters, orders and foldings see no difference. */
#include "tui/cli/offers_live.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/str.h"
#include "core/plan/market.h"
#include "tui/cli/session.h"

static const char *const live[] = {"ssh", "local", "sim"};

/* cloud:ssh, cloud:"ssh", cloud:aws,ssh */
static bool names(const char *text, const char *cloud)
{
	size_t len = strlen(cloud);
	for (const char *p = text; (p = str_istr(p, "cloud:")); p += 6)
		for (const char *w = p + 6; *w && *w != ' '; w++)
			if (strchr(":,\"", w[-1]) && !strncasecmp(w, cloud, len) && (!w[len] || strchr(" ,\"", w[len])))
				return true;
	return false;
}

static json_t *ask(struct cli *c, const json_t *clouds, int *status)
{
	struct err err;
	struct client *cl = session_open(c, true, &err);
	if (!cl) {
		*status = cli_fail(c, &err);
		return NULL;
	}
	json_t *answer = session_call(c, cl, "offers", json_pack("{s:O}", "clouds", clouds), status);
	client_close(cl);
	return answer;
}

/* Which of the clouds asked for were not heard of. */
static void note_missing(struct cli *c, const json_t *clouds, const json_t *rows)
{
	size_t i, k;
	json_t *cloud, *row;
	json_array_foreach(clouds, i, cloud) {
		bool there = false;
		json_array_foreach(rows, k, row)
			there = there || str_eq(json_str(row, "provider", NULL), json_string_value(cloud));
		if (!there)
			cli_note(c, "%s is not enabled here: skytop check %s says why", json_string_value(cloud), json_string_value(cloud));
	}
	json_array_foreach(rows, k, row) {
		const json_t *result = json_obj(row, "result"), *silent = json_arr(result, "silent");
		if (json_str(row, "error", NULL))
			cli_note(c, "%s", json_str(row, "error", ""));
		else if (!cli_json(c))
			cli_note(c, "%s: what is free now (%s)", json_str(row, "provider", ""), json_str(result, "source", "just asked"));
		if (json_array_size(silent))
			cli_note(c, "%zu of your machines did not answer, and are not among these: skytop ssh-pool check", json_array_size(silent));
	}
}

const struct offers *offers_live(struct cli *c, struct arena *a, const struct offers *catalog, const char *text, int *status)
{
	const struct offers *tables[1 + sizeof live / sizeof *live] = {catalog}, *all = NULL;
	size_t n = 1, i;
	json_t *clouds = json_array(), *row;
	for (i = 0; i < sizeof live / sizeof *live; i++)
		if (names(text, live[i]))
			json_array_append_new(clouds, json_string(live[i]));
	json_t *answer = json_array_size(clouds) ? ask(c, clouds, status) : NULL;
	if (answer) {
		json_array_foreach(json_arr(answer, "live"), i, row)
			if (json_obj(row, "result") && n < sizeof tables / sizeof *tables)
				tables[n++] = offers_of_provider(a, json_str(row, "provider", ""), json_obj(row, "result"), wall_now_ms(), NULL);
		note_missing(c, clouds, json_arr(answer, "live"));
		all = offers_join(a, tables, n);
	} else if (!json_array_size(clouds)) {
		all = catalog;
	}
	json_decref(answer);
	json_decref(clouds);
	return all;
}
