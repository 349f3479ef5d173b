/* The log: the one mutable file-scope state besides signal flags and curses. */
#include "core/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/clock.h"

static int log_fd = 2;
static enum log_level log_max = LOG_WARN;

void log_open(int fd, enum log_level level)
{
	log_fd = fd;
	log_max = level;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	if (log_fd < 0 || level > log_max)
		return;
	char buf[2048], at[32];
	int n = snprintf(buf, sizeof buf, "%s %ld %s: ", time_rfc3339(wall_now_ms(), at, sizeof at), (long)getpid(),
	    names[level]);
	va_list ap;
	va_start(ap, fmt);
	int m = vsnprintf(buf + n, sizeof buf - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t len = (size_t)n + (m > 0 ? (size_t)m : 0);
	if (len > sizeof buf - 2)
		len = sizeof buf - 2;
	buf[len++] = '\n';
	ssize_t ignored = write(log_fd, buf, len);
	(void)ignored;
}
