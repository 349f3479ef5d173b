/* The questions before something is done to clusters. The clusters are named when the key is pressed and copied then: what
 * moves or changes behind the question does not change what is ordered. Each question says what it is about, what it costs,
 * and what will be lost. */
#include "tui/view/clusters_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/format.h"

enum { CLUSTERS_AT_ONCE = 200, TEXT_MAX = 8000 };

static const struct question {
	const char *title, *button, *consequence;
} questions[UI_VERBS] = {
    [UI_STOP] = {"Stop", "Stop", "Machines stop and running jobs end. Disks are kept, and may go on costing; R starts it again."},
    [UI_START] = {"Start", "Start", "The machines are started and cost money again from that moment."},
    [UI_DOWN] = {"Tear down", "Tear down", "Machines and disks are deleted for good: running jobs end, and files that are only there are "
	"lost."},
};

/* --- which ones --------------------------------------------------------------------------------------------------- */

static bool eligible(const struct ui_cluster *c, enum ui_verb verb)
{
	if (verb == UI_STOP)
		return !str_eq(c->status, "STOPPED");
	if (verb == UI_START)
		return !str_eq(c->status, "UP");
	if (verb == UI_EXEC)
		return str_eq(c->status, "UP");
	return true;
}

/* The marked ones, in their order on the screen; else the selected one. */
static size_t meant(const struct clusters_state *v, const struct ui_cluster **out, size_t max)
{
	const struct ui_snapshot *snap = app_snapshot(v->view.app);
	size_t items[CLUSTERS_AT_ONCE], n = list_meant(&v->view.lists[CLUSTERS], items, max);
	for (size_t i = 0; i < n; i++)
		out[i] = &snap->clusters[items[i]];
	return n;
}

const char *cluster_why_not(const struct clusters_state *v, enum ui_verb verb)
{
	static const char *const reasons[UI_VERBS] = {
	    [UI_STOP] = "it is stopped already", [UI_START] = "it is up already", [UI_EXEC] = "it is not up; R starts it"}, *const of_all[UI_VERBS] = {
	    [UI_STOP] = "they are stopped already", [UI_START] = "they are up already", [UI_EXEC] = "none of them is up; R starts them"};
	const struct ui_cluster *list[CLUSTERS_AT_ONCE];
	size_t n = meant(v, list, CLUSTERS_AT_ONCE);
	if (!n)
		return "no cluster is selected";
	for (size_t i = 0; i < n; i++)
		if (eligible(list[i], verb))
			return NULL;
	return n > 1 ? of_all[verb] : reasons[verb];
}

/* --- what is said about them -------------------------------------------------------------------------------------- */

/* "train: $196.64/h, UP, 2x(8x H100) at aws/us-east-1a, $624.87 so far, 1 job is RUNNING" */
static void describe(const struct app *a, const struct ui_cluster *c, enum ui_verb verb, struct str *out)
{
	char place[160], machines[160], price[40], cost[40], age[24];
	str_addf(out, "%s: $%s/h%s, %s, %s at %s", c->name,
	    format_price(verb == UI_START ? c->running_uusd_h : c->price_uusd_h, verb != UI_START && c->price_estimated, price, sizeof price),
	    verb == UI_START ? " once it runs" : "", c->status, cluster_machines(c, machines, sizeof machines),
	    cluster_place(a, c, place, sizeof place));
	str_addf(out, ", %s", cluster_so_far(c, cost, sizeof cost));
	if (c->launched_at_ms)
		str_addf(out, ", launched %s", ago_text(c->launched_at_ms, a->now_ms, age, sizeof age));
	if (c->jobs_running > 0)
		str_addf(out, ", %lld %s RUNNING", (long long)c->jobs_running, c->jobs_running == 1 ? "job is" : "jobs are");
	if (c->jobs_pending > 0)
		str_addf(out, ", %lld waiting", (long long)c->jobs_pending);
	if (c->jobs_running < 0 && verb != UI_START)
		str_add(out, ", what runs there is not known");
	str_add(out, "\n");
}

