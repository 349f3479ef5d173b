/* The child holds none of our descriptors, so that a lock or a socket is never kept by one that hangs; and nobody waits for its end: what sits in
 * the kernel for a disk cannot even be killed before that answers. */
#include "core/io/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/proc.h"

enum { WHY_MAX = 1000, HEAD = sizeof(int64_t) };

struct reading {
	struct loop *loop;
	struct reading_file *files;
	size_t n, done, max; /* done: answered so far */
	pid_t pid; /* 0: it has ended */
	int fd;
	unsigned timer;
	struct str got; /* of the one that is coming: how long it is (negative: why not), and its bytes */
	int64_t timeout_ms;
	reading_fn *fn;
	void *arg;
};

/* ---- the child's side -------------------------------------------------------------------------------------------- */

static int put(int fd, const void *data, size_t len)
{
	for (const char *p = data; len;) {
		ssize_t n = write(fd, p, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

static void child(const struct reading_spec *spec, int out)
{
	enum { PIPE = 3 };
	int rc = 0;
	proc_child_alone(out, PIPE);
	for (size_t i = 0; i < spec->n && !rc; i++) {
		struct err err = {.code = ERR_NONE};
		size_t len = 0;
		char *text = (spec->read ? spec->read : fs_read)(spec->paths[i], spec->max, &len, &err);
		int64_t head = text ? (int64_t)len : -(int64_t)strlen(err.text);
		rc = put(PIPE, &head, sizeof head) || put(PIPE, text ? text : err.text, text ? len : strlen(err.text));
	}
	_exit(rc != 0);
}

/* ---- ours -------------------------------------------------------------------------------------------------------- */

static void wipe(void *data, size_t len)
{
	if (data)
		memset(data, 0, len);
}

static void on_child(pid_t pid, int status, void *arg)
{
	(void)pid;
	(void)status;
	((struct reading *)arg)->pid = 0;
}

/* Nobody asks any more; the loop reaps it whenever it ends. */
static void on_orphan(pid_t pid, int status, void *arg)
{
	(void)pid;
	(void)status;
	(void)arg;
}

static void let_go(struct reading *r)
{
	if (!r->pid)
		return;
	kill(r->pid, SIGKILL);
	loop_child_cancel(r->loop, r->pid);
	loop_child(r->loop, r->pid, on_orphan, NULL);
}

void reading_cancel(struct reading *r)
{
	if (!r)
		return;
	loop_cancel(r->loop, r->timer);
	loop_watch(r->loop, r->fd, 0, NULL, NULL);
	close(r->fd);
	let_go(r);
	for (size_t i = 0; i < r->n; i++) {
		wipe(r->files[i].text, r->files[i].len);
		free((char *)(uintptr_t)r->files[i].path);
		free(r->files[i].text);
		free(r->files[i].why);
	}
	wipe(r->got.data, r->got.len);
	str_free(&r->got);
	free(r->files);
	free(r);
}

static void over(struct reading *r, const char *why)
{
	for (size_t i = r->done; i < r->n; i++)
		r->files[i].why = xasprintf("cannot read %s: %s", r->files[i].path, why);
	r->fn(r->arg, r->files, r->n);
	reading_cancel(r);
}

static void on_timeout(void *arg)
{
	struct reading *r = arg;
	char why[80];
	r->timer = 0;
	snprintf(why, sizeof why, "its disk does not answer, after %lld s", (long long)(r->timeout_ms / 1000));
	over(r, why);
}

/* Takes the file that is whole; false: more of it must come. */
static bool take(struct reading *r)
{
	int64_t head;
	if (r->done == r->n || r->got.len < HEAD)
		return false;
	memcpy(&head, r->got.data, sizeof head);
	size_t len = (size_t)(head < 0 ? -head : head);
	if (r->got.len - HEAD < len)
		return false;
	struct reading_file *f = &r->files[r->done++];
	char *text = xmalloc(len + 1);
	memcpy(text, r->got.data + HEAD, len);
	text[len] = '\0';
	if (head < 0)
		f->why = text;
	else
		f->text = text, f->len = len;
	wipe(r->got.data, HEAD + len);
	str_shift(&r->got, HEAD + len);
	return true;
}

static void on_readable(int fd, int events, void *arg)
{
	(void)events;
	struct reading *r = arg;
	char buf[16384];
	ssize_t n = read(fd, buf, sizeof buf);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		str_addn(&r->got, buf, (size_t)n);
	wipe(buf, n > 0 ? (size_t)n : 0);
	while (take(r))
		;
	if (r->done == r->n)
		over(r, "");
	else if (n <= 0 || r->got.full)
		over(r, "the child that read it broke off");
}

struct reading *reading_start(struct loop *l, const struct reading_spec *spec, reading_fn *fn, void *arg, struct err *err)
{
	int fds[2];
	if (pipe(fds)) {
		err_errno(err, "cannot read files");
		return NULL;
	}
	pid_t pid = fork();
	if (!pid)
		child(spec, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		err_errno(err, "cannot read files");
		close(fds[0]);
		return NULL;
	}
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	struct reading *r = xcalloc(1, sizeof *r);
	*r = (struct reading){.loop = l, .files = xcalloc(spec->n + 1, sizeof *r->files), .n = spec->n, .max = spec->max, .pid = pid, .fd = fds[0],
	    .got = str_new(spec->max + HEAD + WHY_MAX + 2 * 16384), .timeout_ms = spec->timeout_ms, .fn = fn, .arg = arg};
	for (size_t i = 0; i < spec->n; i++)
		r->files[i].path = xstrdup(spec->paths[i]);
	loop_watch(l, r->fd, LOOP_IN, on_readable, r);
	loop_child(l, pid, on_child, r);
	r->timer = loop_after(l, spec->timeout_ms, on_timeout, r);
	return r;
}
