/* A node of this machine is a folder and the processes that run "on" it; when it is stopped or deleted they have to be
 * gone, whatever they did in the meantime: forked, changed session, shed their parents. What they cannot easily shed is
 * their environment, and there stands which node they belong to. So all of /proc is looked at; marked processes, their
 * descendants, and members of sessions that they lead are the node's. Who was once seen as the node's stays so (pid and
 * start time), so that a process that cleared its environment does not get away when its parent is ended first. What
 * gets away: who cleared its environment, left its session and parent, and works elsewhere; containers and other users'
 * processes.
 *
 * Between the old and the new program of an exec a process has no environment for a moment; such processes are looked
 * at again. And "none is left" counts only when two looks in a row say so: one might pass by a child just when it is
 * forked.
 *
 * While killing, processes are stopped (SIGSTOP) until a look around finds no new one, and only then killed: what is
 * stopped cannot fork, so that a fork bomb loses. */
#include "providers/common/sweep.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/fs.h"
#include "core/base/mem.h"
#include "core/base/num.h"
#include "core/base/str.h"

enum { ENVIRON_MAX = 4 << 20, KILL_MS = 10000, POLL_MS = 5, POLL_MAX_MS = 100, STOP_ROUNDS = 100, LOOKS = 300 };

struct process {
	pid_t pid, ppid, session;
	unsigned long long started; /* in ticks since boot: with pid it names one process for good */
	int terminal;		    /* 0: none */
	bool in_exec;		    /* its environment cannot be seen just now (or never: then it is another user's) */
	bool zombie, ours;
};

struct sweep {
	const struct sweep_mark *marks;
	size_t n_marks;
	struct process *all; /* of the last look around */
	size_t n, cap;
	struct process *known; /* every process that was ever found to be the node's */
	size_t n_known, cap_known;
	struct str text;
};

static bool read_proc(struct sweep *s, pid_t pid, const char *name)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	str_clear(&s->text);
	char buf[8192];
	ssize_t n;
	while ((n = read(fd, buf, sizeof buf)) > 0 && !s->text.full)
		str_addn(&s->text, buf, (size_t)n);
	close(fd);
	return n >= 0;
}

/* Fields of /proc/PID/stat that are looked at, by their numbers in proc(5). */
enum {
	STAT_PPID = 4,
	STAT_SESSION = 6,
	STAT_TERMINAL = 7,
	STAT_FLAGS = 9,
	STAT_STARTED = 22,
	STAT_ENV_END = 51,
	STAT_FIELDS = 53
};
enum { FLAG_EXITING = 0x4, FLAG_KERNEL_THREAD = 0x200000 };

/* "pid (name) state ppid pgrp session …": the name may hold anything, so the fields are counted from its last ')'. */
static bool read_stat(struct sweep *s, struct process *p)
{
	unsigned long long f[STAT_FIELDS] = {0};
	const char *at = read_proc(s, p->pid, "stat") ? strrchr(str_text(&s->text), ')') : NULL;
	if (!at || strlen(at) < 5)
		return false;
	char state = at[2], *end;
	int n = STAT_PPID;
	for (at += 3; n < STAT_FIELDS; n++, at = end) {
		f[n] = strtoull(at, &end, 10); /* negative ones wrap, and are cast back */
		if (end == at)
			break;
	}
	if (n <= STAT_STARTED)
		return false;
	p->ppid = (pid_t)f[STAT_PPID];
	p->session = (pid_t)f[STAT_SESSION];
	p->terminal = (int)f[STAT_TERMINAL];
	p->started = f[STAT_STARTED];
	p->zombie = state == 'Z' || state == 'X';
	p->in_exec = n > STAT_ENV_END && !f[STAT_ENV_END] && !p->zombie &&
		     !(f[STAT_FLAGS] & (FLAG_EXITING | FLAG_KERNEL_THREAD));
	return true;
}

/* The value of a variable in an environment block, or NULL. */
static const char *env_value(const struct str *block, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0; i < block->len; i += strlen(block->data + i) + 1)
		if (!strncmp(block->data + i, name, len) && block->data[i + len] == '=')
			return block->data + i + len + 1;
	return NULL;
}

