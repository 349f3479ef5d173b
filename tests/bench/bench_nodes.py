#!/usr/bin/env python3
"""A cluster of many nodes over SSH, all of them on this machine: from `launch` to the first line of the job's log, and what the engine takes
for it: with an engine that was just started, and with one that has its connections. NODES says how many (100). Beside it: what a bare `ssh true` to each of them takes, sixteen at a time."""
import os, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
TOP = os.environ.get('top_srcdir', '.')
sys.path[:0] = [TOP + '/tests/ssh', TOP + '/tests/run']
from bed import Bed  # noqa

N = int(os.environ.get('NODES', '100'))


def row(what, value, unit, bar='-'):
    print('%s\t%s\t%s\t%s' % (what, value, unit, bar), flush=True)


def rss_mib(pid, what):
    for line in open('/proc/%d/status' % pid):
        if line.startswith(what + ':'):
            return int(line.split()[1]) / 1024
    return 0


def launch(b, what):
    """From the command to the first line of the log, and to the end."""
    start = time.time()
    p = b.start('launch', '-y', '-c', 'x', '--infra', 'ssh/farm', '--num-nodes', str(N), 'echo "rank $SKYPILOT_NODE_RANK"')
    steps = []
    t = threading.Thread(target=lambda: steps.extend(p.stderr))
    t.start()
    first, lines = None, 0
    for line in p.stdout:
        first = first or time.time() - start
        lines += b'rank ' in line
    last = time.time() - start
    t.join()
    said = b''.join(steps).decode()
    if p.wait() or lines != N:
        raise AssertionError('launch: %d, %d lines\n%s' % (p.returncode, lines, said))
    row('%d nodes over SSH: launch to first log line, %s' % (N, what), '%.1f' % first, 's', '15')
    row('%d nodes over SSH: launch to the end of the job, %s' % (N, what), '%.1f' % last, 's')
    if os.environ.get('VERBOSE'):
        sys.stderr.write(said)


def timed(b, what, *args):
    start = time.time()
    b.ok(*args, timeout=300)
    row('%d nodes over SSH: %s' % (N, what), '%.1f' % (time.time() - start), 's')


def main():
    b = Bed(N, one_host_key=True)
    try:
        if b.why_not:
            print(b.why_not, file=sys.stderr)
            return 1
        start = time.time()
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda n: n.run('true'), b.nodes))
        bare = time.time() - start
        b.ok('engine', 'start')
        engine = b.engine_pids()[0]
        launch(b, 'engine just started')
        timed(b, 'exec, to the end of the job', 'exec', 'x', '--num-nodes', str(N), 'true')
        timed(b, 'down', 'down', '-y', 'x')
        launch(b, 'connections there')
        row('%d nodes over SSH: engine, at most resident' % N, '%.0f' % rss_mib(engine, 'VmHWM'), 'MB', '150')
        row('%d nodes: ssh true to each, 16 at a time' % N, '%.1f' % bare, 's')
        return 0
    finally:
        b.close()


sys.exit(main())
