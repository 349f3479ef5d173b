/* See ask.h: a loop, a context for calls, and all calls side by side. */
#include "core/api/ask.h"

#include <stdlib.h>

#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/io/loop.h"
#include "core/run/call.h"
#include "core/run/user.h"

struct one {
	struct loop *loop;
	size_t *open;
	struct call *call;
	json_t **result;
	struct err *err;
};

static void on_answer(void *arg, const json_t *result, const struct err *err)
{
	struct one *o = arg;
	o->call = NULL;
	if (err)
		*o->err = *err;
	else
		*o->result = json_deep_copy(result);
	if (--*o->open == 0)
		loop_stop(o->loop);
}

static void on_deadline(void *arg)
{
	loop_stop(arg);
}

void ask_check(const struct ask *a, const struct provider *const *which, size_t n, json_t **results, struct err *errs)
{
	char *state = home_path(HOME_STATE, ""), *user = user_hash();
	struct loop *loop = loop_create();
	struct call_context calls = {.loop = loop, .self = a->self, .state_dir = state, .config = a->provider_config, .user = user};
	struct one *v = xcalloc(n + 1, sizeof *v);
	size_t open = n;
	for (size_t i = 0; i < n; i++) {
		results[i] = NULL;
		v[i] = (struct one){loop, &open, NULL, &results[i], &errs[i]};
		v[i].call = call_start(&calls, which[i], PROVIDER_CHECK, json_object(), on_answer, &v[i]);
	}
	loop_after(loop, a->deadline_ms, on_deadline, loop);
	if (n)
		loop_run(loop);
	for (size_t i = 0; i < n; i++)
		if (v[i].call)
			err_set(&errs[i], ERR_TIMEOUT, "%s did not answer within %d s", which[i]->title, (int)(a->deadline_ms / 1000));
	call_context_clear(&calls);
	loop_destroy(loop);
	free(v);
	free(state);
	free(user);
}
