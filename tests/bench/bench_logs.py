#!/usr/bin/env python3
"""Logs, from nodes to the file that `skytop logs` writes: the end of a huge one, a million lines a minute of four nodes, a big one over SSH
beside `ssh host cat`, and what the engine takes for it. Over SSH only where the farm of tests/ssh can be had."""
import glob, json, os, subprocess, sys, time

TOP = os.environ.get('top_srcdir', '.')
sys.path[:0] = [os.path.join(TOP, 'tests/run'), os.path.join(TOP, 'tests/ssh')]
from engine_test import Home  # noqa

SKYTOP = os.environ['SKYTOP']
WORDS = '2026-11-26 10:00:00 INFO step 1234 loss 0.123 lr 3.0e-4 tokens/s 412333 gradient norm 1.234 memory 71'


def row(name, value, unit, bar='-'):
    print('%s\t%s\t%s\t%s' % (name, value, unit, bar), flush=True)


def logs_to(h, path, *args):
    """Seconds that `skytop logs` takes, and its exit status."""
    start = time.perf_counter()
    with open(path, 'wb') as out:
        rc = subprocess.run([SKYTOP, 'logs', *args], env=h.env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL).returncode
    return time.perf_counter() - start, rc


def peak_mib(h):
    """The most that the engine had so far."""
    pid = h.json('engine', 'status')['pid']
    for line in open('/proc/%d/status' % pid):
        if line.startswith('VmHWM'):
            return int(line.split()[1]) / 1024


def tail_of_a_huge_log():
    """10 GB, nearly all of it a hole, written while no engine was there; then its end is asked for."""
    h = Home()
    try:
        h.ok('launch', '-y', '-d', '-c', 'k', 'while [ ! -e ~/begin ]; do sleep 0.05; done; truncate -s 10G /proc/$$/fd/1; seq 100000; touch ~/done; sleep 300')
        home = glob.glob(h.dir + '/state/local/nodes/*/home')[0]
        h.ok('engine', 'stop')
        open(home + '/begin', 'w')
        h.wait('the log', lambda: os.path.exists(home + '/done'))
        h.ok('status')
        start = time.perf_counter()
        p = h.start('logs', 'k', '--tail', '10')
        lines = [p.stdout.readline() for _ in range(10)]
        took = time.perf_counter() - start
        p.kill()
        p.communicate()
        for log in glob.glob(home + '/.skytop/jobs/1/log'):
            os.truncate(log, 0)  # what is left of the 10 GB need not be copied
        if lines[-1] != b'100000\n':
            raise SystemExit('the end of the huge log: %r' % lines)
        row('logs: last lines of 10 GB of which nothing is copied yet', '%.0f' % (took * 1000), 'ms', '1000')
    finally:
        h.close()


def lines_of_four_nodes():
    each = 100000
    h = Home()
    try:
        h.ok('launch', '-y', '-c', 'k', '--num-nodes', '4', 'true')
        begun = time.perf_counter()
        h.ok('exec', '-d', 'k', '--num-nodes', '4', 'seq -f "%%.0f %s" %d' % (WORDS, each))
        _, rc = logs_to(h, h.dir + '/out', 'k')
        took = time.perf_counter() - begun
        n = sum(1 for line in open(h.dir + '/out', 'rb') if line.startswith(b'('))
        if rc or n != 4 * each:
            raise SystemExit('merged log: exit status %d, %d lines' % (rc, n))
        row('logs: 4 nodes merged, from exec to the last line in the file', '%.2f' % (n / took * 60 / 1e6), 'million lines/min', '>=1')
        row('logs: the engine meanwhile, at most', '%.1f' % peak_mib(h), 'MiB', '60')
        h.ok('down', '-y', 'k')
    finally:
        h.close()


def over_ssh():
    """1 GB over SSH, all of it written while no engine was there: as fast as `ssh host cat`, nearly. The engine's connecting is in it."""
    from bed import Bed, Unavailable  # noqa
    size = 1000000000
    h = Bed(1)
    try:
        if h.why_not:
            return
        node, home = h.nodes[0], '~/.skytop/nodes/*/home'
        h.launch('-d', 'while [ ! -e ~/begin ]; do sleep 0.05; done; yes "%s" | head -c %d' % (WORDS, size), name='k')
        h.ok('engine', 'stop')
        node.run('for d in %s; do touch $d/begin; done; until grep -q SUCCEEDED %s/.skytop/jobs/1/state; do sleep 0.1; done' % (home, home))
        plain = []
        for _ in range(2):
            start = time.perf_counter()
            with open(h.dir + '/cat', 'wb') as out:
                subprocess.run(node.ssh_argv('cat %s/.skytop/jobs/1/log' % home), stdin=subprocess.DEVNULL, stdout=out, check=True)
            plain.append(time.perf_counter() - start)
        h.ok('engine', 'start')
        ours, rc = logs_to(h, h.dir + '/out', 'k')
        if rc or os.path.getsize(h.dir + '/cat') != size or subprocess.run(['cmp', h.dir + '/cat', h.dir + '/out']).returncode:
            raise SystemExit('1 GB over SSH: exit status %d, or the log is another' % rc)
        row('logs: 1 GB over SSH, beside ssh cat (%.0f MB/s)' % (size / min(plain) / 1e6), '%.2f' % (min(plain) / ours), 'ratio', '>=0.8')
        row('logs: the engine meanwhile, at most', '%.1f' % peak_mib(h), 'MiB', '60')
    finally:
        h.clean = lambda: None  # what may be left on the machines is a matter of tests
        h.close()


for part in (tail_of_a_huge_log, lines_of_four_nodes, over_ssh):
    if len(sys.argv) < 2 or part.__name__ in sys.argv[1:]:
        part()
