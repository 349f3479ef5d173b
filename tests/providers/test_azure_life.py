#!/usr/bin/env python3
"""The whole program over Azure: launches, jobs, stops, failover, reclaims, sweeps and kills of the engine, against the stand-in fake_azure.py,
whose machines are real ones behind sshd. TAP; cases with jobs are skipped where nodes cannot be made (farm.py)."""
import json, os, re, subprocess, sys, urllib.request
TOP = os.path.abspath(os.environ.get('top_srcdir', '.'))
sys.path[:0] = [TOP + '/tests/run', TOP + '/tests/ssh']
sys.dont_write_bytecode = True
import farm as farms  # noqa: E402
from engine_test import Home, Skip, main  # noqa: E402

SPEC = os.environ.get('SKYTOP_SHARED', TOP + '/../shared') + '/specs/azure/compute-vm-trimmed.json'


class Azure(Home):
    def __init__(self, nodes=0, config=''):
        self.farm, self.why = None, None
        if nodes:
            self.why = farms.can_isolate() or (None if farms.tool('sshd') else 'there is no sshd')
            if not self.why:
                self.farm = farms.Farm(nodes)
        super().__init__(config=config)
        self.fake = subprocess.Popen([sys.executable, TOP + '/tests/providers/fake_azure.py', '--spec', SPEC], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.base = 'http://127.0.0.1:%d' % int(self.fake.stdout.readline())
        for name in [n for n in self.env if re.search(r'^AZURE_|proxy$', n, re.I)]:
            del self.env[name]
        os.makedirs(self.dir + '/user/.ssh', 0o700)
        self.env.update(HOME=self.dir + '/user', SSH_AUTH_SOCK='', SKYTOP_AZURE_ENDPOINT=self.base, AZURE_TENANT_ID='t', AZURE_CLIENT_ID='c', AZURE_CLIENT_SECRET='good',
                        AZURE_CONFIG_DIR=self.dir + '/azure')
        if self.farm:
            self.tell('set', free=[n.host for n in self.farm.nodes], keys={n.host: n.dir + '/home/.ssh/authorized_keys' for n in self.farm.nodes})

    def need_ssh(self):
        if not self.farm:
            raise Skip(self.why)

    def tell(self, what, **kw):
        return json.load(urllib.request.urlopen(urllib.request.Request('%s/fake/%s' % (self.base, what), json.dumps(kw).encode())))

    def state(self):
        return json.load(urllib.request.urlopen(self.base + '/fake/state'))

    def machines(self):
        return sorted((v['location'], v['tags']['skytop-rank'], v['x-power']) for v in self.state()['vms'])

    def launch(self, *more, infra='azure/eastus', cmd='true'):
        return self.run('launch', '-y', '-c', 'x', '--infra', infra, '--instance-type', 'Standard_D4s_v5', *more, '--', cmd, timeout=120)

    def close(self):
        try:
            super().close()
            state = self.state()
            assert not state['violations'], state['violations']
            assert not state['groups'], 'groups are left: %r' % sorted(state['groups'])
        finally:
            self.fake.stdin.close()
            self.fake.wait()
            if self.farm:
                self.farm.close()


def quiet(home):
    """Who has credentials is not asked about them by what only looks; a plan asks for quotas and for nothing else."""
    before = len(home.state()['requests'])
    home.ok('status')
    home.ok('offers', 'provider:azure')
    assert len(home.state()['requests']) == before, home.state()['requests'][before:]
    home.ok('launch', '--dryrun', '--infra', 'azure', '--instance-type', 'Standard_NC24ads_A100_v4', '--', 'true')
    other = [r for r in home.state()['requests'][before:] if not re.match(r'POST /t/oauth2/|GET /subscriptions(/sub-1/providers/Microsoft.Compute/locations/\w+/usages)?\?', r)]
    assert not other, other


def figures(home):
    """Who one is, what one may have, and what is sold; and who has no credentials is told where they were looked for, at no cost."""
    said = home.ok('check', 'azure')
    assert 'subscription sub-1' in said and 'lowPriorityCores' in said, said
    home.ok('catalog', 'update', '--live', 'azure')
    sold = home.json('offers', 'provider:azure', 'Standard_NC24ads_A100_v4', '--all')['offers']
    assert ('eastus', 3673000, 918250) in [(o['region'], o['price_uusd_h'], o['spot_uusd_h']) for o in sold], sold
    del home.env['AZURE_CLIENT_SECRET']
    before = len(home.state()['requests'])
    rc, out, err = home.run('check', 'azure')
    assert rc == 4 and 'az login' in out, (rc, out, err)
    home.run('engine', 'stop')
    rc, out, err = home.launch()
    assert rc == 4 and 'AZURE_CLIENT_SECRET' in err, (rc, err)
    assert len(home.state()['requests']) == before


def one(home):
    home.need_ssh()
    rc, out, err = home.launch(cmd='echo "rank $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES"')
    assert rc == 0 and 'rank 0 of 1' in out, (out, err)
    assert home.machines() == [('eastus', '0', 'running')], home.machines()
    home.ok('stop', '-y', 'x')
    assert home.machines() == [('eastus', '0', 'deallocated')]
    home.ok('start', '-y', 'x')
    assert 'again' in home.ok('exec', 'x', '--', 'echo again')
    home.ok('down', '-y', 'x')
    assert home.state()['groups'] == {}
    state = open(home.dir + '/state/engine.log').read()
    assert 'eyJ.' not in state and 'client_secret=good' not in state


def several(home):
    home.need_ssh()
    home.ok('catalog', 'update', '--live', 'azure')  # spot prices
    rc, out, err = home.launch('--num-nodes', '2', '--use-spot', cmd='echo "rank $SKYPILOT_NODE_RANK"')
    assert rc == 0 and 'rank 0' in out and 'rank 1' in out, (out, err)
    for v in home.state()['vms']:
        home.tell('reclaim', name=v['name'])
    home.run('status', '--refresh')
    home.wait('the reclaim to be seen', lambda: [e for e in home.json('events') if e['kind'] == 'cluster.preempted'], 30)
    home.wait('its group to be gone', lambda: not home.state()['groups'], 30)


def failover(home):
    home.need_ssh()
    home.tell('set', stockout=['eastus', 'westus2'])
    rc, out, err = home.run('launch', '-y', '-c', 'x', '--infra', 'azure', '--instance-type', 'Standard_D4s_v5', '--', 'echo here', timeout=120)
    assert rc == 0 and 'here' in out, (out, err)
    assert [m[0] for m in home.machines()] == ['westeurope'], home.machines()


def refused(home):
    home.tell('set', stockout=['eastus'])
    rc, out, err = home.launch()
    assert rc == 3 and 'sufficient capacity' in err, (rc, err)
    assert home.state()['groups'] == {}, home.state()['groups']
    home.tell('set', stockout=[])
    home.tell('fault', match='PUT .*/virtualMachines/', times=9, status=403, body={'error': {'code': 'AuthorizationFailed', 'message': 'does not have authorization'}})
    rc, out, err = home.launch(infra='azure/westus2')
    assert rc == 4 and 'Contributor' in err, (rc, err)
    assert home.machines() == []


def killed(home):
    """The engine dies at one commit after the other while it makes a machine that cannot be reached; then all is taken back."""
    for n in range(1, 13, 1 if os.environ.get('SKYTOP_TORTURE') else 5):
        home.ok('engine', '--crash-at-commit', str(n), '--idle-exit-ms', '60000')
        p = home.start('launch', '-y', '-c', 'x', '--infra', 'azure/eastus', '--instance-type', 'Standard_D4s_v5', '--', 'true')
        home.wait('the machine', lambda: p.poll() is not None or home.machines(), 20)
        p.kill()
        p.communicate()
        home.run('down', '-y', 'x', timeout=60)
        home.wait('all to be gone', lambda: not home.state()['groups'], 30)
        # More than once: its supervisor may just be starting it again.
        home.wait('the engine to be gone', lambda: home.run('engine', 'stop') and not home.processes(), 30)


def swept(home):
    """A machine that skytop made and does not know any more is told and ended."""
    home.need_ssh()
    rc, out, err = home.launch()
    assert rc == 0, err
    home.run('engine', 'stop')
    for name in os.listdir(home.dir + '/state'):
        if name.startswith('state.db'):
            os.unlink(home.dir + '/state/' + name)
    told = home.ok('sweep')
    assert 'azure' in told and 'x' in told, told
    home.run('sweep', '--destroy', '-y')
    home.wait('it to be gone', lambda: not home.machines(), 30)


main([('looking makes nothing', quiet, {}), ('who, what, how much', figures, {}), ('one machine', one, {'nodes': 1}),
      ('two machines, both taken back', several, {'nodes': 2}), ('elsewhere when there is none left', failover, {'nodes': 1}), ('refused', refused, {}),
      ('the engine killed', killed, {}), ('a machine that nobody knows', swept, {'nodes': 1})], Azure)
