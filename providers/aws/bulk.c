/* OFFERS without keys: AWS's public price list, a file of CSV a region and hundreds of megabytes each, of which one line in a hundred is wanted. It
 * is read line by line as it comes, in ranges: what was read is told between them, and a connection that breaks costs no more than a line. A region
 * whose list has the version that the catalog has is not fetched. There are no spot prices and no zones in it: those stay what the catalog has.
 *
 * Form of the files: the AWS Price List Bulk API; lines before the header are about the file. */
#include <stdlib.h>
#include <string.h>

#include "core/base/json.h"
#include "core/base/num.h"
#include "core/base/str.h"
#include "providers/aws/aws.h"

enum { RANGE_BYTES = 32 << 20, LINE_BYTES = 16384, COLUMNS_MAX = 400, TRIES_MAX = 4, TYPES_MAX = 20000 };
#define PRICES_URL "https://pricing.us-east-1.amazonaws.com"
#define FILE_BYTES_MAX (INT64_C(8) << 30)

/* ---- lines ------------------------------------------------------------------------------------------------------------------ */

enum column { TERM, PRICE, UNIT, CURRENCY, TYPE, TENANCY, SYSTEM, SOFTWARE, CAPACITY, MARKET, VCPUS, MEMORY, GPUS, N_COLUMNS };

static const struct {
	const char *name;
	bool needed;
	const char *is[3]; /* what it has to say; NULL: anything */
} columns[N_COLUMNS] = {
    [TERM] = {"TermType", true, {"OnDemand"}},
    [PRICE] = {"PricePerUnit", true, {NULL}},
    [UNIT] = {"Unit", true, {"Hrs"}},
    [CURRENCY] = {"Currency", true, {"USD"}},
    [TYPE] = {"Instance Type", true, {NULL}},
    [TENANCY] = {"Tenancy", true, {"Shared"}},
    [SYSTEM] = {"Operating System", true, {"Linux"}},
    [SOFTWARE] = {"Pre Installed S/W", true, {"NA", ""}},
    [CAPACITY] = {"CapacityStatus", true, {"Used"}},
    [MARKET] = {"MarketOption", false, {"OnDemand", "", "NA"}},
    [VCPUS] = {"vCPU", true, {NULL}},
    [MEMORY] = {"Memory", true, {NULL}},
    [GPUS] = {"GPU", false, {NULL}},
};

/* One file on its way. */
struct bulk {
	int64_t from, seen, taken; /* bytes: where this range begins, that came, up to the end of the last whole line */
	json_t *at;	/* {name: number} of the columns; empty until the header came; borrowed */
	json_t *prices; /* {type: {"uusd","vcpus","mem_mib","gpus"}}; borrowed */
	size_t len, bad;
	bool too_long;
	char line[LINE_BYTES];
};

/* A line into its fields, in place. 0: it is no CSV. */
static size_t split(char *line, char *fields[COLUMNS_MAX])
{
	size_t n = 0;
	for (char *p = line;; p++) {
		char *to = p;
		bool quoted = *p == '"';
		if (n == COLUMNS_MAX)
			return 0;
		fields[n++] = p;
		for (p += quoted; *p && (quoted || *p != ','); p++) {
			if (quoted && *p == '"' && p[1] != '"')
				quoted = false;
			else if (quoted && *p == '"')
				*to++ = *++p;
			else
				*to++ = *p;
		}
		bool last = !*p;
		*to = '\0';
		if (quoted)
			return 0;
		if (last)
			return n;
	}
}

static void read_header(struct bulk *b, char **fields, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t c = 0; c < N_COLUMNS; c++)
			if (!strcmp(fields[i], columns[c].name) && !json_object_get(b->at, columns[c].name))
				json_put_int(b->at, columns[c].name, (int64_t)i);
}

