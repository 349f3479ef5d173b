/* Being let in, by keys, never by password. First the files that can be used as they are, in their order; then, only when those did
 * not do, what the ssh-agent holds: the keys of files that have a passphrase, and its others unless IdentitiesOnly was said. So a
 * key that is named is never lost among the agent's (a host hangs up after a few wrong ones), and 100 connections with a key of
 * their own ask no agent.
 *
 * A signature by the agent is asked for from inside libssh2, which calls sign() and takes "not yet" for an answer: it comes back with
 * the very same text in the next turn. Each key that could not be used leaves a word for the message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/ssh_agent.h"
#include "core/io/ssh_keyfile.h"
#include "core/io/ssh_priv.h"

enum { AGENT_LIST_MS = 5000, LIBSSH2_1_11 = 0x010b00 };

static const char *const default_keys[] = {"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"};

struct identity {
	char *path, *cert; /* cert: PATH-cert.pub, NULL when there is none, or when it was tried */
	struct ssh_keyfile file;
	bool there;
};

enum stage { FILES, ASK_AGENT, AGENT_LISTS, AGENT_KEYS };

struct ssh_auth {
	enum stage stage;
	struct identity ids[SSH_IDENTITIES_MAX];
	int n_ids, id;
	struct ssh_agent *agent;
	char agent_why[300]; /* why no agent could help */
	struct str listed;   /* the agent's answer, which keys points into */
	struct ssh_agent_key keys[SSH_AGENT_KEYS_MAX];
	const char *paths[SSH_AGENT_KEYS_MAX]; /* of the file that is a key's; NULL: it is no file's */
	int n_keys, key;
	bool asked;    /* the agent was asked for this key's signature */
	bool no_signature; /* and gave none */
	bool hopeless; /* the host hung up */
	struct str tried;
};

/* ---- what there is to try ------------------------------------------------------------------------------------------ */

static bool read_keyfile(const char *path, struct ssh_keyfile *k)
{
	size_t len;
	char *text = fs_read(path, SSH_KEYFILE_MAX, &len, NULL);
	*k = (struct ssh_keyfile){.locked = false};
	if (text)
		ssh_keyfile_read(text, len, k);
	free(text);
	return text != NULL;
}

static void load(struct identity *id, const char *path)
{
	id->path = xstrdup(path);
	id->there = read_keyfile(path, &id->file);
	char *pub = xasprintf("%s.pub", path), *cert = xasprintf("%s-cert.pub", path);
	struct ssh_keyfile half;
	if (!id->file.blob && read_keyfile(pub, &half)) {
		if (half.blob && !half.is_private) {
			id->file.blob = half.blob;
			id->file.blob_len = half.blob_len;
			memcpy(id->file.type, half.type, sizeof half.type);
			id->there = true; /* its private half may be in the agent */
		} else {
			ssh_keyfile_clear(&half);
		}
	}
	if (fs_exists(cert))
		id->cert = cert;
	else
		free(cert);
	free(pub);
}

static struct ssh_auth *prepare(const struct ssh_target *t)
{
	struct ssh_auth *a = xcalloc(1, sizeof *a);
	a->tried = str_new(800);
	a->listed = str_new(SSH_AGENT_REPLY_MAX);
	for (int i = 0; i < SSH_IDENTITIES_MAX && t->identity_files[i]; i++)
		load(&a->ids[a->n_ids++], t->identity_files[i]);
	for (size_t i = 0; !t->identity_files[0] && i < ARRAY_LEN(default_keys); i++) {
		char *path = path_expand(default_keys[i]);
		if (fs_exists(path))
			load(&a->ids[a->n_ids++], path);
		free(path);
	}
	return a;
}

void ssh_auth_free(struct ssh_auth *a)
{
	if (!a)
		return;
	ssh_agent_close(a->agent);
	for (int i = 0; i < a->n_ids; i++) {
		free(a->ids[i].path);
		free(a->ids[i].cert);
		ssh_keyfile_clear(&a->ids[i].file);
	}
	str_free(&a->listed);
	str_free(&a->tried);
	free(a);
}

/* ---- why not ------------------------------------------------------------------------------------------------------- */

static void note(struct ssh_auth *a, const char *what, const char *why)
{
	str_addf(&a->tried, "%s%s: %s", a->tried.len ? "; " : "", what, why);
}

