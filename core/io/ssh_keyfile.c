/* Key files, as far as they can be read without a passphrase: whether there is one, and the public half, by which a key is found in
 * the agent. Unlocking and signing is libssh2's. */
#include "core/io/ssh_keyfile.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/ssh_wire.h"

static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----", magic[] = "openssh-key-v1";

/* As far as the text is base64; blanks and line ends are passed over. */
static void decode64(const char *p, const char *end, struct str *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, n = 0;
	for (; p < end; p++) {
		if (*p == '\n' || *p == '\r')
			continue;
		const char *d = *p ? strchr(digits, *p) : NULL;
		if (!d)
			return;
		bits = bits << 6 | (unsigned)(d - digits);
		n += 6;
		if (n >= 8) {
			n -= 8;
			str_addc(out, (char)(bits >> n & 255));
		}
	}
}

static void take_blob(struct ssh_keyfile *k, struct ssh_wire blob)
{
	struct ssh_wire at = blob, type;
	if (!ssh_wire_string(&at, &type) || !ssh_wire_copy(type, k->type, sizeof k->type))
		return;
	k->blob = xmalloc(blob.left);
	memcpy(k->blob, blob.p, blob.left);
	k->blob_len = blob.left;
}

/* magic NUL, then strings: cipher, kdf, its options; a count; the public half; the rest is locked away. */
static void read_openssh(const char *p, const char *end, struct ssh_keyfile *k)
{
	struct str raw = str_new(SSH_KEYFILE_MAX);
	struct ssh_wire cipher, kdf, options, blob;
	uint32_t n;
	decode64(p, end, &raw);
	if (raw.len > sizeof magic && !memcmp(raw.data, magic, sizeof magic)) {
		struct ssh_wire w = ssh_wire_of(raw.data + sizeof magic, raw.len - sizeof magic);
		if (ssh_wire_string(&w, &cipher) && ssh_wire_string(&w, &kdf) && ssh_wire_string(&w, &options)) {
			k->is_private = true;
			k->locked = !ssh_wire_is(cipher, "none");
			if (ssh_wire_u32(&w, &n) && n && ssh_wire_string(&w, &blob))
				take_blob(k, blob);
		}
	}
	str_free(&raw);
}

static void read_pem(const char *text, size_t len, struct ssh_keyfile *k)
{
	const char *key = memmem(text, len, "PRIVATE KEY-----", strlen("PRIVATE KEY-----"));
	if (!key || !memmem(text, len, "-----BEGIN ", strlen("-----BEGIN ")))
		return;
	k->is_private = true;
	k->locked = memmem(text, len, "ENCRYPTED", strlen("ENCRYPTED")) != NULL;
	if (memmem(text, len, "BEGIN RSA PRIVATE KEY", strlen("BEGIN RSA PRIVATE KEY")))
		memcpy(k->type, "ssh-rsa", sizeof "ssh-rsa");
}

/* "TYPE BASE64 comment" */
static void read_public(const char *text, size_t len, struct ssh_keyfile *k)
{
	const char *end = memchr(text, '\n', len), *blank;
	end = end ? end : text + len;
	blank = memchr(text, ' ', (size_t)(end - text));
	struct ssh_wire name = ssh_wire_of(text, blank ? (size_t)(blank - text) : 0);
	struct str raw = str_new(SSH_KEYFILE_MAX);
	if (blank)
		decode64(blank + 1, end, &raw);
	if (raw.len)
		take_blob(k, ssh_wire_of(raw.data, raw.len));
	if (!ssh_wire_is(name, k->type))
		ssh_keyfile_clear(k);
	str_free(&raw);
}

void ssh_keyfile_read(const char *text, size_t len, struct ssh_keyfile *k)
{
	*k = (struct ssh_keyfile){.locked = false};
	const char *body = memmem(text, len, openssh, sizeof openssh - 1);
	if (body)
		read_openssh(body + sizeof openssh - 1, text + len, k);
	else
		read_pem(text, len, k);
	if (!k->is_private)
		read_public(text, len, k);
}

void ssh_keyfile_clear(struct ssh_keyfile *k)
{
	free(k->blob);
	*k = (struct ssh_keyfile){.locked = false};
}
