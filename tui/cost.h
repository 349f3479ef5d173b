/* The engine's report on money (`cost` of core/api/protocol.h) as the screen wants it. */
#ifndef TUI_COST_H
#define TUI_COST_H
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COST_HOURS = 24, COST_DAYS = 30 };
enum cost_by { COST_BY_CLUSTER, COST_BY_CLOUD, COST_BY_PROJECT, COST_BY_USER, COST_BYS };

/* What is known of it; PRICE_UNKNOWN: nothing is. `more`: there is more, at a price that is not known. */
struct cost_figure {
	int64_t uusd;
	bool more;
};

struct cost_figures {
	struct cost_figure now, today, month; /* now: an hour */
};

/* A cluster, or all that a cloud, project or user has. */
struct cost_row {
	const char *name;
	struct cost_figures money;
	const int64_t *series; /* of a cluster the last hours, of others the last days; oldest first, -1 a gap */
	size_t n_series;
	/* of clusters */
	const char *provider, *status;
	struct cost_figure total;
	bool running, stopped, simulated, estimated, wasteful; /* wasteful: idle for a while, and costs */
	int64_t idle_since_ms, gpu_idle_since_ms; /* 0: it is not, or that is not known */
	int64_t wasted_uusd, disk_uusd_h;	  /* PRICE_UNKNOWN */
	int64_t began_ms, ended_ms;		  /* of its first interval, and of its last one */
	int64_t ran_ms, disks_uusd;		  /* in all; what its disks cost while it was stopped, or PRICE_UNKNOWN */
	const char *id, *region, *instance_type, *accelerator, *user, *project;
	double accelerators; /* of a node */
	int64_t nodes;
	bool spot;
};

struct cost_change {
	const char *name, *text;
	int64_t diff_uusd; /* may be less than 0 */
	bool known;
};

struct ui_cost {
	int64_t at_ms;
	bool simulated; /* all of it is of simulated machines */
	struct cost_figures money, apart;
	bool has_apart; /* simulated machines beside real ones */
	bool estimated;
	int64_t point_uusd, low_uusd, high_uusd, ends_ms; /* of the month */
	bool ahead_more;
	const char *method;
	int64_t budget_uusd, spent_uusd, left_uusd; /* budget_uusd PRICE_UNKNOWN: there is none */
	const char *budget_of;			    /* a project; "" all */
	bool budget_blocks;
	int64_t hours[COST_HOURS], days[COST_DAYS];
	struct cost_row *rows[COST_BYS];
	size_t n_rows[COST_BYS];
	struct cost_change *changes;
	size_t n_changes;
	int64_t changed_uusd; /* the sum of all changes that are known */
	json_t *report;	      /* strings point into it */
	int64_t *series;
};

/* From a report, which it takes. Never NULL: what is missing is unknown. */
struct ui_cost *ui_cost_read(json_t *report);
void ui_cost_free(struct ui_cost *c); /* NULL is fine */

/* A figure of a report as it has become by now: what runs has gone on costing. */
struct cost_figure cost_grown(struct cost_figure f, const struct cost_figures *of, int64_t at_ms, int64_t now_ms);

#endif
