/* Settings: the table, and reading a file by it. Reading never fails: every problem becomes a line of text, and the
 * default stands. What the settings mean is up to who asks for them. */
#include "core/model/config.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/amount.h"
#include "core/model/cloud.h"
#include "core/model/config_priv.h"

enum { MAX_PROBLEMS = 50, CONFIG_MAX_BYTES = 1 << 20 };

const struct config_key config_keys[] = {
    {"catalog.url", CONFIG_URL, "https://raw.githubusercontent.com/skypilot-org/skypilot-catalog/master/catalogs/v8", 0,
	0, "Where `catalog update` fetches price lists from: CLOUD/vms.csv below it."},
    {"catalog.max_age_hours", CONFIG_INT, "7", 1, 87600, "Prices last fetched or imported longer ago than this are called old."},
    {"catalog.live_hours", CONFIG_INT, "0", 0, 8760,
	"The engine asks the clouds themselves for their prices every so many hours, in the background; 0: only when told to."},
    {"clouds", CONFIG_CLOUDS, "", 0, 0, "Clouds that may be used; empty means every cloud that has credentials here."},
    {"local.enabled", CONFIG_BOOL, "true", 0, 0, "May jobs run on this machine?"},
    {"local.max_nodes", CONFIG_INT, "8", 1, 1000, "How many nodes of its own this machine may play at most."},
    {"local.price_per_hour", CONFIG_DOLLARS, "0", 0, 0, "What a node on this machine costs an hour, in dollars."},
    {"sim.enabled", CONFIG_BOOL, "false", 0, 0, "Is the simulated cloud offered?"},
    {"sim.scenario", CONFIG_TEXT, "", 0, 0,
	"What the simulated cloud does: a file, or the name of a scenario that comes along."},
    {"autostop.default_minutes", CONFIG_MINUTES, "never", 0, 525600,
	"Clusters stop after being idle this long, unless the task or the command says otherwise."},
    {"launch.max_hourly_cost", CONFIG_DOLLARS, "none", 0, 0,
	"A node that costs more an hour, in dollars, is not launched unless the task allows it."},
    {"http.proxy", CONFIG_TEXT, "", 0, 0,
	"The proxy that clouds and price lists are asked through; none: never one; otherwise what https_proxy and no_proxy say."},
    {"http.ca_file", CONFIG_TEXT, "", 0, 0, "A file of CA certificates to believe, instead of the system's."},
    {"aws.regions", CONFIG_TEXT, "", CONFIG_SEVERAL, 0,
	"Regions of AWS that machines may be in and prices are asked of, with commas; empty: all that are on for the account."},
    {"aws.vpc_name", CONFIG_TEXT, "", CONFIG_SEVERAL, 0,
	"The network (its id, or its Name tag) for machines on AWS, or several with commas, of which a region needs one; empty: the default VPC."},
    {"aws.subnet_names", CONFIG_TEXT, "", CONFIG_SEVERAL, 0, "Subnets (their ids, or their Name tags) for machines on AWS, with commas; empty: any with room."},
    {"aws.security_group_name", CONFIG_TEXT, "", 0, 0, "A security group of yours for machines on AWS, used as it is; empty: one that skytop makes."},
    {"aws.use_internal_ips", CONFIG_BOOL, "false", 0, 0, "Machines on AWS get no address on the internet, and are reached inside the network."},
    {"aws.instance_profile", CONFIG_TEXT, "", 0, 0, "The instance profile, by name or ARN, that gives machines on AWS a role."},
    {"aws.specific_reservations", CONFIG_TEXT, "", CONFIG_SEVERAL, 0,
	"Capacity reservations of yours on AWS (cr-…), with commas: machines on demand start in them while they have room."},
    {"aws.disk_encrypted", CONFIG_BOOL, "false", 0, 0, "Disks on AWS are encrypted with the account's key."},
    {"gcp.project", CONFIG_TEXT, "", 0, 0, "The project of Google Cloud that machines are made in; empty: as gcloud and the credentials say."},
    {"gcp.vpc_name", CONFIG_TEXT, "", 0, 0, "The network for machines on Google Cloud; empty: \"default\", or one that skytop makes."},
    {"gcp.subnet_names", CONFIG_TEXT, "", CONFIG_SEVERAL, 0, "Subnetworks for machines on Google Cloud, with commas; empty: any of the network."},
    {"gcp.enable_gvnic", CONFIG_BOOL, "false", 0, 0, "Machines on Google Cloud get Google's own network card (gVNIC) also where another would do."},
    {"gcp.specific_reservations", CONFIG_TEXT, "", CONFIG_SEVERAL, 0,
	"Reservations of yours on Google Cloud (NAME, or projects/P/reservations/NAME), with commas: machines on demand start in them while they have room."},
    {"gcp.use_internal_ips", CONFIG_BOOL, "false", 0, 0, "Machines on Google Cloud get no address on the internet, and are reached inside the network."},
    {"azure.subscription", CONFIG_TEXT, "", 0, 0, "The subscription of Azure that machines are made in, its id; empty: as the credentials say."},
    {"azure.cloud", CONFIG_TEXT, "", 0, 0, "Which of Azure's clouds: AzureCloud, AzureUSGovernment or AzureChinaCloud; empty: as the credentials say."},
    {"azure.use_internal_ips", CONFIG_BOOL, "false", 0, 0, "Machines on Azure get no address on the internet, and are reached inside the network."},
    {"ssh.include", CONFIG_BOOL, "true", 0, 0,
	"May one Include line be added to ~/.ssh/config, so that plain ssh knows the clusters?"},
    {"logs.keep_days", CONFIG_INT, "30", 0, 36500, "Logs of clusters that are gone are kept for so many days."},
    {"logs.keep_gb", CONFIG_INT, "10", 0, 1000000, "Logs of clusters that are gone: the oldest go when they take more than so many GB."},
    {"theme", CONFIG_TEXT, "default", 0, 0, "The colours: a theme that comes along or lies in the themes folder."},
    {"themes.read_only", CONFIG_TEXT, "", 0, 0, "The theme of a screen that orders nothing; empty: the same as elsewhere."},
    {"themes.ssh", CONFIG_TEXT, "", 0, 0, "The theme of a screen in a session that came in over ssh; empty: the same as elsewhere."},
    {"ui.read_only", CONFIG_BOOL, "false", 0, 0, "Does the screen only look, and order nothing, as with --read-only?"},
    {"ui.ascii", CONFIG_BOOL, "false", 0, 0, "Draw with plain ASCII only."},
    {"ui.mouse", CONFIG_BOOL, "true", 0, 0, "Does the screen listen to the mouse?"},
    {"ui.title", CONFIG_BOOL, "true", 0, 0, "Does the screen set the window's title?"},
    {"ui.links", CONFIG_BOOL, "true", 0, 0, "Are addresses on the screen links that can be opened?"},
    {"ui.clipboard", CONFIG_BOOL, "true", 0, 0, "May the screen put what is copied into the terminal's clipboard? Otherwise into a file."},
    {"engine.idle_exit_minutes", CONFIG_INT, "10", 0, 525600,
	"The engine leaves after having had nothing to look after for this long."},
};
const size_t config_n_keys = ARRAY_LEN(config_keys);

