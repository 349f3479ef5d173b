/* libssh2's functions by name: it brings libcrypto, whose start is too dear for programs that never use SSH. */
#include "core/io/ssh_lib.h"

#include "core/base/lazy.h"
#include "core/base/mem.h"

int ssh_lib_open(struct ssh_lib *lib, struct err *err)
{
	static const char *const names[] = {"libssh2.so.1", "libssh2.1.dylib", NULL};
	const struct lazy_symbol symbols[] = {
	    {"libssh2_init", &lib->init},
	    {"libssh2_version", &lib->version},
	    {"libssh2_session_init_ex", &lib->session_init_ex},
	    {"libssh2_session_callback_set", &lib->session_callback_set},
	    {"libssh2_session_set_blocking", &lib->session_set_blocking},
	    {"libssh2_session_method_pref", &lib->session_method_pref},
	    {"libssh2_session_supported_algs", &lib->session_supported_algs},
	    {"libssh2_session_handshake", &lib->session_handshake},
	    {"libssh2_session_hostkey", &lib->session_hostkey},
	    {"libssh2_session_last_error", &lib->session_last_error},
	    {"libssh2_session_last_errno", &lib->session_last_errno},
	    {"libssh2_session_free", &lib->session_free},
	    {"libssh2_userauth_list", &lib->userauth_list},
	    {"libssh2_userauth_authenticated", &lib->userauth_authenticated},
	    {"libssh2_userauth_publickey_fromfile_ex", &lib->userauth_fromfile},
	    {"libssh2_userauth_publickey", &lib->userauth_publickey},
	    {"libssh2_channel_open_ex", &lib->channel_open_ex},
	    {"libssh2_channel_direct_tcpip_ex", &lib->channel_direct_tcpip_ex},
	    {"libssh2_channel_process_startup", &lib->channel_startup},
	    {"libssh2_channel_read_ex", &lib->channel_read_ex},
	    {"libssh2_channel_write_ex", &lib->channel_write_ex},
	    {"libssh2_channel_send_eof", &lib->channel_send_eof},
	    {"libssh2_channel_eof", &lib->channel_eof},
	    {"libssh2_channel_wait_closed", &lib->channel_wait_closed},
	    {"libssh2_channel_free", &lib->channel_free},
	    {"libssh2_channel_get_exit_status", &lib->channel_get_exit_status},
	    {"libssh2_channel_get_exit_signal", &lib->channel_get_exit_signal},
	    {"libssh2_free", &lib->free},
	};
	if (lazy_open(names, symbols, ARRAY_LEN(symbols), err))
		return err_wrap(err, "SSH needs libssh2 (Debian: libssh2-1)");
	lib->channel_signal_ex = NULL;
	lazy_open(names, &(struct lazy_symbol){"libssh2_channel_signal_ex", &lib->channel_signal_ex}, 1, NULL);
	if (lib->init(0))
		return err_set(err, ERR_UNSUPPORTED, "libssh2 %s cannot be initialised", lib->version(0));
	return 0;
}
