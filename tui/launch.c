/* The form that launches: on an offer, or anywhere. What it will cost an hour is shown while the fields are filled in; the place, the
 * instance type and the price are those of the offer that was selected when the form was opened. It orders nothing itself: the plan,
 * which it leads to, does. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/cluster.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/format.h"
#include "tui/launch_pick.h"
#include "tui/menu.h"
#include "tui/view/views.h"

enum { TASK, COMMAND, NAME, INFRA, GPUS, NODES, SPOT, AUTOSTOP, DOWN, ENV, FIELDS };

/* The offer, copied: prices may be opened anew while the form is open. */
struct launch {
	struct arena *arena;
	bool anywhere;
	const char *infra, *instance_type, *gpus, *title;
	int64_t price_uusd_h, spot_uusd_h;
	bool spot_estimated;
	int at[FIELDS]; /* where each field is in the form; -1: it is not asked */
	struct pick picks[PICK_MAX];
	size_t n_picks;
	struct form *form; /* while something is picked for it */
};

static void destroy(void *arg)
{
	struct launch *l = arg;
	arena_destroy(l->arena);
}

static const char *value(const struct launch *l, const struct form *f, int field)
{
	return l->at[field] < 0 ? "" : form_value(f, (size_t)l->at[field]);
}

static bool is_on(const struct launch *l, const struct form *f, int field)
{
	return l->at[field] >= 0 && form_is_on(f, (size_t)l->at[field]);
}

static int64_t nodes_of(const struct launch *l, const struct form *f)
{
	int64_t n;
	return num_int(value(l, f, NODES), 1, 10000, &n) ? n : 0;
}

static void summary(const struct form *f, void *arg, char *buf, size_t size)
{
	const struct launch *l = arg;
	bool spot = is_on(l, f, SPOT);
	int64_t price = spot ? l->spot_uusd_h : l->price_uusd_h, nodes = nodes_of(l, f);
	char money[40], each[40];
	const char *estimate = l->spot_estimated && spot ? ", an estimate" : "";
	if (l->anywhere)
		snprintf(buf, size, "The cheapest place that fits is taken; the plan, which comes first, shows it and what it costs.");
	else if (spot && price == PRICE_UNKNOWN)
		snprintf(buf, size, "Not sold as spot here, as far as is known.");
	else if (price == PRICE_UNKNOWN)
		snprintf(buf, size, "What it costs is not known.");
	else if (!value(l, f, NODES)[0])
		snprintf(buf, size, "Costs %s each hour from now on%s, for each node the task asks for.",
		    format_dollars(price, l->spot_estimated && spot, money, sizeof money), estimate);
	else if (!nodes)
		snprintf(buf, size, "Nodes: a whole number from 1 up, or nothing.");
	else if (nodes == 1)
		snprintf(buf, size, "Costs %s each hour from now on%s.", format_dollars(price, l->spot_estimated && spot, money, sizeof money), estimate);
	else
		snprintf(buf, size, "Costs %s each hour from now on%s: %lld nodes, %s each.",
		    format_dollars(price * nodes, l->spot_estimated && spot, money, sizeof money), estimate, (long long)nodes,
		    format_dollars(price, l->spot_estimated && spot, each, sizeof each));
}

/* Empty: as the task says. "off": never. */
static bool parse_autostop(const char *text, int64_t *minutes)
{
	*minutes = INT64_MIN;
	if (!text[0])
		return true;
	*minutes = -1;
	return str_ieq(text, "off") || num_int(text, 0, 1000000, minutes);
}

/* NAME=value NAME=value; a NAME alone is taken from our environment. */
static bool env_is_right(const char *text)
{
	for (const char *p = text + strspn(text, " "); *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " "), name = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
		if (!name || (*p >= '0' && *p <= '9') || (name < len && p[name] != '='))
			return false;
		p += len;
	}
	return true;
}

