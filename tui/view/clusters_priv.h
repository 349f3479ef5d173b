/* What the clusters' view keeps, shared by its files: clusters.c (the list, keys), cluster_rows.c (cells),
 * cluster_details.c, cluster_orders.c (the questions before an order). */
#ifndef TUI_VIEW_CLUSTERS_PRIV_H
#define TUI_VIEW_CLUSTERS_PRIV_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/source.h"
#include "tui/view/jobs.h"
#include "tui/view/list.h"

enum { C_NAME, C_STATUS, C_INFRA, C_RESOURCES, C_GPU, C_JOBS, C_PRICE, C_COST, C_AUTOSTOP, C_AGE, C_USER, C_PROJECT, C_DOING };

struct clusters_state {
	struct list_view view; /* its lists: the clusters; in the details, the jobs of the one that is selected */
	uint64_t jobs_of;      /* the cluster whose jobs the second one holds */
};
enum { CLUSTERS, CLUSTER_JOBS };
enum { HEARD_LATE_MS = 60000 }; /* what its agent said is marked as old from then on */

void clusters_init_lists(struct clusters_state *v);
/* The selected ones; NULL: none. Borrowed from the snapshot. */
const struct ui_cluster *clusters_selected(const struct clusters_state *v);
const struct ui_job *clusters_selected_job(const struct clusters_state *v);

enum role cluster_status_role(const char *status);
/* "aws/us-east-1a"; "sim (simulated)/sim-east-a" where the whole screen does not say so already. */
const char *cluster_place(const struct app *a, const struct ui_cluster *c, char *buf, size_t size);

/* "8x H100 spot", "2x(8x H100)" for two nodes. */
const char *cluster_machines(const struct ui_cluster *c, char *buf, size_t size);

/* "$12.48 so far", or that it is not known. */
const char *cluster_so_far(const struct ui_cluster *c, char *buf, size_t size);

/* Ask, for the marked clusters or else the selected one. */
void cluster_ask(struct clusters_state *v, enum ui_verb verb);
void cluster_ask_exec(struct clusters_state *v);
void cluster_ask_autostop(struct clusters_state *v);
/* Have the terminal handed to a shell on the selected one. */
void cluster_login(struct clusters_state *v);
/* Everything about one cluster, with its jobs. */
void cluster_details_draw(struct clusters_state *v, struct canvas *c, struct rect r, bool keys);
/* NULL: it can be asked. */
const char *cluster_why_not(const struct clusters_state *v, enum ui_verb verb);

#endif
