#!/usr/bin/env python3
"""A cluster of many nodes over SSH, all of them on this machine: from `launch` to the first line of the job's log, and what the engine takes
for it: with an engine that was just started, and with one that has its connections. NODES says how many (100). Beside it: what a bare `ssh true` to each of them takes, sixteen at a time.

As the nodes are processes of this machine, what counts is the CPU time of it all: engine, sshd, agents and jobs together, told in all and by
step. On a machine that is shared the wall time says more about the others. It comes from a control group of the bench's own, so for root only;
elsewhere it is unknown. Each node's home is a disk of its own, in memory: a hundred nodes that make files on the one disk of this machine would mostly wait for its
allocator. SHARES=10240 gives the group more of a busy machine than the others get (1024)."""
import os, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
TOP = os.environ.get('top_srcdir', '.')
sys.path[:0] = [TOP + '/tests/ssh', TOP + '/tests/run']
from bed import Bed  # noqa
from farm import can_isolate  # noqa

N = int(os.environ.get('NODES', '100'))


def row(what, value, unit, bar='-'):
    print('%s\t%s\t%s\t%s' % (what, value, unit, bar), flush=True)


class Group:
    """The control group that this process and all it starts are in. cpu_s(): what they have used, None where there are none."""

    def __init__(self):
        self.made, self.usage = [], None
        name = 'skytop-bench-%d' % os.getpid()
        for base, usage, shares in (('/sys/fs/cgroup/cpuacct', 'cpuacct.usage', None), ('/sys/fs/cgroup/cpu', None, 'cpu.shares'),
                                    ('/sys/fs/cgroup', 'cpu.stat', 'cpu.weight')):
            if not os.path.exists(base + '/cgroup.procs'):
                continue
            group = base + '/' + name
            try:
                os.mkdir(group)
                self.made.append(group)
                if shares and os.environ.get('SHARES'):
                    n = int(os.environ['SHARES'])
                    self.write(group + '/' + shares, n if shares == 'cpu.shares' else max(1, min(10000, n * 100 // 1024)))
                self.write(group + '/cgroup.procs', os.getpid())
                if usage and os.path.exists(group + '/' + usage):
                    self.usage = group + '/' + usage
            except OSError:
                pass

    @staticmethod
    def write(path, value):
        with open(path, 'w') as f:
            f.write(str(value))

    def cpu_s(self):
        if not self.usage:
            return None
        text = open(self.usage).read()
        return int(text.split()[1]) / 1e6 if text.startswith('usage_usec') else int(text) / 1e9

    def close(self):
        for group in self.made:
            try:
                self.write(os.path.dirname(group) + '/cgroup.procs', os.getpid())
                os.rmdir(group)
            except OSError:
                pass


def cpu_row(what, cpu, since):
    row(what, 'unknown' if cpu is None or since is None else '%.1f' % (cpu - since), 's')


def rss_mib(pid, what):
    for line in open('/proc/%d/status' % pid):
        if line.startswith(what + ':'):
            return int(line.split()[1]) / 1024
    return 0


def launch(b, group, what):
    """From the command to the first line of the log, and to the end."""
    start, used = time.time(), group.cpu_s()
    p = b.start('launch', '-y', '-c', 'x', '--infra', 'ssh/farm', '--num-nodes', str(N), 'echo "rank $SKYPILOT_NODE_RANK"')
    steps = []

    def read_steps():
        for line in p.stderr:
            steps.append((time.time() - start, group.cpu_s(), line.decode().rstrip()))
    t = threading.Thread(target=read_steps)
    t.start()
    first, lines = None, 0
    for line in p.stdout:
        first = first or (time.time() - start, group.cpu_s())
        lines += b'rank ' in line
    last = time.time() - start, group.cpu_s()
    t.join()
    if p.wait() or lines != N:
        raise AssertionError('launch: %d, %d lines\n%s' % (p.returncode, lines, '\n'.join(s[2] for s in steps)))
    row('%d nodes over SSH: launch to first log line, %s' % (N, what), '%.1f' % first[0], 's', '15')
    row('%d nodes over SSH: launch to the end of the job, %s' % (N, what), '%.1f' % last[0], 's')
    cpu_row('… CPU time of all, to the first log line', first[1], used)
    cpu_row('… CPU time of all, to the end of the job', last[1], used)
    if os.environ.get('VERBOSE'):
        for at, cpu, line in steps + [first + ('first line of the log',), last + ('end',)]:
            print('%6.1f s %6.1f CPU s  %s' % (at, (cpu or 0) - (used or 0), line), file=sys.stderr)


def timed(b, group, what, *args):
    start, used = time.time(), group.cpu_s()
    b.ok(*args, timeout=300)
    row('%d nodes over SSH: %s' % (N, what), '%.1f' % (time.time() - start), 's')
    cpu_row('… CPU time of all', group.cpu_s(), used)


def main():
    group, b = Group(), None
    try:
        b = Bed(N, one_host_key=True, home_mib=0 if os.environ.get('FARM_PLAIN') or can_isolate() else 1024)
        if b.why_not:
            print(b.why_not, file=sys.stderr)
            return 1
        start = time.time()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: n.run('true'), b.nodes))
        bare = time.time() - start
        b.ok('engine', 'start')
        engine = b.engine_pids()[0]
        launch(b, group, 'engine just started')
        timed(b, group, 'exec, to the end of the job', 'exec', 'x', '--num-nodes', str(N), 'true')
        timed(b, group, 'down', 'down', '-y', 'x')
        launch(b, group, 'connections there')
        row('%d nodes over SSH: engine, at most resident' % N, '%.0f' % rss_mib(engine, 'VmHWM'), 'MB', '150')
        row('%d nodes: ssh true to each, 16 at a time' % N, '%.1f' % bare, 's')
        return 0
    finally:
        if b:
            b.close()
        group.close()


sys.exit(main())
