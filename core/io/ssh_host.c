/* Is the host who it was? Keys are learned on first contact and held to. The kind of key that is pinned is asked for first, so
 * that a host with several keys is not taken for another one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/ssh_known.h"
#include "core/io/ssh_priv.h"

static const char *const key_types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"};

/* Does a signature of this name come from a key of that type? */
static bool signs_for(const char *name, const char *type)
{
	return !strcmp(name, type) || (!strcmp(type, "ssh-rsa") && str_starts(name, "rsa-sha2-"));
}

/* Only names that the library has may be given to it: dropping others it copies over itself (found by ASan, 1.10). */
void ssh_prefer_host_keys(struct ssh *s)
{
	struct ssh_pin pin = {.line = 0};
	size_t len;
	char *text = ssh_known_load(s->t->known_hosts_path, &len, NULL);
	if (text)
		ssh_known_check(text, len, s->t->pin, NULL, NULL, &pin);
	free(text);
	const char **has = NULL;
	int n = s->lib.session_supported_algs(s->session, LIBSSH2_METHOD_HOSTKEY, &has);
	struct str prefs = str_new(1000);
	for (int pinned = 1; pinned >= 0; pinned--)
		for (size_t i = 0; i < ARRAY_LEN(key_types); i++)
			for (int k = 0; k < n; k++)
				if (!strcmp(has[k], key_types[i]) && signs_for(key_types[i], pin.type) == pinned)
					str_addf(&prefs, "%s%s", prefs.len ? "," : "", key_types[i]);
	if (prefs.len)
		s->lib.session_method_pref(s->session, LIBSSH2_METHOD_HOSTKEY, str_text(&prefs));
	str_free(&prefs);
	if (n > 0)
		s->lib.free(s->session, (void *)(uintptr_t)has);
}

/* The kind of key is the first string of its blob. */
static bool key_type(const char *key, size_t len, char *type, size_t size)
{
	const unsigned char *p = (const unsigned char *)key;
	size_t n = len >= 4 ? (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3] : 0;
	if (!n || n >= size || n > len - 4)
		return false;
	memcpy(type, key + 4, n);
	type[n] = '\0';
	return !strpbrk(type, " \t\r\n");
}

int ssh_check_host(struct ssh *s, struct err *err)
{
	size_t len = 0, file_len;
	int kind;
	char type[64];
	const char *key = s->lib.session_hostkey(s->session, &len, &kind), *file = s->t->known_hosts_path, *pin_name = s->t->pin;
	if (!key || !key_type(key, len, type, sizeof type))
		return err_set(err, ERR_PROTOCOL, "the host's key cannot be read");
	char *text = ssh_known_load(file, &file_len, err), *key64 = ssh_base64(key, len);
	struct ssh_pin pin;
	int rc = -1;
	if (text) {
		switch (ssh_known_check(text, file_len, pin_name, type, key64, &pin)) {
		case SSH_KNOWN_SAME:
			rc = 0;
			break;
		case SSH_KNOWN_NEW:
			rc = ssh_known_add(file, pin_name, type, key64, err);
			break;
		case SSH_KNOWN_CHANGED:
			err_set(err, ERR_CREDENTIALS,
			    "THE HOST KEY HAS CHANGED: another machine answers, or someone is in between. Its %s key is not the %s key in "
			    "%s line %d. Nothing was sent. If the machine was rightly replaced, delete that line and try again",
			    type, pin.type, file, pin.line);
			break;
		case SSH_KNOWN_DAMAGED:
			err_set(err, ERR_INVALID,
			    "%s line %d, which holds the key of %s, is damaged, so the host cannot be checked. Mend the line from a copy, or "
			    "delete it to learn the key anew",
			    file, pin.line, pin_name);
			break;
		}
	}
	free(text);
	free(key64);
	return rc;
}

/* The second name list of the server's KEXINIT, which is sent in the clear after the banner. */
static bool offered_host_keys(const struct str *hello, char *out, size_t size)
{
	const char *text = str_text(hello), *end = text + hello->len, *p = text;
	while (p < end && (size_t)(end - p) >= 4 && memcmp(p, "SSH-", 4)) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		p = eol ? eol + 1 : end;
	}
	p = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
	if (!p || end - p < 1 + 6 + 16 || p[6] != 20)
		return false;
	p += 1 + 6 + 16;
	for (int list = 0; list < 2; list++) {
		if (end - p < 4)
			return false;
		const unsigned char *u = (const unsigned char *)p;
		size_t n = (size_t)u[0] << 24 | (size_t)u[1] << 16 | (size_t)u[2] << 8 | u[3];
		if (n > (size_t)(end - p) - 4)
			return false;
		if (list == 1 && n < size) {
			memcpy(out, p + 4, n);
			out[n] = '\0';
			return true;
		}
		p += 4 + n;
	}
	return false;
}

void ssh_handshake_error(struct ssh *s, int rc, struct err *err)
{
	char offered[1000];
	if (!s->hello.len) {
		err_set(err, ERR_NETWORK, "the host closed the connection before it said a word: not an SSH server, or it refuses us");
	} else if (strstr(str_text(&s->hello), "MaxStartups") || str_starts(str_text(&s->hello), "Not allowed at this time")) {
		err_set(err, ERR_THROTTLED, "the host takes no more connections just now");
	} else if (rc == LIBSSH2_ERROR_BANNER_RECV || !strstr(str_text(&s->hello), "SSH-")) {
		err_set(err, ERR_PROTOCOL, "what answers there is not an SSH server");
	} else if ((rc == LIBSSH2_ERROR_KEX_FAILURE || rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE || rc == LIBSSH2_ERROR_METHOD_NONE) &&
	    offered_host_keys(&s->hello, offered, sizeof offered)) {
		bool other = strstr(offered, "ed25519") || strstr(offered, "ecdsa");
		err_set(err, ERR_UNSUPPORTED,
		    other ? "no common way to encrypt (%s; host keys offered: %s; libssh2 %s)"
			  : "%s: the host offers only these kinds of host key: %s, which libssh2 %s cannot check. On the host, make others "
			    "(ssh-keygen -A) and restart sshd; or use libssh2 1.11 or newer here",
		    ssh_last_error(s), offered, s->lib.version(0));
	} else {
		err_set(err, ERR_NETWORK, "the handshake failed: %s", ssh_last_error(s));
	}
}
