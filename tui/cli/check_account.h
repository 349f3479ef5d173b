/* What a cloud says of one's account there, as `skytop check` shows it. */
#ifndef TUI_CLI_CHECK_ACCOUNT_H
#define TUI_CLI_CHECK_ACCOUNT_H
#include <jansson.h>

#include "tui/cli/cli.h"

/* Ask these clouds (CHECK). accounts[i]: the answer, or {"enabled": false, "identity": null, "reason", "code"} when there is none. New references. Blocks. */
void accounts_ask(struct cli *c, const struct provider *const *which, size_t n, json_t **accounts);
/* "ada@example.org, project x; 2 permissions are missing": one line. Returns buf. */
const char *account_line(const json_t *account, char *buf, size_t size);
/* Who one is, permissions (those that are there only with all), quotas (that are not used up or 0 only with all), and what to do. */
void account_print(struct cli *c, const char *title, const json_t *account, bool all);

#endif
