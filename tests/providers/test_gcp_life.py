#!/usr/bin/env python3
"""The whole program over Google Cloud: launches, jobs, stops, failover, reclaims, sweeps and kills of the engine, against the stand-in
fake_gcp.py, whose machines are real ones behind sshd. TAP; cases with jobs are skipped where nodes cannot be made (farm.py)."""
import json, os, re, signal, subprocess, sys, time, urllib.request
TOP = os.path.abspath(os.environ.get('top_srcdir', '.'))
sys.path[:0] = [TOP + '/tests/run', TOP + '/tests/ssh']
sys.dont_write_bytecode = True
import farm as farms  # noqa: E402
from engine_test import Home, Skip, main  # noqa: E402

SPEC = os.environ.get('SKYTOP_SHARED', TOP + '/../shared') + '/specs/gcp/compute-strict.json'
PLACE = 'gcp/us-central1/us-central1-a'


class Google(Home):
    def __init__(self, nodes=0, config=''):
        self.farm, self.why = None, None
        if nodes:
            self.why = farms.can_isolate() or (None if farms.tool('sshd') else 'there is no sshd')
            if not self.why:
                self.farm = farms.Farm(nodes)
        super().__init__(config=config)
        program = TOP + '/tests/providers/fake_gcp.py'
        self.fake = subprocess.Popen([sys.executable, program, '--spec', SPEC], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.fake.stdout.readline())
        with open(self.dir + '/adc.json', 'w') as f:
            json.dump({'type': 'authorized_user', 'client_id': 'c', 'client_secret': 's', 'refresh_token': 'good', 'quota_project_id': 'proj-1'}, f)
        for name in [n for n in self.env if re.search(r'^(GOOGLE|GCLOUD|CLOUDSDK)_|proxy$', n, re.I)]:
            del self.env[name]
        os.makedirs(self.dir + '/user/.ssh', 0o700)
        self.env.update(HOME=self.dir + '/user', SSH_AUTH_SOCK='', SKYTOP_GCP_ENDPOINT='http://127.0.0.1:%d' % self.port,
                        GOOGLE_APPLICATION_CREDENTIALS=self.dir + '/adc.json',
                        CLOUDSDK_CONFIG=self.dir + '/gcloud')
        if self.farm:
            self.tell('set', addresses=[n.host for n in self.farm.nodes],
                      keys={n.host: n.dir + '/home/.ssh/authorized_keys' for n in self.farm.nodes})

    def need_ssh(self):
        if not self.farm:
            raise Skip(self.why)

    def tell(self, what, **kw):
        req = urllib.request.Request('http://127.0.0.1:%d/fake/%s' % (self.port, what), json.dumps(kw).encode())
        return json.load(urllib.request.urlopen(req))

    def state(self):
        return json.load(urllib.request.urlopen('http://127.0.0.1:%d/fake/state' % self.port))

    def machines(self):
        return sorted((i['zone'].split('/')[-1], i['labels']['skytop-rank'], i['status']) for i in self.state()['instances'])

    def launch(self, *more, infra=PLACE, cmd='true'):
        return self.run('launch', '-y', '-c', 'x', '--infra', infra, '--instance-type', 'e2-standard-4', *more, '--', cmd, timeout=120)

    def close(self):
        try:
            super().close()
            state = self.state()
            assert not state['violations'], state['violations']
            assert not state['instances'], 'machines are left: %r' % [i['name'] for i in state['instances']]
        finally:
            self.fake.stdin.close()
            self.fake.wait()
            if self.farm:
                self.farm.close()


def quiet(home):
    """Who has credentials is not asked about them by what only looks; a plan asks for quotas and for nothing else."""
    before = len(home.state()['requests'])
    home.ok('status')
    home.ok('offers', 'provider:gcp')
    assert len(home.state()['requests']) == before, home.state()['requests'][before:]
    home.ok('launch', '--dryrun', '--infra', 'gcp', '--gpus', 'L4:1', '--', 'true')
    quotas = r'POST /token$|GET /compute/v1/projects/proj-1(/regions/[a-z0-9-]+)?$'
    other = [r for r in home.state()['requests'][before:] if not re.match(quotas, r)]
    assert not other, other
    # A place without quota is passed over, and named.
    home.run('engine', 'stop')
    home.tell('set', regional={'NVIDIA_L4_GPUS': 0.0})
    rc, out, err = home.run('launch', '-y', '-c', 'x', '--infra', 'gcp/us-central1', '--gpus', 'L4:1', '--', 'true')
    assert rc == 3 and 'NVIDIA_L4_GPUS' in err, (rc, out, err)
    assert not [r for r in home.state()['requests'] if r.startswith('POST') and 'instances' in r]


