/* What the clusters' view keeps, shared by its files: clusters.c (lists, keys), cluster_rows.c (cells), cluster_orders.c (the
 * questions before an order). */
#ifndef TUI_VIEW_CLUSTERS_PRIV_H
#define TUI_VIEW_CLUSTERS_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/grid.h"
#include "tui/query.h"
#include "tui/source.h"

enum { C_NAME, C_STATUS, C_INFRA, C_RESOURCES, C_JOBS, C_PRICE, C_COST, C_AUTOSTOP, C_AGE, C_DOING };
enum { J_ID, J_NAME, J_STATUS, J_AGE, J_TOOK, J_RESOURCES };

struct clusters_state {
	struct app *app;
	struct query query;
	size_t *order;	  /* indices into the snapshot's clusters */
	uint64_t *ids;	  /* their ids, in that order: to keep it while it is frozen */
	size_t n;
	size_t n_new;	  /* that came while the order was frozen: they stand at the end */
	size_t *job_order; /* indices of the jobs of the cluster whose details are open */
	size_t n_jobs;
	bool details;
	bool in_jobs;	  /* the jobs of the details have the keys */
	struct grid grid, jobs;
};

uint64_t cluster_id_of(const char *name);
void clusters_init_grids(struct clusters_state *v);
struct grid_rows clusters_rows(struct clusters_state *v);
struct grid_rows clusters_job_rows(struct clusters_state *v);
/* The selected ones; NULL: none. Borrowed from the snapshot. */
const struct ui_cluster *clusters_selected(const struct clusters_state *v);
const struct ui_job *clusters_selected_job(const struct clusters_state *v);
/* By what the column shows; < 0, 0, > 0. */
int clusters_compare(const struct ui_cluster *a, const struct ui_cluster *b, int column);

enum role cluster_status_role(const char *status);
enum role job_status_role(const char *status);
/* "aws/us-east-1a" */
const char *cluster_place(const struct ui_cluster *c, char *buf, size_t size);

/* "8x H100 spot", "2x(8x H100)" for two nodes. */
const char *cluster_machines(const struct ui_cluster *c, char *buf, size_t size);

/* Ask, for the marked clusters or else the selected one. */
void cluster_ask(struct clusters_state *v, enum ui_verb verb);
void cluster_ask_exec(struct clusters_state *v);
void cluster_ask_autostop(struct clusters_state *v);
/* Have the terminal handed to a shell on the selected one. */
void cluster_login(struct clusters_state *v);
void cluster_ask_cancel(struct clusters_state *v);
/* NULL: it can be asked. */
const char *cluster_why_not(const struct clusters_state *v, enum ui_verb verb);

#endif
