/* Growable strings with a compulsory maximum, and the text helpers that everything shares. */
#ifndef CORE_BASE_STR_H
#define CORE_BASE_STR_H
#include <stdbool.h>
#include <stddef.h>

/* Always NUL-terminated once something was added; may hold NULs. Past `max` bytes nothing more is added and `full`
 * is set: whoever cares checks it once at the end. Zero-initialising and setting .max is a valid start. */
struct str {
	char *data;
	size_t len, cap, max;
	bool full;
};

struct str str_new(size_t max);
void str_free(struct str *s);
void str_clear(struct str *s); /* keeps the memory */
void str_addn(struct str *s, const char *p, size_t n);
void str_add(struct str *s, const char *text);
void str_addc(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Remove the first n bytes. */
void str_shift(struct str *s, size_t n);
/* The text, "" when empty; owned by s. */
const char *str_text(const struct str *s);
/* Hand the text to the caller (never NULL) and leave s empty. */
char *str_take(struct str *s);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_eq(const char *a, const char *b);	/* NULL equals NULL */
bool str_ieq(const char *a, const char *b);	/* ASCII case folded */
/* Case-folded search, NULL if absent. */
const char *str_istr(const char *hay, const char *needle);
/* Glob with * and ?, ASCII case folded; no escapes, no classes. Linear time for the patterns people write. */
bool str_glob(const char *pattern, const char *text);

/* UTF-8 that is well formed (no surrogates, no overlong forms)? On false *bad is the offset of the first bad byte. */
bool utf8_valid(const char *s, size_t len, size_t *bad);
/* Decode one character: its length, 0 at the end, and U+FFFD with length 1 for a bad byte. */
size_t utf8_decode(const char *s, size_t len, unsigned *cp);
size_t utf8_encode(unsigned cp, char out[4]);

/* A character that has no business on a screen: controls, bidi marks, zero-width ones; they move, hide or reorder what
 * stands beside them. */
bool text_unfit(unsigned cp);
/* Make foreign text fit for a terminal or a table: C0, C1, ESC, bidi controls and zero-width characters are dropped
 * or become '?', bad UTF-8 becomes U+FFFD, tabs and newlines become spaces. Appends to out. */
void text_clean(struct str *out, const char *s, size_t len);

/* The word of `words` nearest to `word` by edit distance (case folded), or NULL when none is near enough to be a
 * slip of the hand. `words` has n entries. */
const char *text_nearest(const char *word, const char *const *words, size_t n);

/* text[0..len) into buf, cut to what fits, and ended. */
void text_put(char *buf, size_t size, const char *text, size_t len);

/* Quote one argument for a POSIX shell. The only function in the program that does. Appends to out. */
void shell_quote(struct str *out, const char *arg);

#endif
