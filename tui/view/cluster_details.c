/* Details of a cluster: what it is and costs, how busy it is and when it will stop by itself, its nodes and GPUs, what is being done with it
 * now, its jobs, and what happened to it. On little room the last ones go first. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/checklist.h"
#include "tui/format.h"
#include "tui/view/clusters_priv.h"
#include "tui/view/details.h"

enum { TIGHT_ROWS = 12, SHORT_ROWS = 22, NODE_LINES = 8, GPU_LINES = 8, BAR_COLUMNS = 10 };

static void draw_cost(const struct clusters_state *v, struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	char text[300], price[40], cost[40], ran[24];
	snprintf(text, sizeof text, "$%s/h now, %s", format_price(cl->price_uusd_h, cl->price_estimated, price, sizeof price),
	    cluster_so_far(cl, cost, sizeof cost));
	size_t n = strlen(text);
	bool stopped = str_eq(cl->status, "STOPPED");
	if (cl->launched_at_ms && !stopped)
		snprintf(text + n, sizeof text - n, ", launched %s", ago_text(cl->launched_at_ms, v->view.app->now_ms, ran, sizeof ran));
	n = strlen(text);
	if (stopped)
		snprintf(text + n, sizeof text - n, cl->price_uusd_h ? "; its disks go on costing" : "; it costs nothing now");
	(r->h < TIGHT_ROWS ? details_line : details_text)(c, r, "cost", ROLE_MONEY, text);
}

/* Why it is or is not idle, and what is left until it stops by itself. */
static void draw_idle(const struct clusters_state *v, struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	static const struct {
		const char *word, *why;
	} reasons[] = {{"job", "busy: a job runs or waits"}, {"rank", "busy: part of a job runs here"}, {"ssh", "busy: somebody is logged in"},
	    {"gpu", "busy: its GPUs are in use"}};
	char text[200] = "", idle[24], left[24];
	bool up = str_eq(cl->status, "UP"), stopped = str_eq(cl->status, "STOPPED");
	int64_t idle_ms = cl->idle_since_ms ? v->view.app->now_ms - cl->idle_since_ms : -1;
	idle_ms = idle_ms > 0 ? idle_ms / 60000 * 60000 : idle_ms; /* by the minute: a screen on which nothing happens stays as it is */
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (str_eq(reasons[i].word, cl->busy))
			snprintf(text, sizeof text, "%s", reasons[i].why);
	if (idle_ms >= 0)
		snprintf(text, sizeof text, "idle for %s", idle_ms < 60000 ? "less than a minute" : duration_text(idle_ms, idle, sizeof idle));
	if (up) /* what was heard before it stopped is over */
		details_line(c, r, "idle", idle_ms >= 0 ? ROLE_WARN : ROLE_TEXT, text[0] ? text : NUM_UNKNOWN);
	if (cl->autostop_min < 0) {
		details_line(c, r, "autostop", ROLE_DIM, stopped ? "off; a sets it" : "off: it costs until it is stopped; a sets it");
		return;
	}
	int64_t left_ms = cl->autostop_min * 60000 - idle_ms;
	const char *does = cl->autostop_down ? "is torn down" : "stops";
	if (idle_ms >= 0 && left_ms > 0 && up)
		snprintf(text, sizeof text, "%s in %s, after %" PRId64 " idle minutes", does, duration_text(left_ms, left, sizeof left), cl->autostop_min);
	else
		snprintf(text, sizeof text, "%s after %" PRId64 " idle minutes", does, cl->autostop_min);
	details_line(c, r, "autostop", ROLE_TEXT, text);
}

static const char *gib(int64_t used, int64_t total, char *buf, size_t size)
{
	const double unit = 1073741824.0;
	if (used < 0 || total <= 0)
		snprintf(buf, size, NUM_UNKNOWN);
	else
		snprintf(buf, size, "%.0f of %.0f GiB (%" PRId64 "%%)", (double)used / unit, (double)total / unit, used * 100 / total);
	return buf;
}

/* CPU, memory and disk of the head, as its agent said last. */
static void draw_use(const struct clusters_state *v, struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	char text[300], mem[60], disk[60], load[40] = NUM_UNKNOWN, age[24];
	if (!cl->heard_at_ms || !str_eq(cl->status, "UP"))
		return;
	if (cl->load_milli >= 0)
		snprintf(load, sizeof load, "%.1f", (double)cl->load_milli / 1000);
	snprintf(text, sizeof text, "load %s of %" PRId64 " CPUs, memory %s", load, cl->cpus, gib(cl->mem_used, cl->mem_total, mem, sizeof mem));
	details_line(c, r, "head", ROLE_TEXT, text);
	bool late = v->view.app->now_ms - cl->heard_at_ms > HEARD_LATE_MS;
	snprintf(text, sizeof text, "%s%s%s", gib(cl->disk_used, cl->disk_total, disk, sizeof disk), late ? "; heard " : "",
	    late ? ago_text(cl->heard_at_ms, v->view.app->now_ms, age, sizeof age) : "");
	details_line(c, r, "disk", late ? ROLE_WARN : ROLE_TEXT, text);
}

