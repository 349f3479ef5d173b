/* Sizes of leases. A GPU brings its share of the machine's CPUs and memory, CPUs bring their share of memory, so that a machine
 * that is leased in parts is leased whole in the end. */
#include "providers/ssh/shape.h"

#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"

static void add_mem(char *buf, size_t size, int64_t mem_mib)
{
	size_t at = strlen(buf);
	if (mem_mib && mem_mib % 1024 == 0)
		snprintf(buf + at, size - at, "-%lldgb", (long long)mem_mib / 1024);
	else if (mem_mib)
		snprintf(buf + at, size - at, "-%lldmb", (long long)mem_mib);
}

void shape_name(const struct shape *s, char buf[SHAPE_NAME_MAX])
{
	char count[32];
	if (s->gpu_milli)
		snprintf(buf, SHAPE_NAME_MAX, "%sx%s-%lldcpu", micro_text(s->gpu_milli * 1000, count, sizeof count), s->model, (long long)s->cpus);
	else
		snprintf(buf, SHAPE_NAME_MAX, "%lldcpu", (long long)s->cpus);
	add_mem(buf, SHAPE_NAME_MAX, s->mem_mib);
}

/* Take "…-NUMBERunit" off the end of text[0..*len). */
static bool take_last(const char *text, size_t *len, const char *unit, int64_t *out)
{
	size_t u = strlen(unit), at = *len;
	char digits[20];
	if (at <= u || memcmp(text + at - u, unit, u) != 0)
		return false;
	size_t end = at - u, from = end;
	while (from && text[from - 1] >= '0' && text[from - 1] <= '9')
		from--;
	if (from == end || end - from >= sizeof digits || (from && text[from - 1] != '-'))
		return false;
	snprintf(digits, sizeof digits, "%.*s", (int)(end - from), text + from);
	if (!num_int(digits, 0, INT64_C(1) << 40, out))
		return false;
	*len = from ? from - 1 : 0;
	return true;
}

bool shape_parse(const char *name, struct shape *out)
{
	struct shape s = {0};
	size_t len = strlen(name);
	int64_t mem = 0, micro;
	if (take_last(name, &len, "gb", &mem))
		s.mem_mib = mem * 1024;
	else if (take_last(name, &len, "mb", &mem))
		s.mem_mib = mem;
	if (name[0] == '-' || !take_last(name, &len, "cpu", &s.cpus))
		return false;
	if (len) {
		size_t x = 0;
		while (x < len && name[x] != 'x')
			x++;
		if (x + 1 >= len || len - x - 1 >= sizeof s.model || !num_micron(name, x, &micro) || micro <= 0 || micro % 1000 || micro > INT64_C(1000000000))
			return false;
		s.gpu_milli = micro / 1000;
		if (s.gpu_milli > 1000 && s.gpu_milli % 1000)
			return false;
		snprintf(s.model, sizeof s.model, "%.*s", (int)(len - x - 1), name + x + 1);
	}
	*out = s;
	return s.gpu_milli || s.cpus || s.mem_mib;
}

/* Rounded down to what reads well: whole GiB, below 8 GiB quarters of one. */
static int64_t round_mem(int64_t mib)
{
	int64_t step = mib >= 8 * 1024 ? 1024 : 256;
	return mib < 256 ? mib : mib / step * step;
}

static struct shape *add(struct shape *out, size_t *n)
{
	if (*n == SHAPES_MAX)
		return NULL;
	out[*n] = (struct shape){0};
	return &out[(*n)++];
}

static int64_t next_size(int64_t size, int64_t all)
{
	return size * 2 <= all ? size * 2 : size < all ? all : all + 1;
}

static void add_gpus(const struct shape_host *h, const char *model, int64_t milli, struct shape *out, size_t *n)
{
	struct shape *s = add(out, n);
	if (!s)
		return;
	snprintf(s->model, sizeof s->model, "%s", model);
	s->gpu_milli = milli;
	s->cpus = h->cpus * milli / (1000 * h->gpus);
	if (!s->cpus && h->cpus)
		s->cpus = 1;
	s->mem_mib = round_mem(h->mem_mib * milli / (1000 * h->gpus));
}

size_t shapes_of(const struct shape_host *h, struct shape out[SHAPES_MAX])
{
	static const int64_t parts[] = {100, 250, 500};
	size_t n = 0;
	for (int64_t cpus = 1; cpus <= h->cpus; cpus = next_size(cpus, h->cpus)) {
		struct shape *s = add(out, &n);
		if (!s)
			break;
		s->cpus = cpus;
		s->mem_mib = round_mem(h->mem_mib / h->cpus * cpus + h->mem_mib % h->cpus * cpus / h->cpus);
	}
	for (size_t m = 0; m < h->n_models; m++) {
		for (size_t i = 0; i < ARRAY_LEN(parts); i++)
			add_gpus(h, h->model[m], parts[i], out, &n);
		for (int64_t count = 1; count <= h->count[m]; count = next_size(count, h->count[m]))
			add_gpus(h, h->model[m], count * 1000, out, &n);
	}
	return n;
}

int64_t shape_price(const struct shape *s, const struct shape_host *h, int64_t whole_uusd_h)
{
	if (s->gpu_milli && h->gpus)
		return whole_uusd_h / h->gpus * s->gpu_milli / 1000 + whole_uusd_h % h->gpus * s->gpu_milli / 1000 / h->gpus;
	if (s->cpus && h->cpus)
		return whole_uusd_h / h->cpus * s->cpus + whole_uusd_h % h->cpus * s->cpus / h->cpus;
	return whole_uusd_h;
}
