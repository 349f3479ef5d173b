"""The whole program over a cloud that has a stand-in (fake_*.py), whose machines are real ones behind sshd: what is the same for every such cloud.
Cases with jobs are skipped where nodes cannot be made (farm.py)."""
import json, os, re, subprocess, sys, urllib.request
TOP = os.path.abspath(os.environ.get('top_srcdir', '.'))
sys.path[:0] = [TOP + '/tests/run', TOP + '/tests/ssh']
sys.dont_write_bytecode = True
import farm as farms  # noqa: E402
from engine_test import Home, Skip  # noqa: E402


def prism():
    """Stoplight's validating proxy, where it is on the PATH or was installed (npm i @stoplight/prism-cli) in the build folder; None."""
    return os.environ.get('SKYTOP_PRISM') or farms.tool('prism') or next((p for p in ['node_modules/.bin/prism'] if os.path.exists(p)), None)


class Cloud(Home):
    name = None  # "gcp"
    program = spec = endpoint = None  # the stand-in, the vendor's description below $SKYTOP_SHARED, the variable that says where the cloud is
    variables = None  # pattern of what is not taken over from the environment
    place = kind = None  # where and what is launched
    running = stopped = None  # what machines() calls them

    def __init__(self, nodes=0, config='', validated=False):
        self.farm, self.why = None, None
        spec = os.environ.get('SKYTOP_SHARED', TOP + '/../shared') + '/specs/' + self.spec
        if validated and not (prism() and os.path.exists(spec)):
            self.why = "there is no prism here" if not prism() else "the vendor's description of its API is not here"
            nodes = 0
        if nodes:
            self.why = farms.can_isolate() or (None if farms.tool('sshd') else 'there is no sshd')
            if not self.why:
                self.farm = farms.Farm(nodes)
        super().__init__(config=config)
        through = ['--prism', prism()] if validated and self.farm else []
        self.fake = subprocess.Popen([sys.executable, '-S', TOP + '/tests/providers/' + self.program, '--spec', spec, *through], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.base = 'http://127.0.0.1:%d' % int(self.fake.stdout.readline())
        for name in [n for n in self.env if re.search(self.variables + '|proxy$', n, re.I)]:
            del self.env[name]
        os.makedirs(self.dir + '/user/.ssh', 0o700)
        self.env.update(HOME=self.dir + '/user', SSH_AUTH_SOCK='')
        self.env[self.endpoint] = self.base
        self.log_in()
        if self.farm:
            self.tell('set', free=[n.host for n in self.farm.nodes], keys={n.host: n.dir + '/home/.ssh/authorized_keys' for n in self.farm.nodes})

    def log_in(self):
        """Credentials into self.env."""
        raise NotImplementedError

    def machines(self):
        """(place, rank, how it is) of each, sorted."""
        raise NotImplementedError

    def left(self):
        """Names of all that is left and costs."""
        raise NotImplementedError

    def need_ssh(self):
        if not self.farm:
            raise Skip(self.why)

    def tell(self, what, **kw):
        return json.load(urllib.request.urlopen(urllib.request.Request('%s/fake/%s' % (self.base, what), json.dumps(kw).encode())))

    def state(self):
        return json.load(urllib.request.urlopen(self.base + '/fake/state'))

    def requests(self, since=0):
        return self.state()['requests'][since:]

    def launch(self, *more, infra=None, cmd='true'):
        return self.run('launch', '-y', '-c', 'x', '--infra', infra or self.place, '--instance-type', self.kind, *more, '--', cmd, timeout=120)

    def close(self):
        try:
            super().close()
            state = self.state()
            assert not state['violations'], state['violations']
            assert not self.left(), 'there is left: %r' % self.left()
        finally:
            self.fake.stdin.close()
            self.fake.wait()
            if self.farm:
                self.farm.close()


def quiet(home, allowed, *what):
    """Who has credentials is not asked about them by what only looks; a plan asks for quotas (and what `allowed` says) and for nothing else."""
    before = len(home.requests())
    home.ok('status')
    home.ok('offers', 'provider:' + home.name)
    assert not home.requests(before), home.requests(before)
    home.ok('launch', '--dryrun', '--infra', home.name, *what, '--', 'true')
    other = [r for r in home.requests(before) if not re.match(allowed, r)]
    assert not other, other


def penniless(home, variable, says, asked):
    """Who has no credentials is told where they were looked for, at no cost."""
    del home.env[variable]
    home.run('engine', 'stop')
    before = len(home.requests())
    rc, out, err = home.run('check', home.name)
    assert rc == 4 and says in out, (rc, out, err)
    rc, out, err = home.launch()
    assert rc == 4 and asked in err, (rc, err)
    assert not home.requests(before), home.requests(before)


def one(home):
    """Launched, stopped, started, used again, ended."""
    rc, out, err = home.launch(cmd='echo "rank $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES"')
    assert rc == 0 and 'rank 0 of 1' in out, (out, err)
    place = home.machines()[0][0]
    assert home.machines() == [(place, '0', home.running)], home.machines()
    home.ok('stop', '-y', 'x')
    assert home.machines() == [(place, '0', home.stopped)], home.machines()
    home.ok('start', '-y', 'x')
    assert 'again' in home.ok('exec', 'x', '--', 'echo again')
    home.ok('down', '-y', 'x')
    assert not home.left(), home.left()


def several(home, n=2):
    """Some on the spot market, all taken back."""
    rc, out, err = home.launch('--num-nodes', str(n), '--use-spot', cmd='echo "rank $SKYPILOT_NODE_RANK"')
    assert rc == 0 and 'rank 0' in out and 'rank 1' in out, (out, err)
    for name in home.left(machines=True):
        home.tell('reclaim', name=name)
    home.run('status', '--refresh')
    home.wait('the reclaim to be seen', lambda: [e for e in home.json('events') if e['kind'] == 'cluster.preempted'], 30)
    home.wait('all to be gone', lambda: not home.left() and home.json('status') == [], 30)


def whole(home):
    """Everything once, with three nodes, for a validator between us and the cloud."""
    home.need_ssh()
    home.ok('check', home.name)
    home.ok('launch', '--dryrun', '--infra', home.place, '--instance-type', home.kind, '--', 'true')
    one(home)
    home.ok('catalog', 'update', '--live', home.name)
    several(home, 3)
    rc, out, err = home.launch('--num-nodes', '3', '--ports', '8080', cmd='echo "rank $SKYPILOT_NODE_RANK"')
    assert rc == 0 and 'rank 2' in out, (out, err)
    home.ok('stop', '-y', 'x')
    home.ok('start', '-y', 'x')
    swept(home)


def failover(home, stockout):
    """None is left at the first place: somewhere else."""
    home.tell('set', stockout=stockout)
    rc, out, err = home.launch(infra=home.name, cmd='echo here')
    assert rc == 0 and 'here' in out, (out, err)
    assert len(home.machines()) == 1 and home.machines()[0][0] not in stockout, home.machines()
    home.tell('set', stockout=[])


def swept(home):
    """A machine that skytop made and does not know any more is told and ended."""
    home.run('engine', 'stop')
    for name in os.listdir(home.dir + '/state'):
        if name.startswith('state.db'):
            os.unlink(home.dir + '/state/' + name)
    told = home.ok('sweep')
    assert home.name in told and 'x' in told, told
    home.run('sweep', '--destroy', '-y')
    home.wait('it to be gone', lambda: not home.left(), 30)


def refused(home, stockout, stocks_out, elsewhere, fault, advice):
    """What Google or Azure says no to is told, and leaves nothing."""
    home.tell('set', stockout=stockout)
    rc, out, err = home.launch()
    assert rc == 3 and stocks_out in err, (rc, err)
    assert not home.left(), home.left()
    home.tell('set', stockout=[])
    home.tell('fault', **fault)
    rc, out, err = home.launch(infra=elsewhere)
    assert rc == 4 and advice in err, (rc, err)
    assert home.machines() == []
    home.tell('set', faults=[])
    home.wait('the engine to be gone', lambda: home.run('engine', 'stop') and not home.processes(), 30)


def killed(home, step):
    """The engine dies at one commit after the other while it makes a machine that cannot be reached; then all is taken back."""
    for n in range(1, 13, 1 if os.environ.get('SKYTOP_TORTURE') else step):
        home.ok('engine', '--crash-at-commit', str(n), '--idle-exit-ms', '60000')
        p = home.start('launch', '-y', '-c', 'x', '--infra', home.place, '--instance-type', home.kind, '--', 'true')
        home.wait('the machine', lambda: p.poll() is not None or home.machines(), 20)
        p.kill()
        p.communicate()
        home.run('down', '-y', 'x', timeout=60)
        home.wait('all to be gone', lambda: not home.left(), 30)
        # More than once: its supervisor may just be starting it again.
        home.wait('the engine to be gone', lambda: home.run('engine', 'stop') and not home.processes(), 30)
