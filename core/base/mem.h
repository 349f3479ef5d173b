/* Memory: allocation that never fails (it aborts: the engine's work is resumable), and arenas. */
#ifndef CORE_BASE_MEM_H
#define CORE_BASE_MEM_H
#include <stddef.h>

/* As malloc and friends; on exhaustion the process says so and aborts. The caller owns the result. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
/* n × size with overflow checked. */
void *xreallocarray(void *p, size_t n, size_t size);
/* xstrdup(NULL) is NULL. */
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Make room for one more element in a growing array: ARRAY_GROW(v, n, cap) before v[n++] = x. */
#define ARRAY_GROW(v, n, cap)                                                                                          \
	do {                                                                                                           \
		if ((n) == (cap)) {                                                                                    \
			(cap) = (cap) ? (cap) * 2 : 8;                                                                 \
			(v) = xreallocarray((v), (size_t)(cap), sizeof *(v));                                          \
		}                                                                                                      \
	} while (0)

/* An arena owns everything allocated from it; freeing it frees all at once. What lives as long as a request,
 * a parse or a snapshot lives in one. Not for buffers that grow. */
struct arena;
struct arena *arena_create(void);
/* NULL is fine. */
void arena_destroy(struct arena *a);
/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s); /* NULL gives NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
