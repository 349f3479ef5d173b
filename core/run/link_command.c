/* One command of a link: its deadlines, its input, its end. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/mem.h"
#include "core/run/link_priv.h"

void link_unplace(struct link_command *c)
{
	struct conn *k = c->conn;
	if (!k)
		return;
	k->commands--;
	k->streams -= c->spec.stream;
	k->quiet_at_ms = mono_now_ms();
	c->conn = NULL;
}

void link_command_free(struct link_command *c)
{
	struct link_command **p = &c->link->commands;
	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	link_unplace(c);
	loop_cancel(c->link->links->loop, c->deadline);
	loop_cancel(c->link->links->loop, c->patience);
	ssh_channel_kill(c->channel);
	free(c);
}

void link_command_finish(struct link_command *c, enum remote_how how, int status, const struct err *err, bool ran)
{
	struct link_handlers h = c->h;
	struct err copy;
	if (err)
		copy = *err;
	link_command_free(c);
	h.exit(h.arg, &(struct remote_exit){how, status, err ? &copy : NULL}, ran);
}

static void on_deadline(void *arg)
{
	struct link_command *c = arg;
	struct err e;
	char after[24];
	c->deadline = 0;
	duration_text(c->spec.timeout_ms, after, sizeof after);
	if (c->channel)
		err_set(&e, ERR_TIMEOUT, "%s: no end after %s", c->link->name, after);
	else if (c->link->failures)
		err_set(&e, ERR_TIMEOUT, "no connection within %s: %s", after, c->link->last.text);
	else
		err_set(&e, ERR_TIMEOUT, "%s: no connection within %s", c->link->name, after);
	link_command_finish(c, REMOTE_TIMED_OUT, 0, &e, c->channel != NULL);
}

static void on_patience(void *arg)
{
	struct link_command *c = arg;
	struct err e;
	char after[24];
	c->patience = 0;
	duration_text(c->spec.retry_ms, after, sizeof after);
	if (c->link->failures)
		err_set(&e, c->link->last.code, "no connection in %s: %s", after, c->link->last.text);
	else
		err_set(&e, ERR_TIMEOUT, "%s: no connection in %s", c->link->name, after);
	link_command_finish(c, REMOTE_LOST, 0, &e, false);
}

void link_command_wait(struct link_command *c)
{
	struct loop *loop = c->link->links->loop;
	if (c->spec.retry_ms)
		c->patience = loop_after(loop, c->spec.retry_ms, on_patience, c);
	else if (c->spec.timeout_ms)
		c->deadline = loop_after(loop, c->spec.timeout_ms, on_deadline, c);
}

static void give_input(struct link_command *c)
{
	struct link_spec *s = &c->spec;
	if (c->head_sent < s->head_len)
		c->head_sent += ssh_channel_write(c->channel, s->head + c->head_sent, s->head_len - c->head_sent);
	if (c->head_sent < s->head_len)
		return;
	if (c->input_sent < s->input_len)
		c->input_sent += ssh_channel_write(c->channel, s->input + c->input_sent, s->input_len - c->input_sent);
	if (c->input_sent < s->input_len || c->fed || s->stream)
		return;
	int fd = s->fd > 0 ? fcntl(s->fd, F_DUPFD_CLOEXEC, 3) : -1;
	c->fed = true;
	if (fd >= 0)
		ssh_channel_feed(c->channel, fd);
	else
		ssh_channel_eof(c->channel);
}

static void on_out(void *arg, bool is_err, const char *data, size_t len)
{
	struct link_command *c = arg;
	c->h.out(c->h.arg, is_err, data, len);
}

static void on_room(void *arg)
{
	give_input(arg);
}

static int signal_number(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} signals[] = {{"HUP", 1}, {"INT", 2}, {"QUIT", 3}, {"ILL", 4}, {"ABRT", 6}, {"FPE", 8}, {"KILL", 9}, {"SEGV", 11}, {"PIPE", 13},
	    {"ALRM", 14}, {"TERM", 15}};
	for (size_t i = 0; name && i < ARRAY_LEN(signals); i++)
		if (!strcmp(signals[i].name, name))
			return signals[i].number;
	return 0;
}

static void on_exit_status(void *arg, const struct ssh_exit *x)
{
	struct link_command *c = arg;
	c->channel = NULL;
	switch (x->how) {
	case SSH_EXITED:
		link_command_finish(c, REMOTE_EXITED, x->status, NULL, true);
		return;
	case SSH_SIGNALLED:
		link_command_finish(c, REMOTE_SIGNALLED, signal_number(x->signal), NULL, true);
		return;
	case SSH_LOST:
		c->conn->broke = true;
		link_command_finish(c, REMOTE_LOST, 0, x->err, true);
		return;
	}
}

bool link_command_run(struct link_command *c)
{
	const struct ssh_channel_handlers h = {on_out, on_room, on_exit_status, c};
	c->channel = ssh_exec(c->conn->ssh, c->spec.command, &h, NULL);
	if (!c->channel)
		return false;
	struct loop *loop = c->link->links->loop;
	loop_cancel(loop, c->patience);
	c->patience = 0;
	if (!c->deadline && c->spec.timeout_ms)
		c->deadline = loop_after(loop, c->spec.timeout_ms, on_deadline, c);
	ssh_channel_pause(c->channel, c->paused);
	c->fd_at = c->spec.fd > 0 ? lseek(c->spec.fd, 0, SEEK_CUR) : -1;
	give_input(c);
	link_look_out(c->link);
	return true;
}