struct config {
	struct arena *arena;
	const char *file;
	struct config_value values[ARRAY_LEN(config_keys)];
	const char **problems;
	size_t n_problems;
	json_t *sections; /* as in the file, for what is passed on */
};

const struct config_key *config_key_find(const char *name)
{
	for (size_t i = 0; i < config_n_keys; i++)
		if (!strcmp(config_keys[i].name, name))
			return &config_keys[i];
	return NULL;
}

/* --- values ------------------------------------------------------------------------------------------------------ */

static const char *read_whole(
    struct arena *a, const struct config_key *k, const struct yaml_node *n, struct config_value *v)
{
	int64_t i;
	const char *want =
	    arena_printf(a, "must be %s from %lld to %lld%s", k->type == CONFIG_INT ? "a whole number" : "minutes",
		(long long)k->min, (long long)k->max, k->type == CONFIG_INT ? "" : ", a duration like 2h, or never");
	if (k->type == CONFIG_MINUTES && n->kind == YAML_STRING && str_ieq(n->text, "never")) {
		v->integer = -1;
		v->shown = "never";
		return NULL;
	}
	if (k->type == CONFIG_MINUTES && n->kind == YAML_STRING) {
		if (amount_minutes(n->text, &i))
			return want;
	} else if ((n->kind != YAML_INT && n->kind != YAML_FLOAT) || !yaml_whole(n, &i)) {
		return want;
	}
	if (i < k->min || i > k->max)
		return want;
	v->integer = i;
	v->shown = arena_printf(a, "%lld", (long long)i);
	return NULL;
}