/* What old versions of the library cannot sign with, and what to do about it. NULL: nothing known against this type. */
static const char *gap_of(const struct ssh *s, const char *type, char *buf, size_t size)
{
	static const struct {
		const char *prefix, *what, *cannot;
	} gaps[] = {
	    {"ssh-rsa", "an RSA key", "signs with SHA-1 only, and hosts of today refuse that; make an ed25519 key (ssh-keygen -t ed25519) "
				      "or use libssh2 1.11 or newer"},
	    {"ssh-ed25519-cert", "an ed25519 certificate", "cannot use; libssh2 1.11 or newer can"},
	    {"sk-", "a key on a security token", "cannot use; take another key or libssh2 1.11 or newer"},
	};
	for (size_t i = 0; i < ARRAY_LEN(gaps) && !s->lib.version(LIBSSH2_1_11); i++)
		if (str_starts(type, gaps[i].prefix)) {
			snprintf(buf, size, "%s, which libssh2 %s %s", gaps[i].what, s->lib.version(0), gaps[i].cannot);
			return buf;
		}
	return NULL;
}

static void why_not(struct ssh *s, const char *what, int rc, const char *type)
{
	char text[300];
	const char *why = gap_of(s, type, text, sizeof text);
	if (!why && (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED || rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED))
		why = "refused by the host";
	note(s->auth, what, why ? why : ssh_last_error(s));
}

/* The library reports an end of the connection during authentication as a key that was not verified. */
static bool hung_up(struct ssh *s, int rc)
{
	return rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV || rc == LIBSSH2_ERROR_SOCKET_SEND ||
	    (s->broken.code && !s->in.len) || str_starts(ssh_last_error(s), "Waiting for");
}

