/* Plain scalars: which of them are numbers, booleans, dates or null, by YAML 1.1 as PyYAML reads it (its resolver
 * tables are the reference, not the YAML specification: a float needs a point, an exponent needs a sign). And the way
 * back: how Python would print a value, since that is what ends up in the environment of a job. */
#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/num.h"
#include "core/base/str.h"
#include "core/model/yaml.h"

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(s, *words))
			return true;
	return false;
}

static const char *const words_null[] = {"", "~", "null", "Null", "NULL", NULL};
static const char *const words_true[] = {"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON", NULL};
static const char *const words_false[] = {"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF", NULL};
static const char *const words_inf[] = {".inf", ".Inf", ".INF", NULL};
static const char *const words_nan[] = {".nan", ".NaN", ".NAN", NULL};

/* Rounded correctly to the last bit, unlike num_double: what is printed must be what was written. */
static double to_double(const char *s)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double v = 0;
	if (!c) {
		num_double(s, &v);
		return v;
	}
	v = strtod_l(s, NULL, c);
	freelocale(c);
	return v;
}

/* --- whole numbers ----------------------------------------------------------------------------------------------- */

/* base 2..16 digits and underscores in s[0..len): the value, or too_big. False if another character is in it. */
static bool digits(const char *s, size_t len, int base, uint64_t *out, bool *too_big)
{
	uint64_t v = 0;
	for (size_t i = 0; i < len; i++) {
		if (s[i] == '_')
			continue;
		int d = isdigit((unsigned char)s[i])	? s[i] - '0'
			: isxdigit((unsigned char)s[i]) ? tolower(s[i]) - 'a' + 10
							: 99;
		if (d >= base)
			return false;
		if (v > ((uint64_t)INT64_MAX - (uint64_t)d) / (uint64_t)base)
			*too_big = true;
		else
			v = v * (uint64_t)base + (uint64_t)d;
	}
	*out = v;
	return true;
}

/* 1:30, 1:30:05 → value in base sixty. `whole` is the length of the part before a decimal point. */
static bool sexagesimal(const char *s, size_t len, double *out)
{
	double v = 0;
	size_t i = 0, parts = 0;
	while (i < len) {
		size_t n = 0;
		double part = 0;
		for (; i + n < len && (isdigit((unsigned char)s[i + n]) || (s[i + n] == '_' && !parts)); n++)
			if (s[i + n] != '_')
				part = part * 10 + (s[i + n] - '0');
		if (!n || (parts && (n > 2 || part > 59)) || (i + n < len && s[i + n] != ':'))
			return false;
		v = v * 60 + part;
		parts++;
		i += n;
		if (i < len && ++i == len)
			return false;
	}
	*out = v;
	return parts > 1;
}

static bool set_int(struct yaml_node *n, bool neg, uint64_t v, bool too_big)
{
	n->kind = YAML_INT;
	n->too_big = too_big;
	n->integer = neg ? -(int64_t)v : (int64_t)v;
	n->real = (double)n->integer;
	return true;
}

static bool resolve_int(struct yaml_node *n)
{
	const char *s = n->text;
	bool neg = *s == '-', big = false;
	if (*s == '-' || *s == '+')
		s++;
	size_t len = strlen(s);
	uint64_t v;
	double sixty;
	if (!len || !isdigit((unsigned char)*s))
		return false;
	if (len > 2 && s[0] == '0' && s[1] == 'b')
		return digits(s + 2, len - 2, 2, &v, &big) && set_int(n, neg, v, big);
	if (len > 2 && s[0] == '0' && s[1] == 'x')
		return digits(s + 2, len - 2, 16, &v, &big) && set_int(n, neg, v, big);
	if (len > 1 && s[0] == '0')
		return digits(s + 1, len - 1, 8, &v, &big) && set_int(n, neg, v, big);
	if (digits(s, len, 10, &v, &big)) {
		set_int(n, neg, v, big);
		if (big)
			n->real = to_double(n->text);
		return true;
	}
	if (s[0] != '0' && sexagesimal(s, len, &sixty) && sixty < 9e15)
		return set_int(n, neg, (uint64_t)sixty, false);
	return false;
}

/* --- numbers with a point ---------------------------------------------------------------------------------------- */

/* digits and underscores, at least one; the first is a digit if must */
static size_t digit_run(const char *s, bool must)
{
	if (must && !isdigit((unsigned char)*s))
		return 0;
	return strspn(s, "0123456789_");
}

/* [eE][-+][0-9]+ or nothing: its length; -1 when it is something else */
static int exponent(const char *s)
{
	if (!*s)
		return 0;
	if ((*s != 'e' && *s != 'E') || (s[1] != '-' && s[1] != '+'))
		return -1;
	size_t n = strspn(s + 2, "0123456789");
	return n && !s[2 + n] ? (int)(n + 2) : -1;
}

