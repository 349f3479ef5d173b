/* Pinned host keys. A name has one line. A line that begins with the name but is not whole is never passed over as if the
 * host were new: that would let a damaged disk, or who damaged it, undo the pin. Lines of other names are kept as they are. */
#include "core/io/ssh_known.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *ssh_base64(const void *data, size_t len)
{
	const unsigned char *p = data;
	char *out = xmalloc((len + 2) / 3 * 4 + 1), *o = out;
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned v = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
		*o++ = digits[v >> 18];
		*o++ = digits[v >> 12 & 63];
		*o++ = left > 1 ? digits[v >> 6 & 63] : '=';
		*o++ = left > 2 ? digits[v & 63] : '=';
	}
	*o = '\0';
	return out;
}

struct word {
	const char *p;
	size_t n;
};

static struct word next_word(const char **p, const char *end)
{
	while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r'))
		(*p)++;
	struct word w = {*p, 0};
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r')
		(*p)++;
	w.n = (size_t)(*p - w.p);
	return w;
}

static bool word_is(struct word w, const char *s)
{
	return strlen(s) == w.n && !memcmp(w.p, s, w.n);
}

static bool is_base64(struct word w)
{
	size_t body = w.n;
	while (body && w.n - body < 2 && w.p[body - 1] == '=')
		body--;
	for (size_t i = 0; i < body; i++)
		if (!w.p[i] || !memchr(digits, w.p[i], 64))
			return false;
	return w.n >= 16 && w.n % 4 == 0;
}

static bool is_type(struct word w)
{
	for (size_t i = 0; i < w.n; i++)
		if (w.p[i] <= ' ' || w.p[i] > '~')
			return false;
	return w.n > 0 && w.n < sizeof((struct ssh_pin *)0)->type;
}

enum ssh_known ssh_known_check(
    const char *text, size_t len, const char *name, const char *type, const char *key64, struct ssh_pin *pin)
{
	struct ssh_pin none;
	if (!pin)
		pin = &none;
	*pin = (struct ssh_pin){.line = 0};
	const char *end = text + len;
	for (int line = 1; text < end; line++) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		const char *stop = eol ? eol : end, *p = text;
		text = eol ? eol + 1 : end;
		if (!word_is(next_word(&p, stop), name))
			continue;
		struct word t = next_word(&p, stop), k = next_word(&p, stop);
		pin->line = line;
		if (!is_type(t) || !is_base64(k))
			return SSH_KNOWN_DAMAGED;
		memcpy(pin->type, t.p, t.n);
		pin->type[t.n] = '\0';
		return !key64 || (word_is(t, type) && word_is(k, key64)) ? SSH_KNOWN_SAME : SSH_KNOWN_CHANGED;
	}
	return SSH_KNOWN_NEW;
}

bool ssh_known_find(const char *text, size_t len, const char *name, char type[64], const char **key64, size_t *key64_len)
{
	struct ssh_pin pin;
	if (ssh_known_check(text, len, name, NULL, NULL, &pin) != SSH_KNOWN_SAME)
		return false;
	const char *p = text, *end = text + len;
	for (int line = 1; line < pin.line; line++)
		p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
	const char *eol = memchr(p, '\n', (size_t)(end - p)), *stop = eol ? eol : end;
	next_word(&p, stop);
	next_word(&p, stop);
	struct word k = next_word(&p, stop);
	memcpy(type, pin.type, sizeof pin.type);
	*key64 = k.p;
	*key64_len = k.n;
	return true;
}

char *ssh_known_load(const char *path, size_t *len, struct err *err)
{
	struct err e;
	char *text = fs_read(path, SSH_KNOWN_FILE_MAX, len, &e);
	if (!text && e.code == ERR_NOT_FOUND) {
		*len = 0;
		return xstrdup("");
	}
	if (!text && err)
		*err = e;
	return text;
}

/* Two processes at once are kept apart by a lock; one that holds it for long is not waited for: at worst a key just learned is
 * learned again. -1: there is none, which is no reason to fail. */
