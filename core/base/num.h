/* Numbers as people and price lists write them. Money is int64_t micro-dollars, never floating point. */
#ifndef CORE_BASE_NUM_H
#define CORE_BASE_NUM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A price that is not known. Never 0, which is a price. Sorts last, compares above every cap. */
#define PRICE_UNKNOWN INT64_C(-1)
/* How a figure that is not known stands in a table. */
#define NUM_UNKNOWN "-"

/* Whole decimal number, all of s, within [min, max]; false and *out untouched otherwise. */
bool num_int(const char *s, int64_t min, int64_t max, int64_t *out);
/* A plain decimal (digits, one point; no exponent, sign only if min < 0), all of s, as millionths: "2.5" → 2500000.
 * Digits past the sixth are rounded half up. False if it is none or past int64. */
bool num_micro(const char *s, int64_t *out);
/* As num_micro, over s[0..len). */
bool num_micron(const char *s, size_t len, int64_t *out);
/* A finite double in the C locale whatever the process's locale is, all of s. */
bool num_double(const char *s, double *out);

/* Writes the digits of v, at least so many, up to end, and returns where they begin. */
char *num_before(char *end, uint64_t v, int least);

/* Random bits: for names and pauses, not for keys. */
uint32_t num_random(void);

/* "12.48", "0.0042", "1,234.50"; "?" for PRICE_UNKNOWN. Two decimals from 1 dollar up, four below. buf ≥ 32. */
const char *money_text(int64_t uusd, char *buf, size_t size);
/* "1,234,567"; buf ≥ 32. */
const char *count_text(int64_t n, char *buf, size_t size);
/* "17 bytes", "12.3 MB" (powers of 1000); buf ≥ 32. */
const char *bytes_text(int64_t n, char *buf, size_t size);
/* Shortest decimal that means the millionths exactly: 2500000 → "2.5". buf ≥ 32. */
const char *micro_text(int64_t micro, char *buf, size_t size);

#endif