def figures(home):
    """Who one is, what one may have, and what is sold; and who has no credentials is told where they were looked for, at no cost."""
    said = home.ok('check', 'gcp')
    assert 'project proj-1' in said and 'GPUS_ALL_REGIONS' in said, said
    home.tell('set', denied=['compute.instances.create'], page=20)
    rc, out, err = home.run('check', 'gcp')
    assert rc == 4 and 'permissions are missing: compute.instances.create' in out, (rc, out, err)
    home.ok('catalog', 'update', '--live', 'gcp')
    sold = home.json('offers', 'provider:gcp', 'a4-highgpu-8g', '--all')['offers']
    assert [(o['zone'], o['price_uusd_h'], o['spot_uusd_h']) for o in sold] == [('us-central1-b', None, 64000000)], sold
    del home.env['GOOGLE_APPLICATION_CREDENTIALS']
    before = len(home.state()['requests'])
    rc, out, err = home.run('check', 'gcp')
    assert rc == 4 and 'gcloud auth application-default login' in out, (rc, out, err)
    home.run('engine', 'stop')
    rc, out, err = home.launch()
    assert rc == 4 and 'application_default_credentials.json' in err, (rc, err)
    assert len(home.state()['requests']) == before


def one(home):
    home.need_ssh()
    rc, out, err = home.launch(cmd='echo "rank $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES"')
    assert rc == 0 and 'rank 0 of 1' in out, (out, err)
    assert home.machines() == [('us-central1-a', '0', 'RUNNING')], home.machines()
    made = home.state()['instances'][0]
    keys = [i['value'] for i in made['metadata']['items'] if i['key'] == 'ssh-keys']
    assert re.match(r'ubuntu:ssh-ed25519 \S+ skytop$', keys[0]), keys
    home.ok('stop', '-y', 'x')
    assert home.machines() == [('us-central1-a', '0', 'TERMINATED')]
    home.ok('start', '-y', 'x')
    assert 'again' in home.ok('exec', 'x', '--', 'echo again')
    home.ok('down', '-y', 'x')
    assert home.machines() == []
    state = open(home.dir + '/state/engine.log').read()
    assert 'good' not in re.findall(r'refresh_token\W+(\w+)', state) and 'ya29' not in state


def several(home):
    home.need_ssh()
    rc, out, err = home.launch('--num-nodes', '2', '--use-spot', cmd='echo "rank $SKYPILOT_NODE_RANK"')
    assert rc == 0 and 'rank 0' in out and 'rank 1' in out, (out, err)
    for i in home.state()['instances']:
        home.tell('reclaim', name=i['name'])
    home.run('status', '--refresh')
    home.wait('the reclaim to be seen', lambda: [e for e in home.json('events') if e['kind'] == 'cluster.preempted'], 30)
    assert home.machines() == [] and home.json('status') == []


def failover(home):
    home.need_ssh()
    home.tell('set', stockout=['us-central1-a'])
    rc, out, err = home.run('launch', '-y', '-c', 'x', '--infra', 'gcp', '--instance-type', 'e2-standard-4', '--', 'echo here', timeout=120)
    assert rc == 0 and 'here' in out, (out, err)
    zones = {z for z, _, _ in home.machines()}
    assert len(home.machines()) == 1 and 'us-central1-a' not in zones, home.machines()


def refused(home):
    home.tell('set', stockout=['us-central1-a'])
    rc, out, err = home.launch()
    assert rc == 3 and 'enough resources' in err, (rc, err)
    assert home.machines() == []
    home.tell('set', stockout=[])
    home.tell('fault', match='POST .*/instances$', times=9, status=403,
              body={'error': {'code': 403, 'message': 'Required compute.instances.create permission', 'errors': [{'reason': 'forbidden'}]}})
    rc, out, err = home.launch(infra='gcp/europe-west4/europe-west4-a')
    assert rc == 4 and 'compute.instances.create' in err, (rc, err)
    assert home.machines() == []


def killed(home):
    """The engine dies at one commit after the other while it makes a machine that cannot be reached; then all is taken back."""
    for n in range(1, 13, 1 if os.environ.get('SKYTOP_TORTURE') else 4):
        home.ok('engine', '--crash-at-commit', str(n), '--idle-exit-ms', '60000')
        p = home.start('launch', '-y', '-c', 'x', '--infra', PLACE, '--instance-type', 'e2-standard-4', '--', 'true')
        home.wait('the machine', lambda: p.poll() is not None or home.machines(), 20)
        p.kill()
        p.communicate()
        home.run('down', '-y', 'x', timeout=60)
        home.wait('all to be gone', lambda: not home.machines(), 30)
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
    assert 'gcp' in told and 'x' in told, told
    home.run('sweep', '--destroy', '-y')
    home.wait('it to be gone', lambda: not home.machines(), 30)


main([('looking makes nothing', quiet, {}), ('who, what, how much', figures, {}), ('one machine', one, {'nodes': 1}),
      ('two machines, both taken back', several, {'nodes': 2}),
      ('elsewhere when there is none left', failover, {'nodes': 1}), ('refused', refused, {}), ('the engine killed', killed, {}),
      ('a machine that nobody knows', swept, {'nodes': 1})], Google)
