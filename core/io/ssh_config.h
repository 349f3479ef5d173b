/* Who to connect to: a target, made by hand or from an alias in ~/.ssh/config. */
#ifndef CORE_IO_SSH_CONFIG_H
#define CORE_IO_SSH_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

enum { SSH_IDENTITIES_MAX = 8, SSH_JUMPS_MAX = 4, SSH_CONFIG_MAX = 1 << 20 };

/* All strings and the jump are owned by the target; ssh_target_free frees them. 0 and NULL mean the default. */
struct ssh_target {
	char *host;		/* name or address */
	int port;		/* 22 */
	char *user;		/* who we are here */
	char *identity_files[SSH_IDENTITIES_MAX]; /* none: ~/.ssh/id_ed25519, id_ecdsa, id_rsa as far as they are there */
	bool no_agent;		/* IdentitiesOnly: of the agent's keys only those that identity_files name */
	char *agent;		/* the ssh-agent's socket, "none" for no agent; $SSH_AUTH_SOCK */
	struct ssh_target *jump; /* connect through this host */
	char *known_hosts_path;	/* known_hosts in the data folder */
	char *pin;		/* the name its key is kept under (HostKeyAlias); "host:port". For addresses that are given to one machine after another */
	int64_t connect_timeout_ms; /* of each phase: find and reach, handshake, authentication; 20 s */
	int64_t idle_timeout_ms;    /* not one byte for so long, though we asked: lost; 45 s. A connection that is to outlive a partition needs
				     * twice its length: TCP waits as long again before it tries anew, so making it again is quicker */
};

struct ssh_target *ssh_target_copy(const struct ssh_target *t);
void ssh_target_free(struct ssh_target *t); /* NULL is fine */
/* Put the defaults where nothing is said (the jump hosts are left as they are). */
void ssh_target_complete(struct ssh_target *t);

/* What a config says about one host. Zero-initialised is a valid start; what is set already is kept (first one wins). */
struct ssh_settings {
	char *hostname, *user, *proxy_jump, *proxy_command, *agent, *host_key_alias;
	char *proxy_at; /* where the ProxyCommand stands: "FILE:LINE" */
	int port;
	char *identity_files[SSH_IDENTITIES_MAX];
	int n_identity_files, identities_only; /* 0: not said, 1: yes, -1: no */
};
void ssh_settings_clear(struct ssh_settings *s);

/* Called at an Include line: give each file's text to ssh_config_read with the same settings and depth + 1. */
typedef void ssh_include_fn(void *arg, const char *pattern, struct ssh_settings *s, const char *alias, int depth);

/* Take from a config's text what holds for alias: Host patterns (* ? !), HostName, User, Port, IdentityFile, IdentitiesOnly,
 * IdentityAgent, ProxyJump, ProxyCommand, HostKeyAlias, Include. Other keywords and Match blocks but `Match all` are passed over. Pure. `name` is for messages.
 * -1 (INVALID with name and line): a value that cannot be. */
int ssh_config_read(struct ssh_settings *s, const char *name, const char *text, size_t len, const char *alias,
    ssh_include_fn *include, void *arg, int depth, struct err *err);

/* The target of "[user@]host[:port]" after ~/.ssh/config (config_path NULL) was asked. NULL: a wrong config, a wrong text, jumps
 * that go in a circle, or a ProxyCommand (UNSUPPORTED) other than `ssh -W %h:%p HOST`, which is a jump. Reads files. */
struct ssh_target *ssh_target_of_config(const char *config_path, const char *text, struct err *err);

#endif
