/* Numbers with units. Whatever reads them here is exact to a millionth and refuses infinities, so that nothing behind
 * it has to think of them. */
#include "core/model/amount.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/yaml.h"

enum { TEXT_MAX = 64 };
/* Far above any machine, far below where millionths overflow. */
static const double number_max = 1e12;

/* s without blanks around it, in buf. False: too long. */
static bool trimmed(const char *s, char *buf, size_t size)
{
	while (isspace((unsigned char)*s))
		s++;
	size_t n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		n--;
	if (n >= size)
		return false;
	memcpy(buf, s, n);
	buf[n] = '\0';
	return true;
}

bool amount_number(const char *text, double *out)
{
	char buf[TEXT_MAX];
	double v;
	if (!trimmed(text, buf, sizeof buf) || !num_double(buf, &v) || fabs(v) > number_max)
		return false;
	*out = v;
	return true;
}

static int64_t to_micro(double v)
{
	return (int64_t)llround(v * 1e6);
}

const char *amount_cpus(struct arena *a, const char *text, struct amount *out)
{
	char buf[TEXT_MAX], number[TEXT_MAX];
	double v;
	if (!trimmed(text, buf, sizeof buf))
		return "must be a number, or a number and + for \"at least\": 8, 8+";
	size_t len = strlen(buf);
	bool plus = len && buf[len - 1] == '+';
	if (plus)
		buf[len - 1] = '\0';
	if (!trimmed(buf, number, sizeof number) || !amount_number(number, &v))
		return "must be a number, or a number and + for \"at least\": 8, 8+";
	if (to_micro(v) <= 0)
		return "must be more than 0";
	*out = (struct amount){.set = true, .at_least = plus, .micro = to_micro(v)};
	out->text = arena_printf(a, "%s%s", number, plus ? "+" : "");
	return NULL;
}

/* --- units ------------------------------------------------------------------------------------------------------- */

/* Binary, in KiB. */
static const struct unit {
	const char *name;
	double kib;
} units[] = {
    {"kb", 1},
    {"ki", 1},
    {"mb", 1024.0},
    {"mi", 1024.0},
    {"gb", 1048576.0},
    {"gi", 1048576.0},
    {"tb", 1073741824.0},
    {"ti", 1073741824.0},
    {"pb", 1099511627776.0},
    {"pi", 1099511627776.0},
};

/* Cut a unit off the end of s. NULL: there is none. */
static const struct unit *take_unit(char *s)
{
	size_t n = strlen(s);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (n > 2 && !strcasecmp(s + n - 2, units[i].name)) {
			s[n - 2] = '\0';
			return &units[i];
		}
	}
	return NULL;
}

const char *amount_memory(struct arena *a, const char *text, bool may_be_zero, struct amount *out)
{
	static const char want[] =
	    "must be GB as a number (16), a number with one of KB, MB, GB, TB, PB (16GB), and + behind "
	    "it for \"at least\" (16+, 16GB+)";
	char buf[TEXT_MAX], number[40];
	double v;
	if (!trimmed(text, buf, sizeof buf))
		return want;
	size_t len = strlen(buf);
	bool plus = len && buf[len - 1] == '+', per_vcpu = len && buf[len - 1] == 'x';
	if (plus || per_vcpu)
		buf[len - 1] = '\0';
	if (amount_number(buf, &v)) {
		char plain[TEXT_MAX];
		trimmed(buf, plain, sizeof plain);
		snprintf(number, sizeof number, "%.39s", plain);
	} else {
		const struct unit *u = per_vcpu ? NULL : take_unit(buf);
		if (!u || !amount_number(buf, &v))
			return want;
		v = v * u->kib / 1048576.0;
		if (v > number_max)
			return want;
		yaml_float_text(v, number, sizeof number);
	}
	if (v < 0 || (to_micro(v) == 0 && !may_be_zero))
		return "must be more than 0";
	*out = (struct amount){.set = true, .at_least = plus, .per_vcpu = per_vcpu, .micro = to_micro(v)};
	out->text = arena_printf(a, "%s%s", number, plus ? "+" : per_vcpu ? "x" : "");
	return NULL;
}

const char *amount_disk(const char *text, int64_t *gib, bool *at_least)
{
	const char *want = at_least ? "must be whole GB: 256, 500GB, 1TB, or \"500+\" for at least that"
				    : "must be whole GB: 256, 500GB, 1TB";
	char buf[TEXT_MAX];
	int64_t v;
	if (!trimmed(text, buf, sizeof buf))
		return want;
	size_t len = strlen(buf);
	bool plus = at_least && len && buf[len - 1] == '+';
	if (plus)
		buf[len - 1] = '\0';
	const struct unit *u = take_unit(buf);
	if (!num_int(buf, -1000000000000, 1000000000000, &v))
		return want;
	double whole = u ? (double)v * u->kib / 1048576.0 : (double)v;
	if (whole <= 0)
		return "must be more than 0";
	if (whole != floor(whole) || whole > 1e9)
		return want;
	*gib = (int64_t)whole;
	if (at_least)
		*at_least = plus;
	return NULL;
}

/* Digits and one optional unit letter of `letters` (whose factors stand beside): the product, or -1. */
static int64_t duration(const char *text, const char *letters, const int64_t *factors)
{
	size_t n = strspn(text, "0123456789");
	char digits[20];
	int64_t v, factor = 1;
	if (!n || n >= sizeof digits)
		return -1;
	memcpy(digits, text, n);
	digits[n] = '\0';
	if (text[n]) {
		const char *l = strchr(letters, tolower((unsigned char)text[n]));
		if (!l || text[n + 1])
			return -1;
		factor = factors[l - letters];
	}
	return num_int(digits, 0, 1000000000000, &v) ? v * factor : -1;
}

const char *amount_minutes(const char *text, int64_t *minutes)
{
	static const int64_t factors[] = {1, 60, 1440, 10080};
	int64_t v = duration(text, "mhdw", factors);
	if (v < 0)
		return "must be minutes (30) or a whole number with m, h, d or w (10m, 2h, 1d)";
	*minutes = v;
	return NULL;
}

const char *amount_seconds(const char *text, int64_t *seconds)
{
	static const int64_t factors[] = {1, 60, 3600, 86400, 604800};
	int64_t v = duration(text, "smhdw", factors);
	if (v < 0)
		return "must be seconds (30) or a whole number with s, m, h, d or w (30s, 5m, 1h)";
	*seconds = v;
	return NULL;
}

const char *amount_local_disk(struct arena *a, const char *text, const char **out)
{
	static const char want[] =
	    "must be nvme or ssd, with a size in GB or without: nvme, ssd:500, nvme:500+, \"500+\"";
	char buf[TEXT_MAX];
	int64_t size = 100;
	if (!trimmed(text, buf, sizeof buf))
		return want;
	char *colon = strchr(buf, ':'), *number = colon ? colon + 1 : isdigit((unsigned char)buf[0]) ? buf : NULL;
	bool plus = true;
	const char *mode = "nvme";
	if (number) {
		size_t n = strlen(number);
		plus = n && number[n - 1] == '+';
		if (plus)
			number[n - 1] = '\0';
		if (!num_int(number, 1, 1000000000, &size))
			return want;
	}
	if (number != buf) {
		if (colon)
			*colon = '\0';
		if (!str_ieq(buf, "nvme") && !str_ieq(buf, "ssd"))
			return want;
		mode = str_ieq(buf, "ssd") ? "ssd" : "nvme";
	}
	*out = arena_printf(a, "%s:%lld%s", mode, (long long)size, plus ? "+" : "");
	return NULL;
}