static bool set_float(struct yaml_node *n, double v)
{
	n->kind = YAML_FLOAT;
	n->real = v;
	return true;
}

static bool resolve_float(struct yaml_node *n)
{
	const char *s = n->text;
	bool neg = *s == '-', sign = *s == '-' || *s == '+';
	const char *p = s + sign;
	if (is_one_of(p, words_inf))
		return set_float(n, neg ? -INFINITY : INFINITY);
	if (!sign && is_one_of(p, words_nan))
		return set_float(n, NAN);
	size_t whole = digit_run(p, true);
	const char *dot = strchr(p, '.');
	if (!dot || (whole == 0 && (sign || dot != p)))
		return false;
	double sixty;
	if (whole && p[whole] == ':' && sexagesimal(p, (size_t)(dot - p), &sixty)) {
		if (dot[1 + digit_run(dot + 1, false)])
			return false;
	} else if (dot != p + whole) {
		return false;
	} else {
		size_t places = digit_run(dot + 1, whole == 0);
		if ((whole == 0 && places == 0) || exponent(dot + 1 + places) < 0)
			return false;
	}
	/* strtod knows neither underscores nor base sixty. */
	struct str plain = str_new(400);
	for (const char *c = whole && p[whole] == ':' ? dot : p; *c; c++)
		if (*c != '_')
			str_addc(&plain, *c);
	double v = plain.full ? NAN : to_double(plain.len ? plain.data : "0");
	if (whole && p[whole] == ':')
		v += sixty;
	str_free(&plain);
	return isnan(v) ? false : set_float(n, neg ? -v : v);
}

/* --- dates ------------------------------------------------------------------------------------------------------- */

/* A pattern: 'd' one digit, 'D' one or two, others themselves. The length matched, 0: no match. */
static size_t match(const char *s, const char *pattern)
{
	const char *p = s;
	for (; *pattern; pattern++) {
		if (*pattern != 'd' && *pattern != 'D') {
			if (*p++ != *pattern)
				return 0;
			continue;
		}
		if (!isdigit((unsigned char)*p++))
			return 0;
		if (*pattern == 'D' && isdigit((unsigned char)*p))
			p++;
	}
	return (size_t)(p - s);
}

static bool is_date(const char *s)
{
	size_t n = match(s, "dddd-dd-dd");
	if (n && !s[n])
		return true;
	n = match(s, "dddd-D-D");
	if (!n)
		return false;
	const char *p = s + n;
	if (*p == 'T' || *p == 't')
		p++;
	else if (*p == ' ' || *p == '\t')
		p += strspn(p, " \t");
	else
		return false;
	n = match(p, "D:dd:dd");
	if (!n)
		return false;
	p += n;
	if (*p == '.')
		p += 1 + strspn(p + 1, "0123456789");
	p += strspn(p, " \t");
	if (!*p || !strcmp(p, "Z"))
		return true;
	if (*p != '+' && *p != '-')
		return false;
	n = match(p + 1, "D:dd");
	if (!n)
		n = match(p + 1, "D");
	return n && !p[1 + n];
}

void yaml_resolve(struct yaml_node *n)
{
	const char *s = n->text;
	n->kind = YAML_STRING;
	if (strlen(s) != n->len)
		return;
	if (is_one_of(s, words_null)) {
		n->kind = YAML_NULL;
	} else if (is_one_of(s, words_true) || is_one_of(s, words_false)) {
		n->kind = YAML_BOOL;
		n->flag = is_one_of(s, words_true);
	} else if (*s && strchr("-+0123456789.", *s)) {
		if (!resolve_int(n) && !resolve_float(n) && is_date(s))
			n->kind = YAML_DATE;
	}
}

/* --- as Python prints it ----------------------------------------------------------------------------------------- */