static void draw_gpus(struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	for (size_t i = 0; i < cl->n_gpus && i < GPU_LINES && r->h > 1; i++) {
		const struct ui_gpu *g = &cl->gpus[i];
		char text[200], mem[60], use[16] = NUM_UNKNOWN, label[24];
		struct rect at = rect_cut_top(r, 1);
		int filled = g->util_percent < 0 ? 0 : (int)((g->util_percent * BAR_COLUMNS + 50) / 100);
		snprintf(label, sizeof label, "GPU %" PRId64, g->index);
		canvas_text(c, at.x, at.y, 10, ROLE_DIM, label);
		for (int k = 0; k < BAR_COLUMNS && k + 11 < at.w; k++)
			canvas_put(c, at.x + 11 + k, at.y, k < filled ? ROLE_CHART : ROLE_DIM, k < filled ? 0x2588 : 0xb7);
		if (g->util_percent >= 0)
			snprintf(use, sizeof use, "%" PRId64 "%%", g->util_percent);
		snprintf(text, sizeof text, "%4s  %s  %s", use, gib(g->mem_used, g->mem_total, mem, sizeof mem), g->name);
		canvas_text(c, at.x + 12 + BAR_COLUMNS, at.y, at.w - 12 - BAR_COLUMNS, ROLE_TEXT, text);
	}
	if (cl->n_gpus > GPU_LINES) {
		char more[60];
		snprintf(more, sizeof more, "and %zu more", cl->n_gpus - GPU_LINES);
		details_line(c, r, "", ROLE_DIM, more);
	}
}

/* All GPUs in one line. */
static void draw_gpus_short(struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	int64_t sum = 0, known = 0, used = 0, total = 0;
	char text[200], mem[60];
	for (size_t i = 0; i < cl->n_gpus; i++) {
		const struct ui_gpu *g = &cl->gpus[i];
		sum += g->util_percent >= 0 ? g->util_percent : 0;
		known += g->util_percent >= 0;
		used += g->mem_used >= 0 ? g->mem_used : 0;
		total += g->mem_total >= 0 ? g->mem_total : 0;
	}
	if (!cl->n_gpus)
		return;
	snprintf(text, sizeof text, "%zu on the head, ", cl->n_gpus);
	size_t n = strlen(text);
	if (known)
		snprintf(text + n, sizeof text - n, "%" PRId64 "%% in use on average, memory %s", sum / known, gib(used, total, mem, sizeof mem));
	else
		snprintf(text + n, sizeof text - n, "use not known");
	details_line(c, r, "GPUs", ROLE_TEXT, text);
}

static void draw_node(const struct clusters_state *v, struct canvas *c, struct rect *r, const struct ui_node *n)
{
	char label[24], text[300], silent[24] = "";
	snprintf(label, sizeof label, "node %" PRId64, n->rank);
	if (n->silent_since_ms)
		duration_text((v->view.app->now_ms - n->silent_since_ms) / 60000 * 60000, silent, sizeof silent);
	snprintf(text, sizeof text, "%-8s %-15s %s%s%s", n->status, n->ip[0] ? n->ip : "no address", silent[0] ? "silent for " : "", silent,
	    silent[0] ? "" : n->id);
	details_line(c, r, label, silent[0] ? ROLE_WARN : str_eq(n->status, "RUNNING") ? ROLE_TEXT : ROLE_DIM, text);
}

static void draw_nodes(const struct clusters_state *v, struct canvas *c, struct rect *r, const struct ui_cluster *cl, int most)
{
	int shown = 0;
	size_t left_out = 0;
	/* Those that are in trouble are never among the ones left out. */
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < cl->n_node_list; i++) {
			const struct ui_node *n = &cl->node_list[i];
			bool bad = n->silent_since_ms || (!str_eq(n->status, "RUNNING") && str_eq(cl->status, "UP"));
			if (bad != !pass)
				continue;
			if (shown >= most) {
				left_out++;
				continue;
			}
			draw_node(v, c, r, n);
			shown++;
		}
	}
	char more[60];
	snprintf(more, sizeof more, most ? "and %zu more" : "%zu, of which nothing is amiss", left_out);
	details_line(c, r, most ? "" : "nodes", ROLE_DIM, left_out ? more : "");
}

