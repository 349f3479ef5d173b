/* nvidia-smi's list of GPUs: read with suspicion (a driver that is ill prints errors with exit status 0) and with the
 * models renamed as people ask for them in task files. */
#include "providers/local/nvidia.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/accelerator.h"
#include "providers/common/child.h"

enum { DEADLINE_MS = 10000, OUTPUT_MAX = 64 << 10, LINE_MAX_LEN = 300 };

/* Drivers report less than what the maker sells, by up to a tenth (ECC, firmware): is it that model? */
static bool memory_fits(const struct accelerator *a, int64_t mem_mib)
{
	int sizes[] = {a->mem_gib, a->other_mem_gib};
	for (size_t i = 0; i < 2 && mem_mib > 0; i++)
		if (sizes[i] > 0 && mem_mib > (int64_t)sizes[i] * 1024 * 85 / 100 &&
		    mem_mib < (int64_t)sizes[i] * 1024 * 110 / 100)
			return true;
	return mem_mib <= 0;
}

/* "H100-SXM" is what people ask for as "H100": the form of the module is no model of its own where the memory is the
 * same. */
static const struct accelerator *without_form(const struct accelerator *a, int64_t mem_mib)
{
	char base[NVIDIA_NAME_MAX];
	size_t len = strlen(a->name);
	if (!str_ends(a->name, "-SXM") || len >= sizeof base)
		return a;
	snprintf(base, sizeof base, "%.*s", (int)(len - 4), a->name);
	const struct accelerator *plain = accelerator_find(base);
	return plain && memory_fits(plain, mem_mib) ? plain : a;
}

/* The model of a GPU that calls itself `name`: the longest beginning of the name, cut at blanks and dashes, that is
 * known and has that much memory ("A100-SXM4-40GB" → "A100"). NULL: not known. */
static const struct accelerator *model_of(const char *name, int64_t mem_mib)
{
	char buf[NVIDIA_NAME_MAX];
	snprintf(buf, sizeof buf, "%s", name);
	for (size_t len = strlen(buf); len; len--) {
		if (buf[len] && buf[len] != ' ' && buf[len] != '-')
			continue;
		buf[len] = '\0';
		const struct accelerator *a = accelerator_find(buf);
		if (a && memory_fits(a, mem_mib))
			return without_form(a, mem_mib);
	}
	return NULL;
}

static void put_name(struct nvidia_gpu *gpu, const char *raw)
{
	static const char *const makers[] = {"NVIDIA GeForce ", "NVIDIA ", "Tesla ", "GeForce ", "Quadro "};
	const struct accelerator *a = model_of(raw, gpu->mem_mib);
	for (size_t i = 0; !a && i < sizeof makers / sizeof makers[0]; i++) {
		if (!str_starts(raw, makers[i]))
			continue;
		raw += strlen(makers[i]);
		a = model_of(raw, gpu->mem_mib);
	}
	snprintf(gpu->name, sizeof gpu->name, "%s", a ? a->name : raw);
	for (char *p = gpu->name; !a && *p; p++)
		if (*p == ' ' || *p == ':' || iscntrl((unsigned char)*p))
			*p = '-';
}

static char *trim(char *s)
{
	s += strspn(s, " \t\r");
	for (size_t n = strlen(s); n && strchr(" \t\r", s[n - 1]);)
		s[--n] = '\0';
	return s;
}

/* The name may hold commas one day; the index and the memory do not. */
static bool parse_line(char *line, struct nvidia_gpu *gpu)
{
	char *first = strchr(line, ','), *last = strrchr(line, ',');
	if (!first || first == last)
		return false;
	*first = *last = '\0';
	char *name = trim(first + 1), *mem = trim(last + 1);
	if (!num_int(trim(line), 0, 100000, &gpu->index) || !name[0] || !utf8_valid(name, strlen(name), NULL))
		return false;
	if (!num_int(mem, 1, INT64_C(1) << 40, &gpu->mem_mib))
		gpu->mem_mib = -1; /* "[N/A]": shared memory */
	put_name(gpu, name);
	return true;
}

int nvidia_parse(const char *text, struct nvidia_gpu gpus[NVIDIA_GPUS_MAX], struct err *err)
{
	int n = 0;
	for (const char *p = text; *p;) {
		size_t len = strcspn(p, "\n");
		char line[LINE_MAX_LEN];
		snprintf(line, sizeof line, "%.*s", (int)(len < sizeof line ? len : sizeof line - 1), p);
		p += len + (p[len] == '\n');
		char *at = trim(line);
		if (!at[0] || str_starts(at, "No devices"))
			continue;
		char shown[80];
		snprintf(shown, sizeof shown, "%.60s", at);
		for (char *c = shown; *c; c++)
			if ((unsigned char)*c < ' ' || (unsigned char)*c > '~')
				*c = '?';
		if (n == NVIDIA_GPUS_MAX)
			return err_set(err, ERR_UNSUPPORTED, "nvidia-smi names more than %d GPUs", NVIDIA_GPUS_MAX);
		if (!parse_line(at, &gpus[n++]))
			return err_set(err, ERR_PROTOCOL, "nvidia-smi prints what is no GPU: \"%s\"", shown);
	}
	return n;
}

int nvidia_list(struct nvidia_gpu gpus[NVIDIA_GPUS_MAX], struct err *err)
{
	static const char *const argv[] = {
	    "nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits", NULL};
	struct err e = {0};
	char *text = child_output(argv, DEADLINE_MS, OUTPUT_MAX, &e);
	if (!text && e.code == ERR_NOT_FOUND)
		return 0;
	int n = text ? nvidia_parse(text, gpus, &e) : -1;
	free(text);
	if (n < 0 && err)
		*err = e;
	return n;
}
