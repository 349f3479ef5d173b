#!/usr/bin/env python3
"""The engine is killed (SIGKILL, by itself, right after its Nth commit) anywhere in the life of a cluster: launch, exec, stop, start, down.

Whatever N: every request that was accepted ends, no job runs twice, the state is what was asked for, and when the cluster is down nothing of it
is left: no folder, no process, no row, no open ledger interval, no secret. TAP. SKYTOP_TORTURE=1 tries every N, otherwise a
few that are spread evenly: which, their names say.
"""
import json, os, shutil, signal, subprocess, sys, tempfile, time
from concurrent.futures import ThreadPoolExecutor

SKYTOP = os.environ['SKYTOP']
# The scenario has some 43 commits.
FEW = {'local': range(4, 43, 9), 'sim': range(8, 43, 16)}
CLOUD = '''version: 1
boot_ms: 50
stop_ms: 50
terminate_ms: 50
regions: [{name: east, zones: [east-a, east-b]}]
types: [{name: small, vcpus: 8, mem_gib: 32, price: 0.30, spot: 0.10}]
'''


class Home:
    """pools: for the provider ssh, the text of ssh_pools.yaml; marks: a folder that nodes can write to."""

    def __init__(self, provider, pools=None, marks=None):
        self.dir = tempfile.mkdtemp(prefix='skytop-crash-')
        self.provider = provider
        self.env = dict(os.environ, SKYTOP_HOME=self.dir, HOME=self.dir + '/user')
        os.makedirs(self.dir + '/config')
        os.makedirs(self.dir + '/user')
        with open(self.dir + '/config/config.yaml', 'w') as f:
            f.write('sim:\n  enabled: %s\n' % ('true\n  scenario: %s/scenario.yaml' % self.dir if provider == 'sim' else 'false'))
        with open(self.dir + '/scenario.yaml', 'w') as f:
            f.write(CLOUD)
        if pools:
            with open(self.dir + '/config/ssh_pools.yaml', 'w') as f:
                f.write(pools)
        self.mark = (marks + '/' + os.path.basename(self.dir) if marks else self.dir) + '-ran'

    def run(self, *args, timeout=60):
        p = subprocess.run([SKYTOP, *args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout)
        return p.returncode, p.stdout.decode('utf-8', 'replace'), p.stderr.decode('utf-8', 'replace')

    def json(self, *args):
        for _ in range(50):  # the engine may be dying, or coming back
            rc, out, err = self.run(*args, '--json')
            if rc == 0:
                return json.loads(out)
            time.sleep(0.1)
        raise AssertionError('skytop %s: %d %s' % (' '.join(args), rc, err))

    def settle(self):
        """All requests have ended."""
        end = time.time() + 60
        while time.time() < end:
            if not self.json('requests'):
                return
            time.sleep(0.1)
        raise AssertionError('requests do not end: %r' % self.json('requests'))

    def marks(self):
        try:
            return open(self.mark).read().split()
        except FileNotFoundError:
            return []

    def processes(self):
        found = []
        for pid in os.listdir('/proc'):
            if pid.isdigit() and int(pid) != os.getpid():
                try:
                    env = open('/proc/%s/environ' % pid, 'rb').read()
                except OSError:
                    continue
                if self.dir.encode() in env:  # engines by SKYTOP_HOME, what runs on nodes by its HOME
                    found.append(int(pid))
        return found

    def close(self):
        end = time.time() + 10
        while self.processes() and time.time() < end:
            self.run('engine', 'stop')  # more than once: its supervisor may just be starting it again
            time.sleep(0.05)
        left = []
        for pid in self.processes():
            left.append(open('/proc/%d/cmdline' % pid).read().replace('\0', ' '))
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)
        if os.path.exists(self.mark):
            os.unlink(self.mark)
        return left


def job(home, word):
    return 'echo %s >> %s' % (word, home.mark)


def cluster(home):
    found = home.json('status')
    assert len(found) <= 1, found
    return found[0] if found else None


def wait_jobs(home, n):
    end = time.time() + 60
    while time.time() < end:
        jobs = home.json('queue')
        if len(jobs) == n and all(j['status'] == 'SUCCEEDED' for j in jobs):
            return
        time.sleep(0.1)
    raise AssertionError('jobs: %r' % jobs)


