/* The form that launches: on an offer, or anywhere. What it will cost an hour is shown while the fields are filled in; the
 * place, the instance type and the price are those of the offer that was selected when the form was opened. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "tui/app.h"
#include "tui/dialog.h"
#include "tui/format.h"
#include "tui/view/views.h"

enum { TASK, COMMAND, NAME, NODES, SPOT, AUTOSTOP, FIELDS };

/* The offer, copied: prices may be opened anew while the form is open. */
struct launch {
	struct arena *arena;
	bool anywhere;
	const char *infra, *instance_type, *gpus, *title;
	int64_t price_uusd_h, spot_uusd_h;
	bool spot_estimated;
};

static void destroy(void *arg)
{
	struct launch *l = arg;
	arena_destroy(l->arena);
}

static int64_t nodes_of(const struct form *f)
{
	int64_t n;
	return num_int(form_value(f, NODES), 1, 10000, &n) ? n : 0;
}

static void summary(const struct form *f, void *arg, char *buf, size_t size)
{
	const struct launch *l = arg;
	int64_t price = form_is_on(f, SPOT) ? l->spot_uusd_h : l->price_uusd_h, nodes = nodes_of(f);
	char money[40], each[40];
	if (l->anywhere)
		snprintf(buf, size, "The cheapest place that fits the task is taken; `skytop launch --dryrun` shows the plan.");
	else if (form_is_on(f, SPOT) && price == PRICE_UNKNOWN)
		snprintf(buf, size, "Not sold as spot here, as far as is known.");
	else if (price == PRICE_UNKNOWN)
		snprintf(buf, size, "What it costs is not known.");
	else if (!form_value(f, NODES)[0])
		snprintf(buf, size, "Costs $%s each hour from now on, for each node the task asks for.",
		    format_price(price, l->spot_estimated && form_is_on(f, SPOT), money, sizeof money));
	else if (!nodes)
		snprintf(buf, size, "Nodes: a whole number from 1 up, or nothing.");
	else if (nodes == 1)
		snprintf(buf, size, "Costs $%s each hour from now on.", format_price(price, l->spot_estimated && form_is_on(f, SPOT),
		    money, sizeof money));
	else
		snprintf(buf, size, "Costs $%s each hour from now on: %lld nodes, $%s each.",
		    format_price(price * nodes, 0, money, sizeof money), (long long)nodes, format_price(price, 0, each, sizeof each));
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

static const char *submit(struct app *a, const struct form *f, void *arg, size_t *field)
{
	const struct launch *l = arg;
	struct ui_order order = {.verb = UI_LAUNCH, .infra = l->infra, .instance_type = l->instance_type, .gpus = l->gpus};
	order.cluster = form_value(f, NAME);
	order.command = form_value(f, COMMAND)[0] ? form_value(f, COMMAND) : NULL;
	order.nodes = form_value(f, NODES)[0] ? nodes_of(f) : 0;
	order.spot = form_is_on(f, SPOT);
	char *path = form_value(f, TASK)[0] ? path_expand(form_value(f, TASK)) : NULL;
	const char *problem = NULL;
	if (path && order.command) {
		*field = COMMAND;
		problem = "Give a task file or a command, not both.";
	} else if (path && !fs_exists(path)) {
		*field = TASK;
		problem = "There is no such file; Tab completes names.";
	} else if (!path && !order.command) {
		*field = TASK;
		problem = "Give a task file, or a command to run.";
	} else if (form_value(f, NODES)[0] && !order.nodes) {
		*field = NODES;
		problem = "Nodes: a whole number from 1 up, or nothing.";
	} else if (!parse_autostop(form_value(f, AUTOSTOP), &order.autostop_min)) {
		*field = AUTOSTOP;
		problem = "Autostop: idle minutes, off, or nothing.";
	} else if (order.spot && !l->anywhere && l->spot_uusd_h == PRICE_UNKNOWN) {
		*field = SPOT;
		problem = "This offer is not sold as spot.";
	}
	/* The engine may live in another folder than we do. */
	char *absolute = path ? realpath(path, NULL) : NULL;
	order.task_file = absolute ? absolute : path;
	if (!problem)
		app_send(a, &order);
	free(absolute);
	free(path);
	return problem;
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
	l->title = arena_printf(l->arena, "%s%s%s %s in %s", l->gpus ? l->gpus : "", l->gpus ? " \xc2\xb7 " : "", t->provider,
	    t->instance_type, p->zone[0] ? p->zone : p->region[0] ? p->region : "its one region");
}

void launch_ask(struct app *a, const struct offers *o, size_t row)
{
	struct arena *arena = arena_create();
	struct launch *l = arena_alloc(arena, sizeof *l);
	*l = (struct launch){.arena = arena, .anywhere = row >= o->n_rows, .price_uusd_h = PRICE_UNKNOWN,
	    .spot_uusd_h = PRICE_UNKNOWN};
	if (!l->anywhere)
		describe(l, o, row);
	bool only_spot = l->price_uusd_h == PRICE_UNKNOWN && l->spot_uusd_h != PRICE_UNKNOWN;
	struct form_field fields[FIELDS] = {
	    [TASK] = {"task file", "", "a path; Tab completes", FORM_PATH},
	    [COMMAND] = {"or command", "", "what to run instead of a file", FORM_TEXT},
	    [NAME] = {"cluster", "", "empty: a name is chosen", FORM_TEXT},
	    [NODES] = {"nodes", "", "empty: as the task says, else 1", FORM_TEXT},
	    [SPOT] = {"spot", only_spot ? "yes" : "no", "cheaper, may be taken back; Space switches", FORM_TOGGLE},
	    [AUTOSTOP] = {"autostop", "", "idle minutes, or off; empty: as the task says", FORM_TEXT},
	};
	struct form_spec spec = {.title = l->anywhere ? "Launch" : "Launch here", .intro = l->title, .button = "Launch",
	    .fields = fields, .n_fields = FIELDS, .submit = submit, .summary = summary, .destroy_arg = destroy, .arg = l};
	form_open(a, &spec);
}
