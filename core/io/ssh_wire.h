/* SSH's wire format, for what libssh2 does not read or write for us: big-endian numbers, and strings with their length before
 * them. Private to core/io/ssh*. */
#ifndef CORE_IO_SSH_WIRE_H
#define CORE_IO_SSH_WIRE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/base/str.h"

struct ssh_wire {
	const unsigned char *p;
	size_t left;
};

static inline struct ssh_wire ssh_wire_of(const void *p, size_t len)
{
	return (struct ssh_wire){p, len};
}

/* False at the end of the text; nothing is taken then. */
static inline bool ssh_wire_u32(struct ssh_wire *w, uint32_t *v)
{
	if (w->left < 4)
		return false;
	*v = (uint32_t)w->p[0] << 24 | (uint32_t)w->p[1] << 16 | (uint32_t)w->p[2] << 8 | w->p[3];
	w->p += 4;
	w->left -= 4;
	return true;
}

static inline bool ssh_wire_string(struct ssh_wire *w, struct ssh_wire *s)
{
	struct ssh_wire at = *w;
	uint32_t n;
	if (!ssh_wire_u32(&at, &n) || n > at.left)
		return false;
	*s = (struct ssh_wire){at.p, n};
	*w = (struct ssh_wire){at.p + n, at.left - n};
	return true;
}

static inline bool ssh_wire_is(struct ssh_wire s, const char *text)
{
	return s.left == strlen(text) && !memcmp(s.p, text, s.left);
}

/* As a C string, false when it does not fit or holds other than printing characters. */
static inline bool ssh_wire_copy(struct ssh_wire s, char *out, size_t size)
{
	for (size_t i = 0; i < s.left; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	if (!s.left || s.left >= size)
		return false;
	memcpy(out, s.p, s.left);
	out[s.left] = '\0';
	return true;
}

static inline void ssh_wire_add_u32(struct str *s, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		str_addc(s, (char)(v >> shift & 255));
}

static inline void ssh_wire_add_string(struct str *s, const void *p, size_t n)
{
	ssh_wire_add_u32(s, (uint32_t)n);
	str_addn(s, p, n);
}

#endif
