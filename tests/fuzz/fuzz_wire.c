/* The engine's wire: bytes that arrive on its socket are calls, notifications and replies, or end the connection; each
 * call that was made of the other side is told its fate once. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/io/rpc.h"
#include "tests/fuzz/must.h"

static int told, closed, calls;

static void on_call(void *arg, struct rpc *r, const json_t *id, const char *method, const json_t *params)
{
	struct err err;
	(void)arg;
	(void)params;
	MUST(method);
	calls++;
	if (!id)
		return;
	if (calls % 2) {
		rpc_answer(r, id, json_string("fine"));
	} else {
		err_set(&err, ERR_NOT_FOUND, "no %s here", method);
		rpc_refuse(r, id, &err);
	}
}

static void on_closed(void *arg, struct rpc *r)
{
	(void)arg;
	(void)r;
	closed++;
}

static void on_reply(void *arg, const json_t *result, const struct err *err)
{
	(void)arg;
	MUST(!result != !err);
	told++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fds[2];
	if (size > 60000) /* what a socket takes without anybody reading */
		return 0;
	told = closed = calls = 0;
	MUST(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	struct loop *loop = loop_create();
	struct rpc *r = rpc_create(loop, fds[0], &(struct rpc_handlers){on_call, on_closed, NULL});
	rpc_call(r, "first", NULL, 0, on_reply, NULL);
	rpc_call(r, "second", json_object(), 0, on_reply, NULL);
	MUST(write(fds[1], data, size) == (ssize_t)size);
	MUST(!shutdown(fds[1], SHUT_WR));
	for (int i = 0; i < 1000 && !closed; i++)
		loop_step(loop, 0);
	MUST(closed == 1);
	MUST(told == 2);
	close(fds[1]);
	loop_destroy(loop);
	return 0;
}