/* How many nodes are in trouble. */
static int troubled(const struct ui_cluster *cl)
{
	int n = 0;
	for (size_t i = 0; i < cl->n_node_list; i++)
		n += cl->node_list[i].silent_since_ms || (!str_eq(cl->node_list[i].status, "RUNNING") && str_eq(cl->status, "UP"));
	return n;
}

/* Where the provider shows its machines to people. */
static void draw_console(struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	static const struct {
		const char *provider, *url;
	} consoles[] = {
	    {"aws", "https://console.aws.amazon.com/ec2/home#Instances:"}, {"gcp", "https://console.cloud.google.com/compute/instances"},
	    {"azure", "https://portal.azure.com/#browse/Microsoft.Compute%2FVirtualMachines"}, {"lambda", "https://cloud.lambda.ai/instances"},
	    {"nebius", "https://console.nebius.com"}, {"runpod", "https://console.runpod.io/pods"}, {"vast", "https://cloud.vast.ai/instances/"},
	};
	for (size_t i = 0; i < ARRAY_LEN(consoles); i++)
		if (str_eq(consoles[i].provider, cl->provider))
			details_link(c, r, "console", consoles[i].url);
}

static void draw_facts(const struct clusters_state *v, struct canvas *c, struct rect *r, const struct ui_cluster *cl)
{
	bool tight = r->h < TIGHT_ROWS, roomy = r->h >= SHORT_ROWS;
	char text[400], place[160], machines[160], age[24];
	snprintf(text, sizeof text, "%s \xc2\xb7 %s at %s", cluster_machines(cl, machines, sizeof machines), cl->instance_type,
	    cluster_place(v->view.app, cl, place, sizeof place));
	details_line(c, r, cl->name, ROLE_TEXT, text);
	draw_cost(v, c, r, cl);
	snprintf(text, sizeof text, "%s%s%s", cl->status, cl->checked_at_ms ? ", confirmed by the cloud " : "",
	    cl->checked_at_ms ? ago_text(cl->checked_at_ms, v->view.app->now_ms, age, sizeof age) : "");
	details_line(c, r, "state", cluster_status_role(cl->status), text);
	if (cl->reason[0] && (!tight || !cl->progress[0]))
		details_line(c, r, "because", ROLE_WARN, cl->reason);
	if (!cl->request && cl->progress[0])
		details_line(c, r, "doing", ROLE_BUSY, cl->progress);
	if (tight)
		return;
	int bad = troubled(cl);
	draw_idle(v, c, r, cl);
	snprintf(text, sizeof text, "%s%s%s", cl->user, cl->project[0] ? ", project " : "", cl->project);
	if (roomy && cl->user[0])
		details_line(c, r, "owner", ROLE_TEXT, text);
	if (roomy)
		draw_use(v, c, r, cl);
	if (roomy)
		draw_gpus(c, r, cl);
	else
		draw_gpus_short(c, r, cl);
	draw_nodes(v, c, r, cl, roomy ? NODE_LINES : bad < 2 ? bad : 2);
	if (roomy && str_eq(cl->status, "UP")) {
		snprintf(text, sizeof text, "skytop ssh %s   (h)", cl->name);
		details_line(c, r, "log in", ROLE_DIM, text);
	}
	if (roomy)
		draw_console(c, r, cl);
}

static bool about(const struct ui_event *e, const void *arg)
{
	return str_eq(e->object, arg);
}

void cluster_details_draw(struct clusters_state *v, struct canvas *c, struct rect r, bool keys)
{
	const struct ui_cluster *cl = clusters_selected(v);
	if (!cl)
		return;
	const struct ui_request *q = checklist_request(v->view.app, cl->request);
	draw_facts(v, c, &r, cl);
	if (q && !q->ended_at_ms) {
		int want = checklist_lines(v->view.app, r.w, q), most = r.h > 6 ? r.h - 4 : r.h;
		if (r.h > 8 && details_heading(c, &r, "WHAT IS BEING DONE: X STOPS IT"))
			most--;
		checklist_draw(v->view.app, c, rect_cut_top(&r, want < most ? want : most), q);
	}
	rect_cut_top(&r, r.h > 12);
	/* Half of what is left is for the jobs at most, the rest for the events. */
	struct list *jobs = &v->view.lists[CLUSTER_JOBS];
	int want = jobs->n_all ? (int)jobs->n_all + 1 : 2, most = r.h / 2 > 4 ? r.h / 2 : 4;
	list_draw(jobs, c, rect_cut_top(&r, want < most ? want : most), keys && v->view.focus, str_eq(cl->status, "UP") ? "no jobs; x runs one" : "no jobs");
	rect_cut_top(&r, r.h > 12);
	if (details_heading(c, &r, "EVENTS (UTC)"))
		details_events(v->view.app, c, r, about, cl->name);
}
