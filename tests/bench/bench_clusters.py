#!/usr/bin/env python3
"""Many clusters in the simulated cloud, a tenth of whose calls fail: launched all at once, left alone for a while, ended. What the engine takes
for it (processor and memory), and whether the machines there are exactly those that were wanted, before and after. CLUSTERS says how many (1000),
BOOT_MS how long a machine boots (20), REST for how many seconds they are left alone (30).
What runs on the machines is a stand-in for the agent that says only that it is there: a thousand real ones would measure this computer."""
import json, os, shutil, socket, sqlite3, sys, threading, time
TOP = os.environ.get('top_srcdir', '.')
sys.path[:0] = [TOP + '/tests/run']
from engine_test import Home  # noqa

N = int(os.environ.get('CLUSTERS', '1000'))
REST_S = int(os.environ.get('REST', '30'))
SIM = '''version: 1
boot_ms: %s
regions: [{name: east, zones: [east-a, east-b]}, {name: west, zones: [west-a], price_factor: 2}]
types: [{name: small, vcpus: 2, mem_gib: 4, price: 0.30, capacity: 5000}]
failures: [{verb: "*", probability: 0.1, error: network}]
''' % os.environ.get('BOOT_MS', '20')
TICK = os.sysconf('SC_CLK_TCK')


AGENT = '''#!/bin/sh
case $1 in
  watch)
    printf '{"type":"ready"}\\n'
    while printf '{"type":"job","job":1,"status":"SUCCEEDED","ended_at":1,"exit_code":0}\\n{"type":"status","idle_since":0}\\n'; do sleep "${4:-5}"; done
    ;;
  submit) printf '{"job":1}\\n' ;;
esac
'''


def row(what, value, unit, bar='-'):
    print('%s\t%s\t%s\t%s' % (what, value, unit, bar), flush=True)


def cpu_s(pid):
    f = open('/proc/%d/stat' % pid).read().rsplit(')', 1)[1].split()
    return (int(f[11]) + int(f[12])) / TICK


def rss_mib(pid, what='VmHWM'):
    for line in open('/proc/%d/status' % pid):
        if line.startswith(what + ':'):
            return int(line.split()[1]) / 1024
    return 0


def ask(h, *args):
    """On a machine that is busy with a thousand others the engine may not get its turn within a client's patience."""
    for _ in range(20):
        rc, out, err = h.run(*args, '--json', timeout=300)
        if not rc:
            return json.loads(out)
    raise AssertionError('%r: %d %s' % (args, rc, err))


def wanted(h):
    """Clusters that are there, and machines of the cloud that belong to none of them."""
    cs = ask(h, 'status')
    known = {n['id'] for c in cs for n in c['nodes'] if n['id']}
    d = h.dir + '/state/sim/nodes'
    there = set(os.listdir(d)) if os.path.isdir(d) else set()
    return cs, there - known


def open_requests(h):
    return [r for r in ask(h, 'requests', '-l', '10000') if r['finished_at'] is None]


def phase(h, pid, what, fn, limit_s):
    start, cpu = time.time(), cpu_s(pid)
    fn()
    end = start + limit_s
    while time.time() < end:
        n = len(open_requests(h))
        if os.environ.get('VERBOSE'):
            print('%s: %d open after %.0f s, cpu %.1f, rss %.0f' % (what, n, time.time() - start, cpu_s(pid) - cpu, rss_mib(pid)), file=sys.stderr, flush=True)
        if not n:
            break
        time.sleep(5)
    took = time.time() - start
    row('%d clusters: %s, from the first request to the end of the last' % (N, what), '%.0f' % took, 's')
    row('%d clusters: %s, cores of the engine' % (N, what), '%.2f' % ((cpu_s(pid) - cpu) / took), '', '1')