def accepted(home, verb):
    return sum(1 for r in home.json('requests', '--all') if r['verb'] == verb)


def ask(home, verb, *args):
    """Give an order. Cut off by the crash it may or may not have been accepted: asked again until it was."""
    for _ in range(5):
        before = accepted(home, verb)
        rc, _, err = home.run(verb, *args)
        home.settle()
        if accepted(home, verb) > before:
            return
    raise AssertionError('%s is not accepted: %d %s' % (verb, rc, err))


def scenario(home, crash_at):
    rc, _, err = home.run('engine', '--crash-at-commit', str(crash_at), '--idle-exit-ms', '60000')
    where = ['--infra', {'ssh': 'ssh/farm'}.get(home.provider, home.provider)]
    ask(home, 'launch', '-y', '-d', '-c', 'k', '--secret', 'TOKEN=hush-hush', *where, job(home, 'one'))
    c = cluster(home)
    assert c and c['status'] == 'UP', c
    wait_jobs(home, 1)
    assert home.marks() == ['one'], home.marks()
    ask(home, 'exec', '-d', 'k', job(home, 'two'))
    wait_jobs(home, 2)
    assert home.marks() == ['one', 'two'], home.marks()
    ask(home, 'stop', '-y', 'k')
    assert cluster(home)['status'] == 'STOPPED', cluster(home)
    ask(home, 'start', '-y', 'k')
    assert cluster(home)['status'] == 'UP', cluster(home)
    ask(home, 'down', '-y', 'k')
    assert cluster(home) is None, cluster(home)
    assert home.marks() == ['one', 'two'], 'a job ran twice: %r' % home.marks()
    for r in home.json('requests', '--all'):
        assert r['state'] == 'SUCCEEDED', r
    nodes = home.dir + '/state/%s/nodes' % home.provider
    assert not os.path.isdir(nodes) or not os.listdir(nodes), os.listdir(nodes)
    assert not os.listdir(home.dir + '/state/secrets'), 'secrets are left'
    assert all(not row['running'] for row in home.json('cost')['clusters'])
    for f in ('state.db', 'state.db-wal', 'engine.log'):
        path = home.dir + '/state/' + f
        assert not os.path.exists(path) or b'hush-hush' not in open(path, 'rb').read(), 'a secret is in ' + f


def one(provider, n, **where):
    home = Home(provider, **where)
    why = None
    try:
        scenario(home, n)
        log = open(home.dir + '/state/engine.log').read()
        died = 'the engine died' in log
    except Exception as e:  # noqa: the case fails, and says why
        died = True
        log = home.dir + '/state/engine.log'
        why = '%s: %s\n%s' % (type(e).__name__, e, open(log).read()[-3000:] if os.path.exists(log) else '')
    left = home.close()
    if left and not why:
        why = 'processes were left: %r' % left
    return n, died, why


def sweep(provider, points, workers, **where):
    """The scenario with a crash after each of these commits, or (None) after each there is: [(name, what is wrong or None)]."""
    results, died = [], 0
    with ThreadPoolExecutor(workers) as pool:
        for n in [points] if points else (range(i, i + workers * 2) for i in range(1, 400, workers * 2)):
            before = died
            for k, dead, why in pool.map(lambda k: one(provider, k, **where), n):
                died += dead
                results.append(('%s: killed after commit %d%s' % (provider, k, '' if dead else ' (it was over before that)'), why))
            if died - before < len(n):
                break
    if points and died < len(points) - 1:
        results.append(('%s: the commits at which it is killed' % provider, 'only %d of %d were made: take others' % (died, len(points))))
    return results


def tell(results):
    print('1..%d' % len(results))
    for i, (name, why) in enumerate(results, 1):
        print('%sok %d - %s' % ('not ' if why else '', i, name))
        if why:
            print('\n'.join('# ' + line for line in why.split('\n')))


def main():
    torture = bool(os.environ.get('SKYTOP_TORTURE'))
    workers = int(os.environ.get('SKYTOP_TEST_JOBS', '3'))
    tell([r for p, few in FEW.items() for r in sweep(p, None if torture else few, workers)])


if __name__ == '__main__':
    main()
