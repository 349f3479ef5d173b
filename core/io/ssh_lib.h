/* The part of libssh2 that is used, opened when first used. Private to core/io/ssh*. */
#ifndef CORE_IO_SSH_LIB_H
#define CORE_IO_SSH_LIB_H
#include <libssh2.h>

#include "core/base/err.h"

struct ssh_lib {
	int (*init)(int);
	const char *(*version)(int);
	LIBSSH2_SESSION *(*session_init_ex)(LIBSSH2_ALLOC_FUNC((*)), LIBSSH2_FREE_FUNC((*)), LIBSSH2_REALLOC_FUNC((*)), void *);
	void *(*session_callback_set)(LIBSSH2_SESSION *, int, void *);
	void (*session_set_blocking)(LIBSSH2_SESSION *, int);
	int (*session_method_pref)(LIBSSH2_SESSION *, int, const char *);
	int (*session_supported_algs)(LIBSSH2_SESSION *, int, const char ***);
	int (*session_handshake)(LIBSSH2_SESSION *, libssh2_socket_t);
	const char *(*session_hostkey)(LIBSSH2_SESSION *, size_t *, int *);
	int (*session_last_error)(LIBSSH2_SESSION *, char **, int *, int);
	int (*session_last_errno)(LIBSSH2_SESSION *);
	int (*session_free)(LIBSSH2_SESSION *);
	char *(*userauth_list)(LIBSSH2_SESSION *, const char *, unsigned int);
	int (*userauth_authenticated)(LIBSSH2_SESSION *);
	int (*userauth_fromfile)(LIBSSH2_SESSION *, const char *, unsigned int, const char *, const char *, const char *);
	int (*userauth_publickey)(LIBSSH2_SESSION *, const char *, const unsigned char *, size_t,
	    LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC((*)), void **);
	LIBSSH2_CHANNEL *(*channel_open_ex)(
	    LIBSSH2_SESSION *, const char *, unsigned int, unsigned int, unsigned int, const char *, unsigned int);
	LIBSSH2_CHANNEL *(*channel_direct_tcpip_ex)(LIBSSH2_SESSION *, const char *, int, const char *, int);
	int (*channel_startup)(LIBSSH2_CHANNEL *, const char *, unsigned int, const char *, unsigned int);
	ssize_t (*channel_read_ex)(LIBSSH2_CHANNEL *, int, char *, size_t);
	ssize_t (*channel_write_ex)(LIBSSH2_CHANNEL *, int, const char *, size_t);
	int (*channel_send_eof)(LIBSSH2_CHANNEL *);
	int (*channel_eof)(LIBSSH2_CHANNEL *);
	int (*channel_wait_closed)(LIBSSH2_CHANNEL *);
	int (*channel_free)(LIBSSH2_CHANNEL *);
	int (*channel_get_exit_status)(LIBSSH2_CHANNEL *);
	int (*channel_get_exit_signal)(LIBSSH2_CHANNEL *, char **, size_t *, char **, size_t *, char **, size_t *);
	void (*free)(LIBSSH2_SESSION *, void *);
	int (*channel_signal_ex)(LIBSSH2_CHANNEL *, const char *, size_t); /* from 1.11 on; else NULL */
};

/* Fill *lib and initialise the library. May be called again. */
int ssh_lib_open(struct ssh_lib *lib, struct err *err);

#endif