const char *yaml_float_text(double v, char *buf, size_t size)
{
	if (isnan(v) || isinf(v)) {
		snprintf(buf, size, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
		return buf;
	}
	/* Shortest digits that come back as the same number, as d.ddde±xx, then laid out as Python does. */
	char e[40];
	for (int precision = 0; precision < 18; precision++) {
		snprintf(e, sizeof e, "%.*e", precision, v);
		for (char *c = e; *c; c++)
			if (*c == ',')
				*c = '.';
		if (to_double(e) == v)
			break;
	}
	int exp10 = 0;
	char *mark = strchr(e, 'e'), digs[40];
	size_t nd = 0;
	for (char *c = mark + 2; *c; c++)
		exp10 = exp10 * 10 + (*c - '0');
	exp10 = mark[1] == '-' ? -exp10 : exp10;
	for (char *c = e; c < mark; c++)
		if (isdigit((unsigned char)*c))
			digs[nd++] = *c;
	digs[nd] = '\0';
	const char *sign = e[0] == '-' ? "-" : "";
	if (exp10 < -4 || exp10 >= 16)
		snprintf(buf, size, "%s%c%s%se%c%02d", sign, digs[0], nd > 1 ? "." : "", digs + 1,
		    exp10 < 0 ? '-' : '+', abs(exp10));
	else if (exp10 < 0)
		snprintf(buf, size, "%s0.%.*s%s", sign, -exp10 - 1, "000000", digs);
	else if ((int)nd <= exp10 + 1)
		snprintf(buf, size, "%s%s%.*s.0", sign, digs, exp10 + 1 - (int)nd, "0000000000000000");
	else
		snprintf(buf, size, "%s%.*s.%s", sign, exp10 + 1, digs, digs + exp10 + 1);
	return buf;
}

static void python_quoted(struct str *out, const struct yaml_node *n)
{
	char q = strchr(n->text, '\'') && !strchr(n->text, '"') ? '"' : '\'';
	str_addc(out, q);
	for (const char *p = n->text; *p; p++) {
		if (*p == '\n')
			str_add(out, "\\n");
		else if (*p == '\t')
			str_add(out, "\\t");
		else if (*p == '\r')
			str_add(out, "\\r");
		else {
			if (*p == '\\' || *p == q)
				str_addc(out, '\\');
			str_addc(out, *p);
		}
	}
	str_addc(out, q);
}

/* str(int): plain digits, whatever base and separators it was written with. */
static void python_int(struct str *out, const struct yaml_node *n)
{
	if (!n->too_big) {
		str_addf(out, "%lld", (long long)n->integer);
		return;
	}
	for (const char *p = n->text; *p; p++)
		if (*p != '_' && *p != '+')
			str_addc(out, *p);
}

/* A number of at most two digits, moved past. */
static int two_digits(const char **p)
{
	int v = 0;
	for (int i = 0; i < 2 && isdigit((unsigned char)**p); i++)
		v = v * 10 + *(*p)++ - '0';
	return v;
}

/* str(datetime): parts of two digits, a fraction of six when it is not zero, the zone as +hh:mm. */
static void python_date(struct str *out, const struct yaml_node *n)
{
	const char *p = n->text;
	size_t day = match(p, "dddd-dd-dd");
	if (day && !p[day]) {
		str_add(out, p);
		return;
	}
	str_addn(out, p, 4);
	p += 5;
	str_addf(out, "-%02d", two_digits(&p));
	p++;
	str_addf(out, "-%02d ", two_digits(&p));
	while (!isdigit((unsigned char)*p))
		p++;
	for (int i = 0; i < 3; i++, p += *p == ':')
		str_addf(out, "%s%02d", i ? ":" : "", two_digits(&p));
	char fraction[7] = "000000";
	if (*p == '.')
		p++;
	for (int i = 0; isdigit((unsigned char)*p); p++)
		if (i < 6)
			fraction[i++] = *p;
	if (strcmp(fraction, "000000"))
		str_addf(out, ".%s", fraction);
	p += strspn(p, " \t");
	if (*p == 'Z')
		str_add(out, "+00:00");
	if (*p != '+' && *p != '-')
		return;
	str_addc(out, *p++);
	str_addf(out, "%02d", two_digits(&p));
	p += *p == ':';
	str_addf(out, ":%02d", two_digits(&p));
}

static void python_put(struct str *out, const struct yaml_node *n, bool inside)
{
	char buf[40];
	switch (n->kind) {
	case YAML_NULL:
		str_add(out, "None");
		return;
	case YAML_BOOL:
		str_add(out, n->flag ? "True" : "False");
		return;
	case YAML_INT:
		python_int(out, n);
		return;
	case YAML_FLOAT:
		str_add(out, yaml_float_text(n->real, buf, sizeof buf));
		return;
	case YAML_DATE:
		python_date(out, n);
		return;
	case YAML_STRING:
		if (inside)
			python_quoted(out, n);
		else
			str_addn(out, n->text, n->len);
		return;
	case YAML_LIST:
	case YAML_MAP:
		break;
	}
	str_addc(out, n->kind == YAML_LIST ? '[' : '{');
	for (size_t i = 0; i < n->n; i++) {
		str_add(out, i ? ", " : "");
		if (n->kind == YAML_LIST) {
			python_put(out, n->items[i], true);
			continue;
		}
		python_put(out, n->pairs[i].key, true);
		str_add(out, ": ");
		python_put(out, n->pairs[i].value, true);
	}
	str_addc(out, n->kind == YAML_LIST ? ']' : '}');
}

const char *yaml_python(struct arena *a, const struct yaml_node *n)
{
	struct str out = str_new(16 << 20);
	python_put(&out, n, false);
	char *text = arena_strndup(a, str_text(&out), out.len);
	str_free(&out);
	return text;
}
