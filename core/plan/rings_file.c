/* A head with a checksum, then for each node the length of its cluster's uid, that, its rank and its rings. */
#include "core/plan/rings_file.h"

#include <string.h>

enum { UID_MAX = 200 };
static const char magic[8] = {'s', 'k', 'y', 'r', 'i', 'n', 'g', '1'};

struct kept_head {
	char magic[8];
	uint64_t sum; /* of all that follows */
	uint32_t size_of_int, n;
};

static uint64_t checksum(const char *p, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);
	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * UINT64_C(1099511628211);
	return h;
}

void rings_pack(const struct rings_of_node *v, size_t n, struct str *out)
{
	struct kept_head head = {.size_of_int = 1, .n = (uint32_t)n};
	str_addn(out, (const char *)&head, sizeof head);
	for (size_t i = 0; i < n; i++) {
		uint32_t len = (uint32_t)strlen(v[i].uid);
		str_addn(out, (const char *)&len, sizeof len);
		str_addn(out, v[i].uid, len);
		str_addn(out, (const char *)&v[i].rank, sizeof v[i].rank);
		rings_put(v[i].rings, out);
	}
	if (out->full)
		return;
	memcpy(head.magic, magic, sizeof magic);
	head.sum = checksum(out->data + sizeof head, out->len - sizeof head);
	memcpy(out->data, &head, sizeof head);
}

bool rings_unpack(const char *p, size_t len, struct rings *(*add)(void *arg, const char *uid, int64_t rank), void *arg)
{
	struct kept_head head;
	if (len < sizeof head)
		return false;
	memcpy(&head, p, sizeof head);
	if (memcmp(head.magic, magic, sizeof magic) != 0 || head.size_of_int != 1 || head.sum != checksum(p + sizeof head, len - sizeof head))
		return false;
	size_t at = sizeof head;
	for (uint32_t i = 0; i < head.n; i++) {
		uint32_t n;
		int64_t rank;
		char uid[UID_MAX + 1];
		if (len - at < sizeof n)
			return false;
		memcpy(&n, p + at, sizeof n);
		at += sizeof n;
		if (n > UID_MAX || len - at < n + sizeof rank)
			return false;
		memcpy(uid, p + at, n);
		uid[n] = '\0';
		memcpy(&rank, p + at + n, sizeof rank);
		at += n + sizeof rank;
		struct rings *r = add(arg, uid, rank);
		size_t used = r ? rings_take(r, p + at, len - at) : 0;
		if (!used)
			return false;
		at += used;
	}
	return at == len;
}