static const char *read_dollars(struct arena *a, const struct yaml_node *n, struct config_value *v)
{
	char text[32];
	if (n->kind == YAML_STRING && str_ieq(n->text, "none")) {
		v->integer = PRICE_UNKNOWN;
		v->shown = "none";
		return NULL;
	}
	if ((n->kind != YAML_INT && n->kind != YAML_FLOAT) || !(n->real >= 0) || n->real > 1e9)
		return "must be dollars as a number from 0 up, or none";
	v->integer = (int64_t)llround(n->real * 1e6);
	v->shown = arena_strdup(a, micro_text(v->integer, text, sizeof text));
	return NULL;
}

static const char *read_clouds(struct arena *a, const struct yaml_node *n, struct config_value *v)
{
	struct str shown = str_new(2000);
	if (n->kind != YAML_LIST)
		return "must be a list of clouds: [aws, gcp]";
	v->clouds = arena_alloc(a, (n->n + 1) * sizeof *v->clouds);
	v->n_clouds = 0;
	for (size_t i = 0; i < n->n; i++) {
		const struct cloud *c = n->items[i]->kind == YAML_STRING ? cloud_find(n->items[i]->text) : NULL;
		if (!c) {
			const char *near = cloud_nearest(n->items[i]->text);
			str_free(&shown);
			return arena_printf(a, "names '%.40s', which is no known cloud%s%s%s", n->items[i]->text,
			    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		}
		v->clouds[v->n_clouds++] = c->name;
		str_addf(&shown, "%s%s", i ? "," : "", c->name);
	}
	v->shown = arena_strdup(a, str_text(&shown));
	str_free(&shown);
	return NULL;
}

/* [a, b] as "a,b"; NULL: not all of it is text. */
static const char *joined(struct arena *a, const struct yaml_node *list)
{
	const char *out = "";
	for (size_t i = 0; i < list->n; i++) {
		const struct yaml_node *n = list->items[i];
		if (n->kind != YAML_STRING || strpbrk(n->text, ",\n\r"))
			return NULL;
		out = arena_printf(a, "%s%s%s", out, i ? "," : "", n->text);
	}
	return out;
}

static const char *read_text(
    struct arena *a, const struct config_key *k, const struct yaml_node *n, struct config_value *v)
{
	if (k->type == CONFIG_TEXT && k->min == CONFIG_SEVERAL && n->kind == YAML_LIST && joined(a, n)) {
		v->shown = joined(a, n);
		return NULL;
	}
	if (n->kind != YAML_STRING || strpbrk(n->text, "\n\r"))
		return "must be text on one line";
	if (k->type == CONFIG_URL && !str_starts(n->text, "https://") && !str_starts(n->text, "http://"))
		return "must be a URL that starts with https:// or http://";
	v->shown = arena_strdup(a, n->text);
	return NULL;
}

const char *config_read(struct arena *a, const struct config_key *k, const struct yaml_node *n, struct config_value *v)
{
	switch (k->type) {
	case CONFIG_TEXT:
	case CONFIG_URL:
		return read_text(a, k, n, v);
	case CONFIG_INT:
	case CONFIG_MINUTES:
		return read_whole(a, k, n, v);
	case CONFIG_DOLLARS:
		return read_dollars(a, n, v);
	case CONFIG_CLOUDS:
		return read_clouds(a, n, v);
	case CONFIG_BOOL:
		break;
	}
	if (n->kind != YAML_BOOL)
		return "must be true or false";
	v->flag = n->flag;
	v->shown = n->flag ? "true" : "false";
	return NULL;
}

struct yaml_node *config_node(struct arena *a, const struct config_key *k, const char *value)
{
	struct yaml_node *n = yaml_new_string(a, value, NULL);
	if (k->type == CONFIG_CLOUDS) {
		n->kind = YAML_LIST;
		n->items = arena_alloc(a, (strlen(value) + 1) * sizeof(*n->items));
		for (const char *p = value; *p;) {
			size_t len = strcspn(p, ", ");
			if (len)
				n->items[n->n++] = yaml_new_string(a, arena_strndup(a, p, len), NULL);
			p += len + strspn(p + len, ", ");
		}
	} else if (k->type != CONFIG_TEXT && k->type != CONFIG_URL) {
		yaml_resolve(n);
	}
	return n;
}

/* --- the file ---------------------------------------------------------------------------------------------------- */

static void problem(struct config *c, const struct yaml_node *n, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void problem(struct config *c, const struct yaml_node *n, const char *fmt, ...)
{
	char text[600];
	struct err e = {0};
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	yaml_err(&e, NULL, c->file, n, "%s", text);
	if (!c->problems)
		c->problems = arena_alloc(c->arena, MAX_PROBLEMS * sizeof *c->problems);
	if (c->n_problems < MAX_PROBLEMS)
		c->problems[c->n_problems++] = arena_strdup(c->arena, e.text);
}

/* Is this the first part of longer names: "catalog"? */
static bool is_section(const char *name)
{
	size_t n = strlen(name);
	for (size_t i = 0; i < config_n_keys; i++)
		if (!strncmp(config_keys[i].name, name, n) && config_keys[i].name[n] == '.')
			return true;
	return false;
}

static void unknown(struct config *c, const struct yaml_node *key, const char *name)
{
	const char *names[ARRAY_LEN(config_keys)];
	for (size_t i = 0; i < config_n_keys; i++)
		names[i] = config_keys[i].name;
	const char *near = text_nearest(name, names, config_n_keys);
	problem(c, key, "there is no setting '%.80s'%s%s%s; it is ignored", name, near ? "; did you mean '" : "",
	    near ? near : "", near ? "'?" : "");
}

/* "must be …" wants to be followed by what it is instead. */
static bool says_must(const char *wrong)
{
	return str_starts(wrong, "must");
}

static void take(struct config *c, const struct config_key *k, const struct yaml_node *n)
{
	struct config_value v = {.line = n->line};
	char what[128];
	if (n->kind == YAML_NULL)
		return;
	const char *wrong = config_read(c->arena, k, n, &v);
	if (wrong)
		problem(c, n, "%s %s%s%s; the default (%s) is used", k->name, wrong, says_must(wrong) ? ", not " : "",
		    says_must(wrong) ? yaml_describe(n, what, sizeof what) : "", *k->dflt ? k->dflt : "empty");
	else
		c->values[k - config_keys] = v;
}

/* The names under a section. What stands under sim is the simulated cloud's own affair. */
static void read_section(struct config *c, const char *name, const struct yaml_node *map)
{
	char full[200];
	if (map->kind == YAML_NULL)
		return;
	if (map->kind != YAML_MAP) {
		problem(c, map, "'%s' must be a map of settings, not %s; its defaults are used", name,
		    yaml_kind_name(map->kind));
		return;
	}
	for (size_t i = 0; i < map->n; i++) {
		snprintf(full, sizeof full, "%s.%.100s", name, map->pairs[i].key->text);
		const struct config_key *k = config_key_find(full);
		if (k)
			take(c, k, map->pairs[i].value);
		else if (strcmp(name, "sim"))
			unknown(c, map->pairs[i].key, full);
	}
	json_object_set_new(c->sections, name, yaml_json(map));
}

static void read_root(struct config *c, const struct yaml_node *root)
{
	if (root->kind == YAML_NULL)
		return;
	if (root->kind != YAML_MAP) {
		problem(c, root, "must be a map of settings, not %s; defaults are used", yaml_kind_name(root->kind));
		return;
	}
	for (size_t i = 0; i < root->n; i++) {
		const char *name = root->pairs[i].key->text;
		const struct config_key *k = config_key_find(name);
		if (k)
			take(c, k, root->pairs[i].value);
		else if (is_section(name))
			read_section(c, name, root->pairs[i].value);
		else
			unknown(c, root->pairs[i].key, name);
	}
}

static void set_defaults(struct config *c)
{
	for (size_t i = 0; i < config_n_keys; i++) {
		const char *wrong = config_read(c->arena, &config_keys[i],
		    config_node(c->arena, &config_keys[i], config_keys[i].dflt), &c->values[i]);
		if (wrong)
			abort();
	}
}

static struct config *config_create(const char *file)
{
	struct config *c = xcalloc(1, sizeof *c);
	c->arena = arena_create();
	c->file = arena_strdup(c->arena, file);
	c->sections = json_object();
	set_defaults(c);
	return c;
}

struct config *config_parse(const char *text, size_t len, const char *file)
{
	struct config *c = config_create(file);
	struct err err = {0};
	struct yaml_options options = {
	    .limits = {.bytes = CONFIG_MAX_BYTES, .nodes = 20000, .expanded = 20000, .depth = 16}};
	struct yaml_file *f = yaml_parse(text, len, file, &options, NULL, &err);
	if (!f) {
		c->problems = arena_alloc(c->arena, MAX_PROBLEMS * sizeof *c->problems);
		c->problems[c->n_problems++] = arena_printf(c->arena, "%s; defaults are used for everything", err.text);
		return c;
	}
	if (f->n)
		read_root(c, f->docs[0]);
	if (f->n > 1)
		problem(c, f->docs[1], "only the first document of the file is read");
	yaml_file_free(f);
	return c;
}

struct config *config_load(const char *path)
{
	char *own = path ? xstrdup(path) : home_path(HOME_CONFIG, "config.yaml");
	struct err err = {0};
	size_t len;
	struct config *c;
	char *text = fs_read(own, CONFIG_MAX_BYTES, &len, &err);
	if (text) {
		c = config_parse(text, len, own);
	} else {
		c = config_create(own);
		if (err.code != ERR_NOT_FOUND)
			problem(c, NULL, "%s; defaults are used for everything", err.text);
	}
	free(text);
	free(own);
	return c;
}

void config_destroy(struct config *c)
{
	if (!c)
		return;
	json_decref(c->sections);
	arena_destroy(c->arena);
	free(c);
}

/* --- asking ------------------------------------------------------------------------------------------------------ */

size_t config_n_problems(const struct config *c)
{
	return c->n_problems;
}

const char *config_problem(const struct config *c, size_t i)
{
	return c->problems[i];
}

/* types: a bit for each that will do. */
static const struct config_value *value(const struct config *c, const char *name, unsigned types)
{
	const struct config_key *k = config_key_find(name);
	if (!k || !(types >> k->type & 1u))
		abort();
	return &c->values[k - config_keys];
}

const char *config_text(const struct config *c, const char *name)
{
	return value(c, name, 1u << CONFIG_TEXT | 1u << CONFIG_URL)->shown;
}

int64_t config_int(const struct config *c, const char *name)
{
	return value(c, name, 1u << CONFIG_INT | 1u << CONFIG_MINUTES | 1u << CONFIG_DOLLARS)->integer;
}

bool config_bool(const struct config *c, const char *name)
{
	return value(c, name, 1u << CONFIG_BOOL)->flag;
}

const char *const *config_clouds(const struct config *c, const char *name, size_t *n)
{
	const struct config_value *v = value(c, name, 1u << CONFIG_CLOUDS);
	if (n)
		*n = v->n_clouds;
	return v->clouds;
}

const char *config_source(const struct config *c, const char *name)
{
	const struct config_value *v = value(c, name, ~0u);
	return v->line ? arena_printf(c->arena, "%s:%d", c->file, v->line) : "default";
}

const char *config_shown(const struct config *c, const char *name)
{
	return value(c, name, ~0u)->shown;
}

static json_t *value_json(const struct config_key *k, const struct config_value *v)
{
	json_t *list;
	switch (k->type) {
	case CONFIG_BOOL:
		return json_boolean(v->flag);
	case CONFIG_INT:
	case CONFIG_MINUTES:
		return json_integer(v->integer);
	case CONFIG_DOLLARS:
		return v->integer == PRICE_UNKNOWN ? json_null() : json_string(v->shown);
	case CONFIG_TEXT:
	case CONFIG_URL:
		return json_string(v->shown);
	case CONFIG_CLOUDS:
		break;
	}
	list = json_array();
	for (size_t i = 0; i < v->n_clouds; i++)
		json_array_append_new(list, json_string(v->clouds[i]));
	return list;
}

json_t *config_section(const struct config *c, const char *name)
{
	const json_t *own = json_object_get(c->sections, name);
	json_t *j = own ? json_deep_copy(own) : json_object();
	size_t n = strlen(name);
	for (size_t i = 0; i < config_n_keys; i++) {
		const struct config_key *k = &config_keys[i];
		if (strncmp(k->name, name, n) || k->name[n] != '.')
			continue;
		if (k->type == CONFIG_TEXT && !*c->values[i].shown)
			json_object_del(j, k->name + n + 1);
		else
			json_object_set_new(j, k->name + n + 1, value_json(k, &c->values[i]));
	}
	return j;
}

static int no_such(const char *name, struct err *err)
{
	const char *names[ARRAY_LEN(config_keys)];
	for (size_t i = 0; i < config_n_keys; i++)
		names[i] = config_keys[i].name;
	const char *near = text_nearest(name, names, config_n_keys);
	return err_set(err, ERR_INVALID, "there is no setting '%.80s'%s%s%s", name, near ? "; did you mean '" : "",
	    near ? near : "", near ? "'?" : "; skytop config lists them all");
}

int config_check(const char *name, const char *text, struct err *err)
{
	const struct config_key *k = config_key_find(name);
	if (!k)
		return no_such(name, err);
	struct arena *a = arena_create();
	struct config_value v = {0};
	const char *wrong = config_read(a, k, config_node(a, k, text), &v);
	int rc = 0;
	if (wrong && says_must(wrong))
		rc = err_set(err, ERR_INVALID, "%s %s, not '%.80s'", name, wrong, text);
	else if (wrong)
		rc = err_set(err, ERR_INVALID, "%s %s", name, wrong);
	arena_destroy(a);
	return rc;
}
