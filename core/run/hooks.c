/* One script out of many hooks: see hooks.h. Each is a command line for bash where there is one, as setup and run are. */
#include "core/run/hooks.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/json.h"

enum { TIMEOUT_DEFAULT_S = 3600, TIMEOUT_MAX_S = 7 * 86400 };

const char *const hooks_at_autostop[] = {"stop", "down", NULL}, *const hooks_at_preemption[] = {"preemption", NULL};

static bool has(const json_t *list, const char *word)
{
	size_t i;
	json_t *v;
	json_array_foreach(list, i, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), word))
			return true;
	return false;
}

/* The words of a case pattern: "stop|down". False: none of them is the hook's. No list of events means all. */
static bool put_events(struct str *out, const json_t *hook, const char *const *events)
{
	const json_t *own = json_arr(hook, "events");
	size_t before = out->len;
	for (; *events; events++)
		if (!own || has(own, *events))
			str_addf(out, "%s%s", out->len > before ? "|" : "", *events);
	return out->len > before;
}

bool hooks_script(struct str *out, const json_t *config, const char *const *events, int64_t *timeout_s)
{
	size_t i;
	json_t *hook;
	int64_t sum = 0;
	bool any = false;
	json_array_foreach(json_arr(config, "hooks"), i, hook) {
		struct str pattern = str_new(200);
		const char *run = json_str(hook, "run", NULL);
		int64_t timeout = json_int(hook, "timeout", TIMEOUT_DEFAULT_S);
		if (timeout < 1 || timeout > TIMEOUT_MAX_S)
			timeout = TIMEOUT_DEFAULT_S;
		if (run && put_events(&pattern, hook, events)) {
			if (!any)
				str_addf(out,
				    "rc=0\n"
				    "event=${SKYTOP_HOOK_EVENT:-%s}\n"
				    "shell=sh\n"
				    "command -v bash >/dev/null 2>&1 && shell=bash\n"
				    "within() { if command -v timeout >/dev/null 2>&1; then timeout \"$@\"; else shift && \"$@\"; fi; }\n", events[0]);
			str_addf(out, "case $event in %s)\n  within %" PRId64 " \"$shell\" -c ", str_text(&pattern), timeout);
			shell_quote(out, run);
			str_add(out, " </dev/null || rc=$?\n  ;;\nesac\n");
			sum += timeout;
			any = true;
		}
		str_free(&pattern);
	}
	if (any)
		str_add(out, "exit $rc\n");
	if (any && timeout_s)
		*timeout_s = sum < TIMEOUT_MAX_S ? sum : TIMEOUT_MAX_S;
	return any;
}