static bool carries_mark(struct sweep *s, pid_t pid)
{
	if (!read_proc(s, pid, "environ"))
		return false;
	const char *node = env_value(&s->text, SWEEP_NODE_ID);
	const char *boot = env_value(&s->text, SWEEP_BOOT_ID);
	for (size_t i = 0; node && i < s->n_marks; i++) {
		const struct sweep_mark *m = &s->marks[i];
		if (!strcmp(node, m->node_id) && (!m->boot_id || !boot || !strcmp(boot, m->boot_id)))
			return true;
	}
	return false;
}

/* Works in a home that is about to go, cleared of its mark, and no person sits before it. */
static bool works_in_home(const struct sweep *s, const struct process *p)
{
	char path[64], cwd[4096];
	if (p->terminal)
		return false;
	snprintf(path, sizeof path, "/proc/%ld/cwd", (long)p->pid);
	ssize_t len = readlink(path, cwd, sizeof cwd - 1);
	cwd[len > 0 ? len : 0] = '\0';
	for (size_t i = 0; len > 0 && i < s->n_marks; i++) {
		size_t n = strlen(s->marks[i].home);
		if (s->marks[i].by_cwd && !strncmp(cwd, s->marks[i].home, n) && (!cwd[n] || cwd[n] == '/'))
			return true;
	}
	return false;
}

static struct process *find(struct process *list, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].pid == pid)
			return &list[i];
	return NULL;
}

static bool was_ours(const struct sweep *s, const struct process *p)
{
	for (size_t i = 0; i < s->n_known; i++)
		if (s->known[i].pid == p->pid && s->known[i].started == p->started)
			return true;
	return false;
}

static void list_processes(struct sweep *s)
{
	s->n = 0;
	DIR *d = opendir("/proc");
	for (struct dirent *e; d && (e = readdir(d));) {
		int64_t pid;
		if (!isdigit((unsigned char)e->d_name[0]) || !num_int(e->d_name, 2, INT32_MAX, &pid))
			continue;
		struct process p = {.pid = (pid_t)pid};
		if (!read_stat(s, &p))
			continue;
		p.ours = !p.zombie && (was_ours(s, &p) || carries_mark(s, p.pid) || works_in_home(s, &p));
		ARRAY_GROW(s->all, s->n, s->cap);
		s->all[s->n++] = p;
	}
	if (d)
		closedir(d);
}

/* Children of ours are ours, and so are the members of a session that one of ours leads. */
static void spread(struct sweep *s)
{
	for (bool again = true; again;) {
		again = false;
		for (size_t i = 0; i < s->n; i++) {
			struct process *p = &s->all[i];
			if (p->ours || p->zombie)
				continue;
			const struct process *parent = find(s->all, s->n, p->ppid);
			const struct process *leader = find(s->all, s->n, p->session);
			p->ours = (parent && parent->ours) || (leader && leader->ours);
			again |= p->ours;
		}
	}
}

/* This process and those it descends from look after nodes; they are not of any. */
static void spare_ourselves(struct sweep *s)
{
	pid_t pid = getpid();
	for (int depth = 0; pid > 1 && depth < 1000; depth++) {
		struct process *p = find(s->all, s->n, pid);
		if (!p)
			return;
		p->ours = false;
		p->zombie = true; /* so that spread() passes it over */
		pid = p->ppid;
	}
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L}, NULL);
}

/* A look reads all of /proc: who takes his time to end is looked at less and less often, and noticed a tenth of that time late at most. */
static int next_look_ms(int64_t waited_ms)
{
	int64_t ms = waited_ms / 10;
	return ms < POLL_MS ? POLL_MS : ms > POLL_MAX_MS ? POLL_MAX_MS : (int)ms;
}

static bool is_our_users(pid_t pid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%ld", (long)pid);
	return !stat(path, &st) && st.st_uid == geteuid();
}

/* Is one of those that we may look at just in exec? It takes a fraction of a millisecond, on a busy machine more. */
static bool some_in_exec(const struct sweep *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].in_exec && !s->all[i].ours && is_our_users(s->all[i].pid))
			return true;
	return false;
}

static size_t count_ours(struct sweep *s, size_t *fresh)
{
	size_t alive = 0;
	*fresh = 0;
	for (size_t i = 0; i < s->n; i++) {
		if (!s->all[i].ours)
			continue;
		alive++;
		if (was_ours(s, &s->all[i]))
			continue;
		++*fresh;
		ARRAY_GROW(s->known, s->n_known, s->cap_known);
		s->known[s->n_known++] = s->all[i];
	}
	return alive;
}

