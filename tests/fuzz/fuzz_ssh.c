/* ssh configs, known_hosts, key files and an agent's answers: any text is read to its end; what is found is within its limits, and
 * is found again the same. */
#include <string.h>

#include "core/io/ssh_agent.h"
#include "core/io/ssh_config.h"
#include "core/io/ssh_keyfile.h"
#include "core/io/ssh_known.h"
#include "tests/fuzz/must.h"

static void include(void *arg, const char *pattern, struct ssh_settings *s, const char *alias, int depth)
{
	(void)arg;
	MUST(pattern && depth <= 9);
	ssh_config_read(s, "included", "User x\nHost a*\nPort 7\n", 22, alias, include, NULL, depth, NULL);
}

static bool within(struct ssh_wire part, const uint8_t *data, size_t size)
{
	return part.p >= data && part.p <= data + size && part.left <= (size_t)(data + size - part.p);
}

static void keys(const uint8_t *data, size_t size)
{
	struct ssh_keyfile k;
	ssh_keyfile_read((const char *)data, size, &k);
	MUST(strlen(k.type) < sizeof k.type && !k.blob == !k.blob_len && !(k.blob && !k.type[0]));
	ssh_keyfile_clear(&k);
	struct ssh_agent_key list[4];
	int n = ssh_agent_keys(ssh_wire_of(data, size), list, 4);
	MUST(n >= -1 && n <= 4);
	for (int i = 0; i < n; i++)
		MUST(within(list[i].blob, data, size) && within(list[i].comment, data, size));
	struct ssh_wire algorithm, body, rest;
	if (!ssh_agent_signature(ssh_wire_of(data, size), &algorithm, &body, &rest))
		MUST(within(algorithm, data, size) && within(body, data, size) && within(rest, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct ssh_settings s = {.port = 0};
	int rc = ssh_config_read(&s, "f", text, size, "gpu-1", include, NULL, 0, NULL);
	int again = ssh_config_read(&s, "f", text, size, "gpu-1", include, NULL, 0, NULL);
	MUST(rc == again);
	MUST(s.port >= 0 && s.port <= 65535 && s.n_identity_files >= 0 && s.n_identity_files <= SSH_IDENTITIES_MAX);
	ssh_settings_clear(&s);
	struct ssh_pin pin;
	enum ssh_known k = ssh_known_check(text, size, "h:22", "ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAA", &pin);
	MUST((k == SSH_KNOWN_NEW) == !pin.line);
	MUST((k == SSH_KNOWN_SAME || k == SSH_KNOWN_CHANGED) == !!pin.type[0]);
	MUST(strlen(pin.type) < sizeof pin.type);
	keys(data, size);
	return 0;
}
