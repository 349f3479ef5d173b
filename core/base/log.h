/* The program's own log: one line an event, to a file or stderr. For whoever debugs skytop; users get errors and events. */
#ifndef CORE_BASE_LOG_H
#define CORE_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* fd: where lines go (2 by default; -1: nowhere). */
void log_open(int fd, enum log_level level);
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