/* One look around. Returns how many are alive; *fresh how many of them were not known before. */
static size_t look(struct sweep *s, size_t *fresh)
{
	size_t alive = 0;
	for (int i = 0, clean = 0; !alive && clean < 2 && i < LOOKS; i++) {
		if (i)
			pause_ms(1);
		list_processes(s);
		spare_ourselves(s);
		spread(s);
		alive = count_ours(s, fresh);
		clean = some_in_exec(s) ? 0 : clean + 1;
	}
	return alive;
}

static void signal_all(const struct sweep *s, int signo)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].ours)
			kill(s->all[i].pid, signo);
}

static void freeze(struct sweep *s)
{
	size_t fresh = 1;
	for (int i = 0; fresh && i < STOP_ROUNDS; i++) {
		signal_all(s, SIGSTOP);
		look(s, &fresh);
	}
}

static int complain(const struct sweep *s, struct err *err)
{
	struct str who = str_new(200);
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].ours)
			str_addf(&who, " %ld", (long)s->all[i].pid);
	err_set(err, ERR_TIMEOUT, "processes of node %s do not end, not even by SIGKILL:%s; look at them with ps",
	    s->marks[0].node_id, str_text(&who));
	str_free(&who);
	return -1;
}

static int sweep_proc(struct sweep *s, int64_t grace_ms, struct err *err)
{
	size_t fresh;
	if (!look(s, &fresh))
		return 0;
	int64_t start = mono_now_ms();
	if (grace_ms > 0)
		signal_all(s, SIGTERM);
	while (grace_ms > 0 && mono_now_ms() - start < grace_ms) {
		pause_ms(next_look_ms(mono_now_ms() - start));
		if (!look(s, &fresh))
			return 0;
		if (fresh)
			signal_all(s, SIGTERM);
	}
	start = mono_now_ms();
	do {
		freeze(s);
		signal_all(s, SIGKILL);
		pause_ms(next_look_ms(mono_now_ms() - start));
		if (!look(s, &fresh))
			return 0;
	} while (mono_now_ms() - start < KILL_MS);
	return complain(s, err);
}

/* Without /proc: the agent notes in files "pid.…" below "<home>/.skytop" whom it started, each the leader of a group of
 * its own: "pid:…". */
static void kill_noted(const char *dir, int depth, int signo)
{
	DIR *d = depth < 4 ? opendir(dir) : NULL;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		char *path = path_join(dir, e->d_name);
		size_t len;
		int64_t pid;
		char *text = str_starts(e->d_name, "pid.") ? fs_read(path, 200, &len, NULL) : NULL;
		if (text)
			text[strcspn(text, ": \n")] = '\0';
		if (text && num_int(text, 2, INT32_MAX, &pid))
			kill(-(pid_t)pid, signo);
		free(text);
		kill_noted(path, depth + 1, signo);
		free(path);
	}
	if (d)
		closedir(d);
}

static void sweep_noted(const struct sweep_mark *marks, size_t n, int64_t grace_ms)
{
	for (int round = grace_ms > 0 ? 0 : 1; round < 2; round++) {
		for (size_t i = 0; i < n; i++) {
			char *dir = path_join(marks[i].home, ".skytop");
			kill_noted(dir, 0, round ? SIGKILL : SIGTERM);
			free(dir);
		}
		if (!round)
			pause_ms((int)grace_ms);
	}
}

static void release(struct sweep *s)
{
	free(s->all);
	free(s->known);
	str_free(&s->text);
}

int sweep_processes(const struct sweep_mark *marks, size_t n, int64_t grace_ms, struct err *err)
{
	if (!n)
		return 0;
	if (!fs_exists("/proc/self/environ")) {
		sweep_noted(marks, n, grace_ms);
		return 0;
	}
	struct sweep s = {.marks = marks, .n_marks = n, .text = str_new(ENVIRON_MAX)};
	int rc = sweep_proc(&s, grace_ms, err);
	release(&s);
	return rc;
}

size_t sweep_count(const struct sweep_mark *marks, size_t n)
{
	struct sweep s = {.marks = marks, .n_marks = n, .text = str_new(ENVIRON_MAX)};
	size_t fresh, alive = n ? look(&s, &fresh) : 0;
	release(&s);
	return alive;
}