def submit(h, verb, names):
    """All at once, over the engine's socket: a command each would take longer than what they order."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(h.dir + '/run/engine.sock')
    f = s.makefile('rw', encoding='utf-8')

    def call(i, method, params):
        f.write(json.dumps({'jsonrpc': '2.0', 'id': i, 'method': method, 'params': params}) + '\n')
    call(0, 'hello', {'protocol': 1, 'build': 'bench'})
    for i, n in enumerate(names):
        call(i + 1, 'submit', {'verb': verb, 'args': dict(h.task if verb == 'launch' else {}, cluster=n)})
    f.flush()
    for line in f:
        r = json.loads(line)
        if 'error' in r:
            raise AssertionError(r['error'])
        if r.get('id') == len(names):
            break
    s.close()


class Screen:
    """Somebody who looks at everything, as the screen does: what it is sent is read and thrown away."""

    def __init__(self, h):
        self.bytes = 0
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(h.dir + '/run/engine.sock')
        topics = ['clusters', 'jobs', 'requests', 'events', 'spend']
        for i, (m, p) in enumerate((('hello', {'protocol': 1, 'build': 'bench'}), ('watch', {'topics': topics}))):
            self.sock.sendall((json.dumps({'jsonrpc': '2.0', 'id': i, 'method': m, 'params': p}) + '\n').encode())
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            while True:
                data = self.sock.recv(1 << 20)
                if not data:
                    return
                self.bytes += len(data)
        except OSError:
            pass

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def share(h):
    """The files that the program comes with, but for the agent."""
    d = h.dir + '/share'
    shutil.copytree(TOP + '/share', d)
    for name in os.listdir(d + '/agent'):
        if name == 'skytop-agent':
            with open(d + '/agent/' + name, 'w') as f:
                f.write(AGENT)
    built = os.environ.get('top_builddir', '.') + '/share/catalog/snapshot.db'
    if os.path.exists(built):
        shutil.copy(built, d + '/catalog/snapshot.db')
    h.env['SKYTOP_SHARE'] = d


def learn_task(h):
    """What a launch asks for, as the command line packs it."""
    h.ok('launch', '-y', '-d', '-c', 'first', '--infra', 'sim', '--cpus', '2', '--memory', '4')
    db = sqlite3.connect('file:%s/state/state.db?mode=ro' % h.dir, uri=True)
    h.task = json.loads(db.execute("SELECT args FROM requests WHERE verb = 'launch'").fetchone()[0])
    db.close()


def main():
    h = Home(sim=SIM)
    share(h)
    try:
        h.ok('engine', 'start')
        pid = h.engine_pids()[0]
        learn_task(h)
        names = ['c%d' % i for i in range(1, N)]
        phase(h, pid, 'launch', lambda: submit(h, 'launch', names), 1800)
        cs, strangers = wanted(h)
        row('%d clusters: up after one launch each, where a tenth of the calls fails' % N, len([c for c in cs if c['status'] == 'UP']), '', '>=%d' % (N * 95 // 100))
        row('%d clusters: machines that no cluster knows' % N, len(strangers), '', '0')
        cpu = cpu_s(pid)
        time.sleep(REST_S)
        row('%d clusters: left alone, cores of the engine' % N, '%.2f' % ((cpu_s(pid) - cpu) / REST_S), '', '1')
        screen = Screen(h)
        cpu = cpu_s(pid)
        time.sleep(REST_S)
        row('%d clusters: a screen watches all of them, cores of the engine' % N, '%.2f' % ((cpu_s(pid) - cpu) / REST_S), '', '1')
        row('%d clusters: what that screen is sent' % N, '%.0f' % (screen.bytes / REST_S / 1e3), 'kB/s')
        phase(h, pid, 'down (watched)', lambda: submit(h, 'down', [c['name'] for c in cs]), 1800)
        for _ in range(3):  # a down may fail for good when one call fails four times
            cs, strangers = wanted(h)
            if not cs:
                break
            phase(h, pid, 'down again of %d' % len(cs), lambda: submit(h, 'down', [c['name'] for c in cs]), 600)
        cs, strangers = wanted(h)
        row('%d clusters: left after the end' % N, len(cs) + len(strangers), '', '0')
        screen.close()
        row('%d clusters: engine, at most resident' % N, '%.0f' % rss_mib(pid), 'MB', '200')
        return 0
    finally:
        h.close()


sys.exit(main())