static const char *field(const struct bulk *b, char **fields, size_t n, enum column c)
{
	int64_t at = json_int(b->at, columns[c].name, -1);
	return at >= 0 && (size_t)at < n ? fields[at] : "";
}

static bool is_wanted(const struct bulk *b, char **fields, size_t n)
{
	for (int c = 0; c < N_COLUMNS; c++) {
		const char *v = field(b, fields, n, c), *const *is = columns[c].is;
		bool fits = !is[0];
		for (size_t i = 0; i < ARRAY_LEN(columns[c].is) && is[i]; i++)
			fits = fits || !strcmp(v, is[i]);
		if (!fits)
			return false;
	}
	return strchr(field(b, fields, n, TYPE), '.') != NULL;
}

/* "1,152 GiB" in MiB; -1. */
static int64_t mib_of(const char *text)
{
	char digits[24];
	size_t k = 0;
	int64_t micro;
	for (; (*text >= '0' && *text <= '9') || *text == ',' || *text == '.'; text++)
		if (*text != ',' && k + 1 < sizeof digits)
			digits[k++] = *text;
	digits[k] = '\0';
	return !strcmp(text, " GiB") && num_micro(digits, &micro) && micro < INT64_C(1000000) * 1000000 ? micro * 1024 / 1000000 : -1;
}

static void take_line(struct bulk *b)
{
	char *fields[COLUMNS_MAX];
	bool headed = json_object_size(b->at) > 0;
	if (!headed && strncmp(b->line, "\"SKU\",", 6) && strncmp(b->line, "SKU,", 4))
		return;
	if (headed && !strstr(b->line, "OnDemand"))
		return;
	size_t n = split(b->line, fields);
	b->bad += !n;
	if (!headed)
		read_header(b, fields, n);
	if (!headed || !n || !is_wanted(b, fields, n))
		return;
	int64_t uusd, vcpus = -1, gpus = 0, before;
	const char *type = field(b, fields, n, TYPE);
	if (!num_micro(field(b, fields, n, PRICE), &uusd) || uusd <= 0 || !utf8_valid(type, strlen(type), NULL) || json_object_size(b->prices) >= TYPES_MAX)
		return;
	num_int(field(b, fields, n, VCPUS), 1, 100000, &vcpus);
	num_int(field(b, fields, n, GPUS), 1, 1000, &gpus);
	before = json_int(json_object_get(b->prices, type), "uusd", uusd);
	json_object_set_new(b->prices, type, json_pack("{s:I, s:I, s:I, s:I}", "uusd", (json_int_t)(uusd < before ? uusd : before), "vcpus", (json_int_t)vcpus,
					       "mem_mib", (json_int_t)mib_of(field(b, fields, n, MEMORY)), "gpus", (json_int_t)gpus));
}

static int take_piece(void *arg, const char *data, size_t len)
{
	struct bulk *b = arg;
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;
		if (b->len + n >= LINE_BYTES)
			b->too_long = true;
		else
			memcpy(b->line + b->len, data, n);
		b->len = b->too_long ? 0 : b->len + n;
		b->seen += (int64_t)n + (end != NULL);
		data += n + (end != NULL);
		len -= n + (end != NULL);
		if (!end)
			break;
		b->line[b->len - (b->len && b->line[b->len - 1] == '\r')] = '\0';
		b->bad += b->too_long;
		if (!b->too_long)
			take_line(b);
		b->len = 0;
		b->too_long = false;
		b->taken = b->seen;
	}
	return b->seen > FILE_BYTES_MAX;
}

/* ---- what there is ---------------------------------------------------------------------------------------------------------- */

static const char *base_of(struct aws *t)
{
	const char *base;
	return aws_endpoint(t, &base) != PROVIDER_DONE ? NULL : base ? base : PRICES_URL;
}

