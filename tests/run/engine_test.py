"""What tests of the whole program share: a SKYTOP_HOME of its own, the binary, and a list of cases that speaks TAP.

Every process that a case starts has that folder somewhere in its environment; when the case is over none may be left.
"""
import json, os, shutil, signal, socket, subprocess, sys, tempfile, time, traceback
from concurrent.futures import ThreadPoolExecutor

SKYTOP = os.environ['SKYTOP']


class Home:
    def __init__(self, sim=None, config=''):
        self.dir = tempfile.mkdtemp(prefix='skytop-test-')
        self.env = dict(os.environ, SKYTOP_HOME=self.dir, SKYTOP_TEST_HOME=self.dir, NO_COLOR='1')
        os.makedirs(self.dir + '/config')
        if sim is not None:
            with open(self.dir + '/scenario.yaml', 'w') as f:
                f.write(sim)
            config += 'sim:\n  enabled: true\n  scenario: %s/scenario.yaml\n' % self.dir
        with open(self.dir + '/config/config.yaml', 'w') as f:
            f.write(config)

    def start(self, *args, **kw):
        return subprocess.Popen([SKYTOP, *args], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kw)

    def run(self, *args, timeout=60, env=None, cwd=None):
        p = subprocess.run([SKYTOP, *args], env=dict(self.env, **(env or {})), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=timeout, cwd=cwd)
        return p.returncode, p.stdout.decode('utf-8', 'replace'), p.stderr.decode('utf-8', 'replace')

    def ok(self, *args, **kw):
        rc, out, err = self.run(*args, **kw)
        assert rc == 0, 'skytop %s: %d\n%s\n%s' % (' '.join(args), rc, out, err)
        return out

    def json(self, *args, **kw):
        return json.loads(self.ok(*args, '--json', **kw))

    def refused(self, status, *args, **kw):
        rc, out, err = self.run(*args, **kw)
        assert rc == status, 'skytop %s: %d, not %d\n%s\n%s' % (' '.join(args), rc, status, out, err)
        return err

    def ask(self, method, **params):
        """One call over the engine's socket."""
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.dir + '/run/engine.sock')
            f = s.makefile('rw', encoding='utf-8')
            for i, (m, p) in enumerate((('hello', {'protocol': 1, 'build': 'test'}), (method, params))):
                f.write(json.dumps({'jsonrpc': '2.0', 'id': i, 'method': m, 'params': p}) + '\n')
            f.flush()
            return next(r for r in map(json.loads, f) if r.get('id') == 1)

    def wait(self, what, fn, seconds=60):
        end, pause = time.time() + seconds, 0.02
        while time.time() < end:
            got = fn()
            if got:
                return got
            time.sleep(pause)  # to look is a process, most often: the longer it takes, the more seldom
            pause = min(pause * 1.5, 0.2)
        raise AssertionError('waited %d s for: %s' % (seconds, what))

    def processes(self):
        found = []
        for pid in os.listdir('/proc'):
            if pid.isdigit() and int(pid) != os.getpid():
                try:
                    # nodes do not inherit SKYTOP_TEST_HOME, but their HOME is in there too
                    if self.dir.encode() in open('/proc/%s/environ' % pid, 'rb').read():
                        found.append(int(pid))
                except OSError:
                    pass
        return found

    def engine_pids(self):
        out = []
        for pid in self.processes():
            try:
                words = open('/proc/%d/cmdline' % pid).read().split('\0')
                parent = int(open('/proc/%d/stat' % pid).read().rsplit(')', 1)[1].split()[1])
            except OSError:
                continue
            if words[1:2] == ['engine']:
                out.append((pid, parent))
        mine = {p for p, _ in out}
        return [p for p, parent in out if parent in mine]  # engines, not their supervisors

    def close(self):
        if self.processes():
            for c in json.loads(self.run('status', '--json')[1] or '[]'):
                self.run('down', '-y', c['name'])
        end, pause = time.time() + 10, 0.02
        while self.processes() and time.time() < end:
            self.run('engine', 'stop')
            time.sleep(pause)
            pause = min(pause * 1.5, 0.2)
        left = []
        for pid in self.processes():
            left.append(open('/proc/%d/cmdline' % pid).read().replace('\0', ' '))
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)
        assert not left, 'processes were left: %r' % left


class Skip(Exception):
    pass


def trial(make, fn, kw):
    """One case: why it failed, and why it was skipped, or None."""
    home = make(**kw)
    why = skip = None
    try:
        fn(home)
    except Skip as e:
        skip = str(e)
    except Exception as e:  # noqa: the case fails, and says why
        log = home.dir + '/state/engine.log'
        why = traceback.format_exc() + (open(log).read()[-2000:] if os.path.exists(log) else '')
    try:
        home.close()
    except Exception as e:  # noqa
        why = why or str(e)
    return why, skip


def main(cases, make=Home, side_by_side=1):
    """side_by_side: so many cases at once, for those that wait more than they work."""
    print('1..%d' % len(cases))
    bad = 0
    with ThreadPoolExecutor(side_by_side) as pool:
        results = (pool.map if side_by_side > 1 else map)(lambda c: trial(make, *c[1:]), cases)
        for i, ((name, _, _), (why, skip)) in enumerate(zip(cases, results), 1):
            bad += bool(why)
            print('%sok %d - %s%s' % ('not ' if why else '', i, name, ' # SKIP ' + skip if skip and not why else ''))
            for line in (why or '').split('\n'):
                if line:
                    print('# ' + line)
            sys.stdout.flush()
    sys.exit(1 if bad else 0)