static int lock_file(const char *path)
{
	char *lock = xasprintf("%s.lock", path);
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; fd >= 0 && i < 20 && flock(fd, LOCK_EX | LOCK_NB); i++)
		usleep(1000);
	free(lock);
	return fd;
}

static bool word_starts(struct word w, const char *prefix)
{
	size_t n = strlen(prefix);
	return w.n >= n && !memcmp(w.p, prefix, n);
}

/* Without name's lines (whole false: those of all names that begin so), and then `line`. */
static int rewrite(const char *path, const char *old, size_t len, const char *name, bool whole, const char *line, struct err *err)
{
	struct str s = str_new(SSH_KNOWN_FILE_MAX);
	for (const char *p = old, *end = old + len; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p)), *next = eol ? eol + 1 : end, *q = p;
		struct word w = next_word(&q, eol ? eol : end);
		if (whole ? !word_is(w, name) : !word_starts(w, name)) {
			str_addn(&s, p, (size_t)(next - p));
			if (!eol)
				str_addc(&s, '\n');
		}
		p = next;
	}
	str_add(&s, line);
	int rc = s.full ? err_set(err, ERR_INVALID, "%s is full", path) : fs_write(path, str_text(&s), s.len, 0600, err);
	str_free(&s);
	return rc;
}

/* Not synced to the disk: a hundred hosts that are met for the first time at once would hold up the loop for as many syncs, and what
 * a crash of the machine takes is learned again. */
static int append(const char *path, bool ended, const char *line, struct err *err)
{
	char *text = xasprintf("%s%s", ended ? "" : "\n", line);
	size_t len = strlen(text);
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int rc = fd < 0 || write(fd, text, len) != (ssize_t)len ? err_errno(err, "cannot write %s", path) : 0;
	if (fd >= 0)
		close(fd);
	free(text);
	return rc;
}

int ssh_known_add(const char *path, const char *name, const char *type, const char *key64, struct err *err)
{
	char *dir = xstrndup(path, (size_t)(path_base(path) - path)), *line = xasprintf("%s %s %s\n", name, type, key64);
	int rc = dir[0] ? fs_mkdirs(dir, err) : 0, fd = rc ? -1 : lock_file(path);
	size_t len;
	char *old = rc ? NULL : ssh_known_load(path, &len, err);
	if (!old)
		rc = -1;
	else if (len + strlen(line) < SSH_KNOWN_FILE_MAX && ssh_known_check(old, len, name, NULL, NULL, NULL) == SSH_KNOWN_NEW)
		rc = append(path, !len || old[len - 1] == '\n', line, err);
	else
		rc = rewrite(path, old, len, name, true, line, err);
	if (fd >= 0)
		close(fd);
	free(old);
	free(line);
	free(dir);
	return rc;
}

static bool any_starts(const char *text, size_t len, const char *prefix)
{
	for (const char *p = text, *end = text + len; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p)), *q = p;
		if (word_starts(next_word(&q, eol ? eol : end), prefix))
			return true;
		p = eol ? eol + 1 : end;
	}
	return false;
}

static int forget(const char *path, const char *name, bool whole, struct err *err)
{
	char *own = path ? NULL : home_path(HOME_DATA, "known_hosts");
	path = path ? path : own;
	size_t len;
	int fd = fs_exists(path) ? lock_file(path) : -1;
	char *old = ssh_known_load(path, &len, err);
	int rc = old ? 0 : -1;
	if (old && (whole ? ssh_known_check(old, len, name, NULL, NULL, NULL) != SSH_KNOWN_NEW : any_starts(old, len, name)))
		rc = rewrite(path, old, len, name, whole, "", err);
	if (fd >= 0)
		close(fd);
	free(old);
	free(own);
	return rc;
}

int ssh_known_forget(const char *path, const char *name, struct err *err)
{
	return forget(path, name, true, err);
}

int ssh_known_forget_all(const char *path, const char *prefix, struct err *err)
{
	return forget(path, prefix, false, err);
}
