/* The ledger and the budgets of state.db. An interval is one machine (or disk) at one price, open while it is paid for: nothing is summed
 * here but what a list of clusters needs at once; core/plan/spend.h makes figures of intervals. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/base/mem.h"
#include "core/store/state_priv.h"

static int64_t us(int64_t ms)
{
	return state_us(ms);
}

static int64_t now_us(void)
{
	return us(wall_now_ms());
}

/* ---- intervals --------------------------------------------------------------------------------------------------- */

int state_ledger_open(struct state *s, const struct cluster *c, struct node *n, const struct ledger_disk *disk, int64_t at_ms, struct err *err)
{
	if (n->ledger_id && n->ledger_disk == (disk != NULL))
		return 0;
	if (state_ledger_close(s, n, at_ms, err) || state_begin(s, err))
		return -1;
	s->ledger_changes++;
	if (db_run(s->db, err, "INSERT INTO ledger(cluster_id, node_token, kind, provider, started_at, ended_at, price_uusd_h, estimated, source, user,"
			       " project, created_at, updated_at) VALUES(?,?,?,?,?,0,?,?,?,?,?,?,?)",
		"isssipbsssii", c->id, n->token, disk ? "disk" : "compute", c->provider, us(at_ms), disk ? disk->price_uusd_h : c->price_uusd_h,
		disk || c->price_estimated, disk ? disk->source : c->price_source, c->user, c->project, now_us(), now_us()))
		return -1;
	n->ledger_id = db_last_id(s->db);
	n->ledger_disk = disk;
	return 0;
}

int state_ledger_close(struct state *s, struct node *n, int64_t at_ms, struct err *err)
{
	if (!n->ledger_id)
		return 0;
	s->ledger_changes++;
	if (state_begin(s, err) ||
	    db_run(s->db, err, "UPDATE ledger SET ended_at=max(?, started_at), updated_at=? WHERE id=?", "iii", us(at_ms), now_us(), n->ledger_id))
		return -1;
	n->ledger_id = 0;
	return 0;
}

static bool metered(const struct cluster *c, int64_t ledger_id)
{
	for (size_t i = 0; i < c->n_nodes; i++)
		if (c->nodes[i].ledger_id == ledger_id)
			return true;
	return false;
}

int state_ledger_repair(struct state *s, struct cluster *c, const struct ledger_disk *disk, int64_t at_ms, struct err *err)
{
	enum { OPEN_MAX = 4096 };
	int64_t open[OPEN_MAX];
	size_t n = 0;
	int rc;
	s->ledger_changes++;
	sqlite3_stmt *r = db_query(s->db, err, "SELECT id FROM ledger WHERE cluster_id=? AND ended_at=0", "i", c->id);
	if (!r)
		return -1;
	while ((rc = db_next(s->db, r, err)) > 0 && n < OPEN_MAX)
		open[n++] = db_int(r, 0);
	db_end(r);
	for (size_t i = 0; !rc && i < n; i++) /* an end that was lost */
		if (!metered(c, open[i]))
			rc = state_begin(s, err) ||
			     db_run(s->db, err, "UPDATE ledger SET ended_at=max(?, started_at) WHERE id=?", "ii", us(at_ms), open[i]);
	for (size_t i = 0; !rc && i < c->n_nodes; i++) { /* a beginning that was lost */
		struct node *node = &c->nodes[i];
		bool there = !node->ledger_id;
		for (size_t k = 0; k < n; k++)
			there = there || open[k] == node->ledger_id;
		if (there)
			continue;
		node->ledger_id = 0;
		rc = state_ledger_open(s, c, node, node->ledger_disk ? disk : NULL, !node->ledger_disk && node->created_at_ms ? node->created_at_ms : at_ms, err);
	}
	return rc;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Micro-dollars of a time (us) at a price, rounded to nearest, as spend_cost does it. */
#define COST_SQL(from, to)                                                                                                                  \
	"((" to " - " from ") / 3600000000 * price_uusd_h + ((" to " - " from ") / 1000 % 3600000 * price_uusd_h + 1800000) / 3600000)"

struct cluster_cost state_cluster_bill(struct state *s, int64_t cluster_id, int64_t now_ms)
{
	sqlite3_stmt *r = db_query(s->db, NULL,
	    "SELECT coalesce(sum(" COST_SQL("started_at", "(CASE ended_at WHEN 0 THEN ?1 ELSE ended_at END)") "), 0), coalesce(sum(price_uusd_h IS NULL), 0),"
	    " coalesce(max(estimated), 0) FROM ledger WHERE cluster_id = ?2", "ii", us(now_ms), cluster_id);
	struct cluster_cost c = {.unknown = true};
	if (r && db_next(s->db, r, NULL) > 0)
		c = (struct cluster_cost){db_int(r, 0), db_int(r, 1) > 0, db_int(r, 2) > 0};
	db_end(r);
	return c;
}

int64_t state_cluster_cost(struct state *s, int64_t cluster_id, int64_t now_ms)
{
	struct cluster_cost c = state_cluster_bill(s, cluster_id, now_ms);
	return c.unknown ? PRICE_UNKNOWN : c.known_uusd;
}

int64_t state_ledger_changes(const struct state *s)
{
	return s->ledger_changes;
}

int state_ledger(struct state *s, int64_t since_ms, struct ledger_row **out, size_t *n, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT cluster_id, started_at, ended_at, price_uusd_h, estimated, provider, project, kind = 'disk' FROM ledger"
	    " WHERE ended_at = 0 OR ended_at >= ? ORDER BY started_at, id",
	    "i", us(since_ms));
	struct ledger_row *rows = NULL;
	size_t count = 0, cap = 0;
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		ARRAY_GROW(rows, count, cap);
		struct ledger_row *row = &rows[count++];
		*row = (struct ledger_row){db_int(r, 0), db_int(r, 1) / 1000, db_int(r, 2) / 1000, db_num(r, 3), db_int(r, 4), db_int(r, 7), "", ""};
		snprintf(row->provider, sizeof row->provider, "%s", db_str(r, 5) ? db_str(r, 5) : "?");
		snprintf(row->project, sizeof row->project, "%s", db_str(r, 6));
	}
	if (rc) {
		free(rows);
		return -1;
	}
	*out = rows;
	*n = count;
	return 0;
}