/* "/offers/v1.0/aws/AmazonEC2/20250912225308/us-east-1/index.json": the version, "" when it is of another form. */
static const char *version_of(struct aws *t, const char *path)
{
	static const char begin[] = "/offers/v1.0/aws/AmazonEC2/";
	size_t n = str_starts(path, begin) ? strspn(path + sizeof begin - 1, "0123456789") : 0;
	return n && n < 20 && path[sizeof begin - 1 + n] == '/' ? arena_strndup(t->a, path + sizeof begin - 1, n) : "";
}

/* [{"region", "mark", "url"}…] of those that are wanted and that the catalog has not; kept in the call's scratch. */
static enum provider_step todo_of(struct aws *t, json_t **todo)
{
	*todo = json_object_get(t->c->scratch, "todo");
	if (*todo)
		return PROVIDER_DONE;
	const char *base = base_of(t);
	const json_t *answers, *answer;
	if (!base)
		return PROVIDER_FAILED;
	struct provider_http *http = arena_alloc(t->a, sizeof *http);
	*http = (struct provider_http){.method = "GET", .url = arena_printf(t->a, "%s/offers/v1.0/aws/AmazonEC2/current/region_index.json", base), .lane = "prices"};
	AWS_TRY(aws_fetch(t, "price index", http, 1, &answers));
	answer = json_array_get(answers, 0);
	struct err e = {0};
	const char *text = json_str(answer, "body", ""), *region;
	json_t *index = *text ? json_parse(text, strlen(text), &e) : NULL, *list = json_obj(index, "regions"), *v, *out = json_array();
	if (json_int(answer, "status", 0) != 200 || !json_object_size(list)) {
		json_decref(index);
		json_decref(out);
		if (json_str(answer, "lost", NULL))
			return aws_refused(t, answer, "asking for AWS's public price list");
		return aws_failed(t, ERR_PROTOCOL, ERR_SCOPE_CLOUD,
		    arena_printf(t->a, "%s gave no list of regions (HTTP status %d)", http->url, (int)json_int(answer, "status", 0)));
	}
	json_object_foreach(list, region, v) {
		const char *mark = version_of(t, json_str(v, "currentVersionUrl", "")), *had = json_str(json_obj(t->c->args, "since"), region, NULL);
		if (json_array_size(out) < REGIONS_MAX && aws_region_may_be(region) && aws_region_is_wanted(t, region) && !(*mark && str_eq(mark, had)))
			json_array_append_new(out, json_pack("{s:s, s:s, s:s}", "region", region, "mark", mark, "url",
							arena_printf(t->a, "%s/offers/v1.0/aws/AmazonEC2/%s/%s/index.csv", base, *mark ? mark : "current", region)));
	}
	json_decref(index);
	json_object_set_new(t->c->scratch, "todo", out);
	*todo = out;
	return PROVIDER_DONE;
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------- */

/* Accelerators by the beginning of a type's name: the list says how many there are, and not which. */
static const char *const accelerators[][2] = {{"p2.", "K80"}, {"p3.", "V100"}, {"p3dn.", "V100-32GB"}, {"p4d.", "A100"}, {"p4de.", "A100-80GB"}, {"p5.", "H100"},
    {"p5e.", "H200"}, {"p5en.", "H200"}, {"p6-b200.", "B200"}, {"p6-b300.", "B300"}, {"p6e-gb200.", "GB200"}, {"g3.", "M60"}, {"g3s.", "M60"}, {"g4dn.", "T4"},
    {"g4ad.", "V520"}, {"g5.", "A10G"}, {"g5g.", "T4g"}, {"g6.", "L4"}, {"gr6.", "L4"}, {"g6e.", "L40S"}, {"g7.", "RTXPRO4500"}, {"g7e.", "RTXPRO6000"}};

/* Has accelerators, or parts of them. */
static bool is_accelerated(const char *type, int64_t gpus)
{
	static const char *const begins[] = {"p", "g", "inf", "trn", "dl", "vt", "f"};
	bool out = gpus > 0;
	for (size_t i = 0; i < ARRAY_LEN(begins); i++)
		out = out || str_starts(type, begins[i]);
	return out;
}

/* One whose accelerators are not known has no size either: it is a price for what is known already, and nothing new. */
static json_t *row_of(const char *region, const char *type, const json_t *v)
{
	json_t *row = json_object();
	int64_t gpus = json_int(v, "gpus", 0);
	const char *accelerator = NULL;
	for (size_t i = 0; gpus && i < ARRAY_LEN(accelerators); i++)
		if (str_starts(type, accelerators[i][0]))
			accelerator = accelerators[i][1];
	bool known = accelerator || !is_accelerated(type, gpus);
	json_put_str(row, "instance_type", type);
	json_put_str(row, "accelerator", accelerator);
	json_put_int(row, "accelerator_count", accelerator ? gpus : 0);
	for (size_t i = 0; known && i < 2; i++) {
		const char *key = i ? "mem_mib" : "vcpus";
		if (json_int(v, key, -1) > 0)
			json_put_int(row, key, json_int(v, key, -1));
	}
	json_put_str(row, "region", region);
	json_put_str(row, "zone", "");
	json_put_int(row, "price_uusd_h", json_int(v, "uusd", 0));
	json_put_str(row, "available", "unknown");
	return row;
}

static json_t *rows_of(const char *region, json_t *prices)
{
	json_t *rows = json_array(), *v;
	const char *type;
	json_object_foreach(prices, type, v)
		json_array_append_new(rows, row_of(region, type, v));
	return rows;
}

static enum provider_step give(struct aws *t, json_t *rows, json_t *regions, const char *progress)
{
	json_decref(t->c->result);
	t->c->result = json_pack("{s:o, s:o, s:s}", "offers", rows, "regions", regions, "progress", progress);
	return PROVIDER_PART;
}

/* ---- one file --------------------------------------------------------------------------------------------------------------- */

static json_t *member(json_t *obj, const char *key)
{
	json_t *v = json_object_get(obj, key);
	if (!v)
		json_object_set_new(obj, key, v = json_object());
	return v;
}

static enum provider_step ask_range(struct aws *t, const char *url, int64_t from)
{
	const json_t *answers;
	struct bulk *b = arena_alloc(t->a, sizeof *b);
	*b = (struct bulk){.from = from, .seen = from, .taken = from, .at = member(t->c->scratch, "columns"), .prices = member(t->c->scratch, "prices")};
	struct provider_http *http = arena_alloc(t->a, sizeof *http);
	const char **headers = arena_alloc(t->a, 2 * sizeof *headers);
	headers[0] = arena_printf(t->a, "Range: bytes=%lld-%lld", (long long)from, (long long)from + RANGE_BYTES - 1);
	*http = (struct provider_http){.method = "GET", .url = url, .headers = headers, .lane = "prices", .piece = take_piece, .piece_arg = b,
	    .max_bytes = (size_t)FILE_BYTES_MAX};
	return aws_fetch(t, "prices", http, 1, &answers);
}

/* "bytes 0-99/1234": 1234; -1. */
static int64_t total_of(const char *content_range)
{
	const char *slash = content_range ? strchr(content_range, '/') : NULL;
	int64_t n;
	return slash && num_int(slash + 1, 0, FILE_BYTES_MAX, &n) ? n : -1;
}

/* The last line may have no end. */
static void end_file(struct bulk *b)
{
	if (b->len)
		take_piece(b, "\n", 1);
}

static enum provider_step check_file(struct aws *t, const char *url, const struct bulk *b)
{
	for (size_t c = 0; c < N_COLUMNS; c++)
		if (columns[c].needed && json_int(b->at, columns[c].name, -1) < 0)
			return aws_failed(t, ERR_PROTOCOL, ERR_SCOPE_CLOUD, arena_printf(t->a, "%s has no column \"%s\"", url, columns[c].name));
	if (b->bad || !json_object_size(b->prices))
		return aws_failed(t, ERR_PROTOCOL, ERR_SCOPE_CLOUD,
		    arena_printf(t->a, "%s: %s", url, b->bad ? "some of its lines are no CSV" : "it has no price on demand"));
	return PROVIDER_DONE;
}

/* A range has come, or not. DONE: the file is whole. PART: there is more. */
static enum provider_step take_range(struct aws *t, const char *url, const json_t *answer, struct bulk *b, int64_t *total)
{
	json_t *s = t->c->scratch;
	int status = (int)json_int(answer, "status", 0);
	int64_t tries = json_int(s, "tries", 0);
	*total = total_of(json_str(answer, "range", NULL));
	if (status == 200 || (status == 206 && *total >= 0 && b->seen >= *total)) {
		end_file(b);
		return check_file(t, url, b);
	}
	if (b->taken > b->from && (status == 206 || !status)) {
		json_put_int(s, "offset", b->taken);
		json_put_int(s, "tries", status ? 0 : tries + 1);
		if (tries < TRIES_MAX)
			return PROVIDER_PART;
	}
	if (!status)
		return aws_refused(t, answer, arena_printf(t->a, "fetching %s", url));
	return aws_failed(t, ERR_PROTOCOL, ERR_SCOPE_CLOUD, arena_printf(t->a, "%s: HTTP status %d%s", url, status, status == 206 ? " and not a line" : ""));
}

/* All of one region; PART: a part of its file. */
static enum provider_step fetch(struct aws *t, const json_t *one, const char *progress)
{
	const char *url = arena_strdup(t->a, json_str(one, "url", ""));
	json_t *answers = json_object_get(t->got, "prices");
	int64_t total;
	if (!answers)
		return ask_range(t, url, json_int(t->c->scratch, "offset", 0));
	struct bulk *b = t->c->request.http->piece_arg;
	enum provider_step s = take_range(t, url, json_array_get(answers, 0), b, &total);
	json_object_del(t->got, "prices");
	if (s != PROVIDER_PART)
		return s;
	return give(t, json_array(), json_object(), total > 0 ? arena_printf(t->a, "%lld of %lld MB of %s", (long long)(b->taken / 1000000),
								  (long long)(total / 1000000), progress) : progress);
}

static void begin_region(struct aws *t)
{
	static const char *const parts[] = {"columns", "prices", "offset", "tries"};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		json_object_del(t->c->scratch, parts[i]);
}

enum provider_step aws_price_list(struct aws *t)
{
	json_t *todo, *s = t->c->scratch;
	AWS_TRY(todo_of(t, &todo));
	size_t n = json_array_size(todo), at = (size_t)json_int(s, "at", 0);
	json_t *silent = json_object_get(s, "silent");
	if (!silent)
		json_object_set_new(s, "silent", silent = json_array());
	while (at < n) {
		const json_t *one = json_array_get(todo, at);
		const char *region = json_str(one, "region", ""), *progress = arena_printf(t->a, "%s (%zu of %zu regions)", region, at + 1, n);
		enum provider_step step = fetch(t, one, progress);
		if (step == PROVIDER_REQUEST || step == PROVIDER_PART)
			return step;
		json_put_int(s, "at", (int64_t)++at);
		json_t *rows = step == PROVIDER_DONE ? rows_of(region, member(s, "prices")) : NULL;
		begin_region(t);
		if (rows)
			return give(t, rows, json_pack("{s:s}", region, json_str(one, "mark", "")), progress);
		json_array_append_new(silent, json_foreign(t->err->text));
		if (t->err->code != ERR_PROTOCOL) /* the others would not come either */
			break;
	}
	*t->err = (struct err){0};
	return aws_done(t, json_pack("{s:[], s:{}, s:s, s:O}", "offers", "regions", "source", "aws public price list", "silent", silent));
}
