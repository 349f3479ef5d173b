/* Being let in, by key files, never by password. Each key that could not be used leaves a word for the message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/ssh_priv.h"

static const char *const default_keys[] = {"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"};

static bool use_defaults(struct ssh *s)
{
	for (size_t i = 0; !s->t->identity_files[0] && i < ARRAY_LEN(default_keys); i++) {
		char *path = path_expand(default_keys[i]);
		int n = 0;
		while (n < SSH_IDENTITIES_MAX && s->t->identity_files[n])
			n++;
		if (fs_exists(path))
			s->t->identity_files[n] = path;
		else
			free(path);
	}
	return s->t->identity_files[0];
}

static void note(struct ssh *s, const char *path, const char *what)
{
	str_addf(&s->tried, "%s%s: %s", s->tried.len ? "; " : "", path, what);
}

/* A value of 4 bits to each hexadecimal digit's worth of base64: whether the decoded body holds a word. */
static void decode64(const char *p, struct str *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, n = 0;
	for (; *p && *p != '-'; p++) {
		const char *d = strchr(digits, *p);
		if (!d)
			continue;
		bits = bits << 6 | (unsigned)(d - digits);
		n += 6;
		if (n >= 8) {
			n -= 8;
			str_addc(out, (char)(bits >> n & 255));
		}
	}
}

/* What of a key file can be told before it is tried. */
struct key_kind {
	bool rsa, locked;
};

static struct key_kind kind_of(const char *path)
{
	struct key_kind k = {false, false};
	size_t len;
	char *text = fs_read(path, 64 << 10, &len, NULL);
	const char *body = text ? strstr(text, "BEGIN OPENSSH PRIVATE KEY-----") : NULL;
	if (body) {
		struct str s = str_new(512); /* magic, cipher, kdf and the public key's kind are at the front */
		decode64(body + strlen("BEGIN OPENSSH PRIVATE KEY-----"), &s);
		/* "openssh-key-v1\0" u32 4 "none": a key without passphrase */
		k.locked = s.len < 23 || memcmp(s.data + 19, "none", 4) != 0;
		k.rsa = memmem(str_text(&s), s.len, "ssh-rsa", 7) != NULL;
		str_free(&s);
	} else if (text) {
		k.rsa = strstr(text, "BEGIN RSA PRIVATE KEY") != NULL;
		k.locked = strstr(text, "ENCRYPTED") != NULL;
	}
	free(text);
	return k;
}

static int refused(struct ssh *s, struct err *err)
{
	return err_set(err, ERR_CREDENTIALS,
	    "%s is not let in (%s). Add the public key of one of these to ~/.ssh/authorized_keys there, or name another with IdentityFile",
	    s->t->user, s->tried.len ? str_text(&s->tried) : "there is no key to try: no IdentityFile, no ~/.ssh/id_ed25519");
}

static bool rsa_is_old(const struct ssh *s)
{
	return !s->lib.version(0x010b00);
}

static void why_not(struct ssh *s, const char *path, int rc, struct key_kind k)
{
	char text[300];
	if (k.rsa && rsa_is_old(s))
		snprintf(text, sizeof text,
		    "an RSA key, which libssh2 %s signs with SHA-1 only, and hosts of today refuse that; make an ed25519 key "
		    "(ssh-keygen -t ed25519) or use libssh2 1.11 or newer",
		    s->lib.version(0));
	else if (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		snprintf(text, sizeof text, "refused by the host");
	else
		snprintf(text, sizeof text, "%s", ssh_last_error(s));
	note(s, path, text);
}

static int try_keys(struct ssh *s, struct err *err)
{
	for (; s->key < SSH_IDENTITIES_MAX && s->t->identity_files[s->key]; s->key++) {
		const char *path = s->t->identity_files[s->key];
		struct key_kind k = kind_of(path);
		if (!fs_exists(path)) {
			note(s, path, "is not there");
			continue;
		}
		if (k.locked) {
			note(s, path, "has a passphrase");
			continue;
		}
		int rc = s->lib.userauth_fromfile(s->session, s->t->user, (unsigned)strlen(s->t->user), NULL, path, NULL);
		if (!rc)
			return 0;
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return 1;
		why_not(s, path, rc, k);
		if (rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV)
			return err_set(err, ERR_CREDENTIALS, "the host hung up while keys were tried (%s)", str_text(&s->tried));
	}
	return refused(s, err);
}

int ssh_authenticate(struct ssh *s, struct err *err)
{
	if (s->state == SSH_METHODS) {
		char *methods = s->lib.userauth_list(s->session, s->t->user, (unsigned)strlen(s->t->user));
		if (!methods && s->lib.userauth_authenticated(s->session))
			return 0;
		int rc = methods ? 0 : s->lib.session_last_errno(s->session);
		if (rc == LIBSSH2_ERROR_EAGAIN)
			return 1;
		if (!methods)
			return err_set(err, ERR_NETWORK, "the host hung up on the user %s: %s", s->t->user, ssh_last_error(s));
		if (!strstr(methods, "publickey"))
			return err_set(err, ERR_CREDENTIALS, "the host lets %s in only by %s; keys are needed", s->t->user, methods);
		use_defaults(s);
		s->state = SSH_KEYS;
	}
	return try_keys(s, err);
}