json_t *state_spenders(struct state *s, int64_t since_ms, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT c.id, c.name, c.uid, c.provider, c.instance_type, c.status, c.user, c.project, c.region, c.accelerator, c.accel_count_micro, c.use_spot,"
	    " count(DISTINCT l.node_token), max(l.price_uusd_h), max(l.estimated) FROM ledger l JOIN clusters c ON c.id = l.cluster_id"
	    " WHERE l.ended_at = 0 OR l.ended_at >= ? GROUP BY c.id ORDER BY c.id DESC LIMIT 10000", "i", us(since_ms));
	json_t *a = json_array();
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		static const char *const names[] = {"name", "id", "provider", "instance_type", "status", "user", "project", "region", "accelerator"};
		json_t *j = json_object();
		json_put_int(j, "cluster_id", db_int(r, 0));
		for (int i = 0; i < (int)ARRAY_LEN(names); i++)
			json_put_str(j, names[i], db_str(r, i + 1));
		json_object_set_new(j, "accelerator_count", json_real((double)db_int(r, 10) / 1e6));
		json_put_bool(j, "use_spot", db_int(r, 11) > 0);
		json_put_int(j, "num_nodes", db_int(r, 12));
		int64_t price = db_num(r, 13);
		json_object_set_new(j, "price_uusd_h", price < 0 ? json_null() : json_integer(price));
		json_put_bool(j, "estimated", db_int(r, 14) > 0);
		json_array_append_new(a, j);
	}
	if (rc) {
		json_decref(a);
		return NULL;
	}
	return a;
}

/* ---- budgets ----------------------------------------------------------------------------------------------------- */

int state_save_budget(struct state *s, const struct budget *b, struct err *err)
{
	if (state_begin(s, err))
		return -1;
	return db_run(s->db, err,
	    "INSERT INTO budgets(project, simulated, month_uusd, block, told_month, told_percent, user, created_at, updated_at) VALUES(?,?,?,?,?,?,?,?,?)"
	    " ON CONFLICT(project, simulated) DO UPDATE SET month_uusd=excluded.month_uusd, block=excluded.block, told_month=excluded.told_month,"
	    " told_percent=excluded.told_percent, user=excluded.user, updated_at=excluded.updated_at",
	    "sbibiisii", b->project, b->simulated, b->month_uusd, b->block, us(b->told_month_ms), b->told_percent, b->user, now_us(), now_us());
}

int state_drop_budget(struct state *s, const char *project, bool simulated, struct err *err)
{
	if (state_begin(s, err) || db_run(s->db, err, "DELETE FROM budgets WHERE project=? AND simulated=?", "sb", project, simulated))
		return -1;
	return sqlite3_changes(db_handle(s->db)) ? 0 : err_set(err, ERR_NOT_FOUND, "there is no such budget");
}

int state_load_budgets(struct state *s, struct budget **out, size_t *n, struct err *err)
{
	sqlite3_stmt *r = db_query(s->db, err,
	    "SELECT project, simulated, month_uusd, block, told_month, told_percent, user FROM budgets ORDER BY simulated, project", "");
	struct budget *list = NULL;
	size_t count = 0, cap = 0;
	int rc = r ? 0 : -1;
	while (r && (rc = db_next(s->db, r, err)) > 0) {
		ARRAY_GROW(list, count, cap);
		list[count++] = (struct budget){.project = xstrdup(db_str(r, 0)), .simulated = db_int(r, 1), .month_uusd = db_int(r, 2), .block = db_int(r, 3),
		    .told_month_ms = db_int(r, 4) / 1000, .told_percent = db_int(r, 5), .user = xstrdup(db_str(r, 6))};
	}
	if (rc) {
		budgets_free(list, count);
		return -1;
	}
	*out = list;
	*n = count;
	return 0;
}

void budgets_free(struct budget *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(list[i].project);
		free(list[i].user);
	}
	free(list);
}