/* "Together ~$197.89/h." What is not known is not in it, and it says so. */
static void add_sum(const struct ui_cluster *const *list, size_t n, enum ui_verb verb, struct str *out)
{
	int64_t sum = 0;
	size_t known = 0, unknown = 0;
	bool estimated = false;
	char money[40];
	for (size_t i = 0; i < n; i++) {
		int64_t price = verb == UI_START ? list[i]->running_uusd_h : list[i]->price_uusd_h;
		if (!eligible(list[i], verb))
			continue;
		sum += price == PRICE_UNKNOWN ? 0 : price;
		estimated = estimated || (verb != UI_START && list[i]->price_estimated);
		known += price != PRICE_UNKNOWN;
		unknown += price == PRICE_UNKNOWN;
	}
	if (known + unknown > 1 && known)
		str_addf(out, "Together %s/h%s%s.\n\n", format_dollars(sum, estimated, money, sizeof money), verb == UI_START ? " once they run" : "",
		    unknown ? ", without those whose price is not known" : "");
}

void cluster_ask(struct clusters_state *v, enum ui_verb verb)
{
	const struct ui_cluster *list[CLUSTERS_AT_ONCE];
	size_t n = meant(v, list, CLUSTERS_AT_ONCE), n_orders = 0;
	struct arena *arena = arena_create();
	struct ui_order *orders = arena_alloc(arena, (n + 1) * sizeof *orders);
	struct str text = str_new(TEXT_MAX);
	/* First what will happen: on a small screen the end is cut off. */
	str_addf(&text, "%s\n\n", questions[verb].consequence);
	add_sum(list, n, verb, &text);
	for (size_t i = 0; i < n; i++) {
		if (!eligible(list[i], verb)) {
			str_addf(&text, "%s: %s, left alone\n", list[i]->name, list[i]->status);
			continue;
		}
		orders[n_orders++] = (struct ui_order){
		    .verb = verb, .cluster = arena_strdup(arena, list[i]->name), .autostop_min = INT64_MIN};
		describe(v->view.app, list[i], verb, &text);
	}
	const struct question *q = &questions[verb];
	struct confirm_spec spec = {
	    .title = n_orders == 1 ? arena_printf(arena, "%s %s?", q->title, orders[0].cluster)
				   : arena_printf(arena, "%s %zu clusters?", q->title, n_orders),
	    .text = arena_strdup(arena, str_text(&text)),
	    .button = q->button,
	    .typed = n_orders > 1 ? arena_printf(arena, "%zu", n_orders) : NULL,
	    .orders = orders,
	    .n_orders = n_orders,
	};
	str_free(&text);
	app_open(v->view.app, &confirm_ops, confirm_create(&spec, arena));
}

/* --- forms -------------------------------------------------------------------------------------------------------- */

/* Who an order of a form goes to: named when the key was pressed, as in questions. */
struct targets {
	struct arena *arena;
	const char *names[CLUSTERS_AT_ONCE];
	size_t n;
	const char *who, *intro; /* "train", "3 clusters"; which ones those are, "" for one */
};

static void free_targets(void *arg)
{
	arena_destroy(((struct targets *)arg)->arena);
}

static struct targets *targets_of(const struct clusters_state *v, enum ui_verb verb)
{
	const struct ui_cluster *list[CLUSTERS_AT_ONCE];
	size_t n = meant(v, list, CLUSTERS_AT_ONCE);
	struct arena *arena = arena_create();
	struct targets *t = arena_alloc(arena, sizeof *t);
	struct str names = str_new(TEXT_MAX);
	*t = (struct targets){.arena = arena};
	for (size_t i = 0; i < n; i++) {
		bool left_alone = !eligible(list[i], verb);
		str_addf(&names, "%s%s%s%s%s", i ? ", " : "", list[i]->name, left_alone ? " (" : "", left_alone ? list[i]->status : "",
		    left_alone ? ": left alone)" : "");
		if (left_alone)
			continue;
		t->names[t->n++] = arena_strdup(arena, list[i]->name);
	}
	t->who = t->n == 1 ? t->names[0] : arena_printf(arena, "%zu clusters", t->n);
	t->intro = n > 1 ? arena_strdup(arena, str_text(&names)) : "";
	str_free(&names);
	return t;
}