static const char *check(struct launch *l, const struct form *f, const char *path, const struct ui_order *order, int *field)
{
	struct err err = {0};
	if (order->cluster[0] && cluster_name_check(order->cluster, &err)) {
		*field = NAME;
		return arena_strdup(l->arena, err.text);
	}
	if (path && order->command) {
		*field = COMMAND;
		return "Give a task file or a command, not both.";
	}
	if (path && !fs_exists(path)) {
		*field = TASK;
		return "There is no such file; Tab completes names, Enter in the empty field lists files.";
	}
	if (!path && !order->command && l->anywhere && !value(l, f, GPUS)[0] && !value(l, f, INFRA)[0]) {
		*field = TASK;
		return "Give a task file, a command, or what kind of machine it is to be.";
	}
	if (value(l, f, NODES)[0] && !order->nodes) {
		*field = NODES;
		return "Nodes: a whole number from 1 up, or nothing.";
	}
	if (order->spot && !l->anywhere && l->spot_uusd_h == PRICE_UNKNOWN) {
		*field = SPOT;
		return "This offer is not sold as spot.";
	}
	if (!env_is_right(value(l, f, ENV))) {
		*field = ENV;
		return "Environment: NAME=value, separated by blanks.";
	}
	return NULL;
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static const char *submit(struct app *a, const struct form *f, void *arg, size_t *at)
{
	struct launch *l = arg;
	struct ui_order order = {.verb = UI_LAUNCH, .infra = l->infra, .instance_type = l->instance_type, .gpus = l->gpus};
	order.cluster = value(l, f, NAME);
	order.command = or_null(value(l, f, COMMAND));
	order.nodes = value(l, f, NODES)[0] ? nodes_of(l, f) : 0;
	order.spot = is_on(l, f, SPOT);
	order.env = or_null(value(l, f, ENV));
	if (l->anywhere) {
		order.infra = or_null(value(l, f, INFRA));
		order.gpus = or_null(value(l, f, GPUS));
	}
	int field = TASK;
	char *path = value(l, f, TASK)[0] ? path_expand(value(l, f, TASK)) : NULL;
	const char *problem = check(l, f, path, &order, &field);
	if (!problem && !parse_autostop(value(l, f, AUTOSTOP), &order.autostop_min)) {
		field = AUTOSTOP;
		problem = "Autostop: idle minutes, off, or nothing.";
	}
	order.autostop_down = is_on(l, f, DOWN);
	if (!problem && order.autostop_down && order.autostop_min < 0) {
		field = AUTOSTOP;
		problem = "Autostop: give the idle minutes after which it is torn down.";
	}
	/* The engine may live in another folder than we do. */
	char *absolute = path ? realpath(path, NULL) : NULL;
	order.task_file = absolute ? absolute : path;
	if (!problem)
		plan_open(a, &order);
	else if (l->at[field] >= 0)
		*at = (size_t)l->at[field];
	free(absolute);
	free(path);
	return problem;
}

static void choose(struct app *a, int chosen, void *arg)
{
	(void)a;
	struct launch *l = arg;
	form_fill(l->form, (size_t)l->at[TASK], chosen ? l->picks[chosen - 1].path : "");
}

/* Recent files, those of this folder, recipes. */
static void pick_task(struct app *a, struct form *f, void *arg)
{
	struct launch *l = arg;
	struct arena *arena = arena_create();
	l->form = f;
	l->n_picks = pick_list(l->arena, l->picks);
	struct menu_item *items = arena_alloc(arena, (l->n_picks + 1) * sizeof *items);
	items[0] = (struct menu_item){.text = "no file: a command, or the machines alone", .value = 0};
	for (size_t i = 0; i < l->n_picks; i++)
		items[i + 1] = (struct menu_item){.heading = l->picks[i].heading, .text = path_base(l->picks[i].path), .right = l->picks[i].about,
		    .detail = l->picks[i].path, .words = l->picks[i].path, .value = (int)i + 1};
	struct menu_spec spec = {.title = "Task file", .empty = "", .search = true, .choose = choose, .arg = l};
	app_push(a, &menu_ops, menu_create(&spec, arena, items, l->n_picks + 1));
}

static void describe(struct launch *l, const struct offers *o, size_t row)
{
	const struct offer *offer = &o->rows[row];
	const struct offer_type *t = &o->types[offer->type];
	const struct offer_place *p = &o->places[offer->place];
	char n[32] = "1";
	l->infra = arena_printf(l->arena, "%s%s%s%s%s", t->provider, p->region[0] ? "/" : "", p->region, p->zone[0] ? "/" : "",
	    p->zone);
	l->instance_type = t->instance_type[0] ? arena_strdup(l->arena, t->instance_type) : NULL;
	if (t->accelerator && t->accel_count_micro > 0)
		micro_text(t->accel_count_micro, n, sizeof n);
	l->gpus = t->accelerator ? arena_printf(l->arena, "%s:%s", t->accelerator, n) : NULL;
	l->price_uusd_h = offer->price_uusd_h;
	l->spot_uusd_h = offer->spot_uusd_h;
	l->spot_estimated = o->sources[offer->source].spot_estimated;
	l->title = arena_printf(l->arena, "%s%s%s %s%s%s", l->gpus ? l->gpus : "", l->gpus ? " \xc2\xb7 " : "", t->provider,
	    t->instance_type, p->zone[0] ? " in " : p->region[0] ? " in " : "", p->zone[0] ? p->zone : offer_region_text(p->region));
}

static struct launch *create(void)
{
	struct arena *arena = arena_create();
	struct launch *l = arena_alloc(arena, sizeof *l);
	*l = (struct launch){.arena = arena, .anywhere = true, .price_uusd_h = PRICE_UNKNOWN, .spot_uusd_h = PRICE_UNKNOWN};
	return l;
}

static void ask(struct app *a, struct launch *l, const char *path, size_t start)
{
	bool only_spot = l->price_uusd_h == PRICE_UNKNOWN && l->spot_uusd_h != PRICE_UNKNOWN;
	const struct form_field all[FIELDS] = {
	    [TASK] = {"task file", path, "a path (Tab completes); Enter lists files", FORM_PATH, pick_task},
	    [COMMAND] = {"or command", "", "what to run instead of a file", FORM_TEXT, NULL},
	    [NAME] = {"cluster", "", "empty: a name is chosen", FORM_TEXT, NULL},
	    [INFRA] = {"where", "", "as in aws/us-east-1; empty: as the task says", FORM_TEXT, NULL},
	    [GPUS] = {"GPUs", "", "as in H100:8; empty: as the task says", FORM_TEXT, NULL},
	    [NODES] = {"nodes", "", "empty: as the task says, else 1", FORM_TEXT, NULL},
	    [SPOT] = {"spot", only_spot ? "yes" : "no", "cheaper, may be taken back; Space switches", FORM_TOGGLE, NULL},
	    [AUTOSTOP] = {"autostop", "", "idle minutes, or off; empty: as the task says", FORM_TEXT, NULL},
	    [DOWN] = {"tear down", "no", "once idle, instead of stopping; Space switches", FORM_TOGGLE, NULL},
	    [ENV] = {"environment", "", "NAME=value NAME=value", FORM_TEXT, NULL},
	};
	struct form_field fields[FIELDS];
	size_t n = 0;
	for (int i = 0; i < FIELDS; i++) {
		bool asked = l->anywhere || (i != INFRA && i != GPUS);
		l->at[i] = asked ? (int)n : -1;
		if (asked)
			fields[n++] = all[i];
	}
	struct form_spec spec = {.title = l->anywhere ? "Launch" : "Launch here", .intro = l->title, .button = "Plan", .leads_on = true,
	    .start = start == SIZE_MAX ? n + 1 : start, .fields = fields, .n_fields = n, .submit = submit, .summary = summary, .destroy_arg = destroy, .arg = l};
	form_open(a, &spec);
}

/* On an offer the place is known: Enter shows the plan. */
void launch_form(struct app *a, const struct offers *o, size_t row)
{
	struct launch *l = create();
	l->anywhere = row >= o->n_rows;
	if (!l->anywhere)
		describe(l, o, row);
	ask(a, l, "", l->anywhere ? TASK : SIZE_MAX);
}

void launch_form_file(struct app *a, const char *path)
{
	ask(a, create(), path, SIZE_MAX);
}