static int refused(struct ssh *s, struct err *err)
{
	const struct ssh_auth *a = s->auth;
	if (a->hopeless)
		return err_set(err, ERR_CREDENTIALS,
		    "the host hung up on %s while keys were tried (%s). Hosts allow few tries: name the right key with IdentityFile",
		    s->t->user, str_text(&a->tried));
	if (!a->tried.len)
		return err_set(err, ERR_CREDENTIALS,
		    "%s is not let in: there is no key to try (no IdentityFile, no ~/.ssh/id_ed25519; %s). Make one with ssh-keygen -t ed25519 "
		    "and add its public half to ~/.ssh/authorized_keys there",
		    s->t->user, a->agent_why[0] ? a->agent_why : "the ssh-agent holds none");
	return err_set(err, ERR_CREDENTIALS,
	    "%s is not let in (%s). Add the public key of one of these to ~/.ssh/authorized_keys there, or name another with IdentityFile",
	    s->t->user, str_text(&a->tried));
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

enum outcome { LET_IN, WAIT, NEXT };

static enum outcome judge(struct ssh *s, int rc, const char *what, const char *type)
{
	if (!rc)
		return LET_IN;
	if (rc == LIBSSH2_ERROR_EAGAIN)
		return WAIT;
	why_not(s, what, rc, type);
	s->auth->hopeless = hung_up(s, rc);
	return NEXT;
}

static enum outcome try_file(struct ssh *s, struct identity *id)
{
	unsigned user_len = (unsigned)strlen(s->t->user);
	char text[300];
	if (!id->there)
		note(s->auth, id->path, "is not there");
	if (!id->there || id->file.locked || (!id->file.is_private && id->file.blob))
		return NEXT;
	if (id->cert) {
		struct ssh_keyfile cert;
		bool readable = read_keyfile(id->cert, &cert) && cert.blob;
		const char *gap = readable ? gap_of(s, cert.type, text, sizeof text) : NULL;
		enum outcome o = NEXT;
		if (!readable || gap)
			note(s->auth, id->cert, readable ? gap : "is no certificate");
		else
			o = judge(s, s->lib.userauth_fromfile(s->session, s->t->user, user_len, id->cert, id->path, NULL), id->cert, cert.type);
		ssh_keyfile_clear(&cert);
		if (o != NEXT || s->auth->hopeless)
			return o;
		free(id->cert);
		id->cert = NULL;
	}
	return judge(s, s->lib.userauth_fromfile(s->session, s->t->user, user_len, NULL, id->path, NULL), id->path, id->file.type);
}

/* ---- the agent ----------------------------------------------------------------------------------------------------- */

static bool same(struct ssh_wire blob, const struct ssh_keyfile *f)
{
	return f->blob && f->blob_len == blob.left && !memcmp(f->blob, blob.p, blob.left);
}

/* Only the agent could help with this one. */
static bool needs_agent(const struct identity *id)
{
	return id->there && id->file.blob && (id->file.locked || !id->file.is_private);
}

static void on_agent(void *arg)
{
	ssh_kick(arg);
}

/* Its socket, or NULL with the reason. */
static const char *agent_path(const struct ssh *s, const char **why)
{
	const char *path = s->t->agent ? s->t->agent : getenv("SSH_AUTH_SOCK");
	if (s->t->agent && !strcmp(s->t->agent, "none"))
		*why = "IdentityAgent is none";
	else if (!path || !path[0])
		*why = "no ssh-agent is known here: SSH_AUTH_SOCK is not set";
	else
		return path;
	return NULL;
}

static void ask_agent(struct ssh *s)
{
	struct ssh_auth *a = s->auth;
	const char *why = "the ssh-agent does not hold it";
	bool wanted = !s->t->no_agent;
	for (int i = 0; i < a->n_ids; i++)
		wanted = wanted || needs_agent(&a->ids[i]);
	const char *path = wanted ? agent_path(s, &why) : NULL;
	struct err e;
	if (path) {
		a->agent = ssh_agent_open(s->loop, path, on_agent, s, &e);
		if (a->agent)
			ssh_agent_ask_keys(a->agent, AGENT_LIST_MS);
		else
			why = e.text;
	}
	snprintf(a->agent_why, sizeof a->agent_why, "%s", why);
	a->stage = a->agent ? AGENT_LISTS : AGENT_KEYS;
}

static void add_key(struct ssh_auth *a, struct ssh_agent_key k, const char *path)
{
	a->keys[a->n_keys] = k;
	a->paths[a->n_keys++] = path;
}

/* Those of files first, in the files' order; the others only when they may be tried and were not as a file. */
static void choose_keys(struct ssh *s)
{
	struct ssh_auth *a = s->auth;
	struct ssh_agent_key all[SSH_AGENT_KEYS_MAX];
	struct ssh_wire answer = ssh_agent_answer(a->agent);
	str_addn(&a->listed, (const char *)answer.p, answer.left);
	int n = ssh_agent_keys(ssh_wire_of(str_text(&a->listed), a->listed.len), all, SSH_AGENT_KEYS_MAX);
	if (n < 0)
		snprintf(a->agent_why, sizeof a->agent_why, "the ssh-agent does not tell its keys (is it locked?)");
	bool taken[SSH_AGENT_KEYS_MAX] = {false};
	for (int i = 0; i < a->n_ids; i++)
		for (int k = 0; k < n; k++)
			if (!taken[k] && same(all[k].blob, &a->ids[i].file)) {
				taken[k] = true;
				if (needs_agent(&a->ids[i]))
					add_key(a, all[k], a->ids[i].path);
			}
	for (int k = 0; k < n && !s->t->no_agent; k++)
		if (!taken[k])
			add_key(a, all[k], NULL);
}

static void note_locked(struct ssh_auth *a)
{
	char text[600];
	for (int i = 0; i < a->n_ids; i++) {
		const struct identity *id = &a->ids[i];
		bool held = false;
		for (int k = 0; k < a->n_keys; k++)
			held = held || a->paths[k] == id->path;
		if (held || !id->there || !(id->file.locked || needs_agent(id)))
			continue;
		snprintf(text, sizeof text, "%s, and %s; add it with ssh-add to the agent that SSH_AUTH_SOCK names, or use a key without",
		    id->file.locked ? "has a passphrase" : "is a public half", a->agent_why);
		note(a, id->path, text);
	}
}

/* What libssh2 wants signed: session, request, user, service, "publickey", true, algorithm, blob. */
static uint32_t flags_for(struct ssh_wire data)
{
	struct ssh_wire s, alg;
	if (!ssh_wire_string(&data, &s) || data.left < 1)
		return 0;
	data = ssh_wire_of(data.p + 1, data.left - 1);
	for (int i = 0; i < 3; i++)
		if (!ssh_wire_string(&data, &s))
			return 0;
	if (data.left < 1)
		return 0;
	data = ssh_wire_of(data.p + 1, data.left - 1);
	if (!ssh_wire_string(&data, &alg) || alg.left < 12)
		return 0;
	return !memcmp(alg.p, "rsa-sha2-256", 12) ? SSH_AGENT_SHA256 : !memcmp(alg.p, "rsa-sha2-512", 12) ? SSH_AGENT_SHA512 : 0;
}

static int sign(LIBSSH2_SESSION *session, unsigned char **sig, size_t *sig_len, const unsigned char *data, size_t len, void **abstract)
{
	(void)session;
	struct ssh *s = *abstract;
	struct ssh_auth *a = s->auth;
	struct ssh_wire algorithm, body, rest, text = ssh_wire_of(data, len);
	if (!a->asked) {
		a->asked = true;
		ssh_agent_ask_signature(a->agent, a->keys[a->key].blob, text, flags_for(text), s->t->connect_timeout_ms);
	}
	if (ssh_agent_state(a->agent) == SSH_AGENT_ASKED) {
		s->phase_note = "the ssh-agent has not signed";
		return LIBSSH2_ERROR_EAGAIN;
	}
	s->phase_note = NULL;
	a->no_signature = ssh_agent_state(a->agent) != SSH_AGENT_ANSWERED ||
	    ssh_agent_signature(ssh_agent_answer(a->agent), &algorithm, &body, &rest) || !body.left;
	if (a->no_signature)
		return -1;
	/* A security token's counter follows, and then libssh2 wants the whole as it is on the wire. */
	struct str out = str_new(SSH_AGENT_REPLY_MAX);
	if (rest.left) {
		ssh_wire_add_string(&out, body.p, body.left);
		str_addn(&out, (const char *)rest.p, rest.left);
	} else {
		str_addn(&out, (const char *)body.p, body.left);
	}
	*sig = ssh_memory_alloc(out.len, NULL);
	memcpy(*sig, out.data, out.len);
	*sig_len = out.len;
	str_free(&out);
	return 0;
}

static enum outcome try_agent_key(struct ssh *s)
{
	struct ssh_auth *a = s->auth;
	const struct ssh_agent_key *k = &a->keys[a->key];
	struct ssh_wire blob = k->blob, type_at;
	char type[64] = "", gap[300];
	struct str what = str_new(200);
	if (ssh_wire_string(&blob, &type_at))
		ssh_wire_copy(type_at, type, sizeof type);
	if (a->paths[a->key])
		str_add(&what, a->paths[a->key]);
	else
		text_clean(&what, (const char *)k->comment.p, k->comment.left);
	str_add(&what, " (in the ssh-agent)");
	enum outcome o = NEXT;
	if (!type[0] || gap_of(s, type, gap, sizeof gap)) {
		note(a, str_text(&what), type[0] ? gap : "is no key");
	} else {
		void *self = s;
		int rc = s->lib.userauth_publickey(s->session, s->t->user, k->blob.p, k->blob.left, sign, &self);
		if (rc && rc != LIBSSH2_ERROR_EAGAIN && a->no_signature)
			note(a, str_text(&what), ssh_agent_state(a->agent) == SSH_AGENT_FAILED ? ssh_agent_error(a->agent)->text
												: "the agent refuses to sign with it");
		else
			o = judge(s, rc, str_text(&what), type);
	}
	str_free(&what);
	return o;
}

/* ---- in order ------------------------------------------------------------------------------------------------------ */

static enum outcome stage_files(struct ssh *s)
{
	struct ssh_auth *a = s->auth;
	for (; a->id < a->n_ids && !a->hopeless; a->id++) {
		enum outcome o = try_file(s, &a->ids[a->id]);
		if (o != NEXT)
			return o;
	}
	return NEXT;
}

static enum outcome stage_agent_keys(struct ssh *s)
{
	struct ssh_auth *a = s->auth;
	for (; a->key < a->n_keys && !a->hopeless; a->key++) {
		enum outcome o = try_agent_key(s);
		if (o != NEXT)
			return o;
		a->asked = a->no_signature = false;
	}
	return NEXT;
}

static enum outcome try_keys(struct ssh *s)
{
	struct ssh_auth *a = s->auth;
	for (enum outcome o; !a->hopeless;) {
		switch (a->stage) {
		case FILES:
			o = stage_files(s);
			if (o != NEXT)
				return o;
			a->stage = ASK_AGENT;
			break;
		case ASK_AGENT:
			ask_agent(s);
			break;
		case AGENT_LISTS:
			if (ssh_agent_state(a->agent) == SSH_AGENT_ASKED)
				return WAIT;
			if (ssh_agent_state(a->agent) == SSH_AGENT_FAILED)
				snprintf(a->agent_why, sizeof a->agent_why, "%s", ssh_agent_error(a->agent)->text);
			else
				choose_keys(s);
			a->stage = AGENT_KEYS;
			break;
		case AGENT_KEYS:
			o = stage_agent_keys(s);
			if (o == NEXT)
				note_locked(a);
			return o;
		}
	}
	return NEXT;
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
		s->auth = prepare(s->t);
		s->state = SSH_KEYS;
	}
	enum outcome o = try_keys(s);
	if (o == NEXT)
		return refused(s, err);
	if (o == LET_IN) {
		ssh_auth_free(s->auth);
		s->auth = NULL;
	}
	return o == WAIT;
}
