/* A crash handler does only what POSIX allows within a signal handler: write, tcsetattr, sigaction, raise. What was there
 * before it (a sanitizer's handler) is put back and runs next, on the instruction that failed. It has a stack of its own,
 * since the crash may be one of the stack. State is at file scope because a handler has nothing else. */
#include "tui/term/crash.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
enum { N_SIGNALS = sizeof signals / sizeof *signals };

static struct sigaction before[N_SIGNALS];
static struct termios saved_modes;
static volatile sig_atomic_t guarded_fd = -1;
static char stack[64 << 10];

/* End of synchronized output, mouse, paste, application keys; scroll region, charset, colours, cursor, main screen, title. */
static const char restore[] = "\033[?2026l\033[?1006l\033[?1002l\033[?2004l\033[?1004l\033[?1l\033>\033[r\033(B\033[0m\033[?25h"
			      "\033[?1049l\033[23;0t";

static void on_crash(int signo, siginfo_t *info, void *context)
{
	(void)context;
	int fd = guarded_fd;
	guarded_fd = -1;
	if (fd >= 0) {
		ssize_t ignored = write(fd, restore, sizeof restore - 1);
		(void)ignored;
		tcsetattr(fd, TCSANOW, &saved_modes);
	}
	for (int i = 0; i < N_SIGNALS; i++)
		if (signals[i] == signo)
			sigaction(signo, &before[i], NULL);
	/* A fault happens again as soon as we return; what somebody sent has to be sent again. */
	if (info->si_code <= 0)
		raise(signo);
}

void crash_guard(int fd, const struct termios *modes)
{
	saved_modes = *modes;
	guarded_fd = fd;
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
	sigaltstack(&ss, NULL);
	struct sigaction sa = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
	sigemptyset(&sa.sa_mask);
	for (int i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &sa, &before[i]);
}

void crash_unguard(void)
{
	if (guarded_fd < 0)
		return;
	guarded_fd = -1;
	for (int i = 0; i < N_SIGNALS; i++)
		sigaction(signals[i], &before[i], NULL);
}