static void send_all(struct app *a, const struct targets *t, struct ui_order *order)
{
	for (size_t i = 0; i < t->n; i++) {
		order->cluster = t->names[i];
		app_send(a, order);
	}
}

/* A task file when it is one, else a command. */
static const char *submit_exec(struct app *a, const struct form *f, void *arg, size_t *field)
{
	const char *text = form_value(f, 0);
	*field = 0;
	if (!text[0])
		return "A command, or the name of a task file.";
	char *path = path_expand(text), *absolute = NULL;
	bool yaml = str_ends(path, ".yaml") || str_ends(path, ".yml");
	if (yaml && !strchr(path, ' '))
		absolute = realpath(path, NULL);
	struct ui_order order = {.verb = UI_EXEC, .task_file = absolute, .command = absolute ? NULL : text, .autostop_min = INT64_MIN};
	const char *problem = yaml && !strchr(path, ' ') && !absolute ? "There is no such task file; Tab completes names." : NULL;
	if (!problem)
		send_all(a, arg, &order);
	free(absolute);
	free(path);
	return problem;
}

void cluster_ask_exec(struct clusters_state *v)
{
	struct targets *t = targets_of(v, UI_EXEC);
	struct form_field field = {"run", "", "a command, or a task file (Tab completes)", FORM_PATH, NULL};
	struct form_spec spec = {.title = arena_printf(t->arena, "Run a job on %s", t->who), .intro = t->intro[0] ? t->intro : NULL, .button = "Run",
	    .fields = &field, .n_fields = 1, .quick = true, .submit = submit_exec, .destroy_arg = free_targets, .arg = t};
	form_open(v->view.app, &spec);
}

void cluster_login(struct clusters_state *v)
{
	const struct ui_cluster *c = clusters_selected(v);
	if (!c)
		return;
	free(v->view.app->login);
	v->view.app->login = xstrdup(c->name);
}

static const char *submit_autostop(struct app *a, const struct form *f, void *arg, size_t *field)
{
	struct ui_order order = {.verb = UI_AUTOSTOP, .autostop_min = -1, .autostop_down = form_is_on(f, 1)};
	*field = 0;
	if (!str_ieq(form_value(f, 0), "off") && !num_int(form_value(f, 0), 0, 1000000, &order.autostop_min))
		return "Idle minutes, a whole number, or off.";
	send_all(a, arg, &order);
	return NULL;
}

/* What the selected one has now stands in the form. */
void cluster_ask_autostop(struct clusters_state *v)
{
	const struct ui_cluster *c = clusters_selected(v);
	if (!c)
		return;
	struct targets *t = targets_of(v, UI_AUTOSTOP);
	char minutes[32] = "off";
	if (c->autostop_min >= 0)
		snprintf(minutes, sizeof minutes, "%lld", (long long)c->autostop_min);
	struct form_field fields[] = {
	    {"after", minutes, "idle minutes, or off", FORM_FIGURE, NULL},
	    {"tear down", c->autostop_down ? "yes" : "no", "delete instead of stop; Space switches", FORM_TOGGLE, NULL},
	};
	struct form_spec spec = {.title = arena_printf(t->arena, "Autostop of %s", t->who), .button = "Set", .fields = fields, .n_fields = ARRAY_LEN(fields),
	    .intro = t->intro[0] ? t->intro : "It is idle while no job runs or waits on it; that counts from now on.", .submit = submit_autostop,
	    .destroy_arg = free_targets, .arg = t};
	form_open(v->view.app, &spec);
}
