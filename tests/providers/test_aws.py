#!/usr/bin/env python3
"""AWS end to end: the list that every provider is held to, and clusters from launch to down, with jobs that really run: moto's server is EC2 (see
aws_cloud.py), real sshd's are its machines. TAP. With SKYTOP_TORTURE=1 also what costs more."""
import hashlib, json, os, re, subprocess, sys, threading
HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ('.', '../run', '../ssh'):
    sys.path.insert(0, os.path.join(HERE, folder))
import engine_test  # noqa: E402
from aws_cloud import Cloud, Unavailable as NoCloud  # noqa: E402
from farm import Farm, Unavailable as NoFarm  # noqa: E402

class Machines:
    """What launches, stops and ends do to the farm's nodes. Power is cut, as a cloud does; a new instance has an empty disk."""

    def __init__(self, farm):
        self.farm, self.at, self.lock = farm, {n.host: n for n in farm.nodes}, threading.Lock()

    def launch(self, address, key):
        node = self.at[address]
        with self.lock:
            if node.proc:
                node.kill()
            home = node.dir + '/home'
            for name in os.listdir(home):
                subprocess.run(['rm', '-rf', home + '/' + name] if name != '.ssh' else ['true'], check=True)
            with open(home + '/.ssh/authorized_keys', 'a') as f:
                f.write(key + '\n')
            node.boot(wait=False)

    def start(self, address):
        self.at[address].boot(wait=False)

    def stop(self, address):
        self.at[address].kill()

    end = stop


class AwsHome(engine_test.Home):
    def __init__(self, world=None):
        super().__init__(config='aws:\n  regions: us-east-1,us-west-2\n')
        self.cloud = world
        for name in [n for n in self.env if n.startswith('AWS_')]:
            del self.env[name]
        self.env.update(world.env, HOME=self.dir + '/user')
        self.env.pop('SSH_AUTH_SOCK', None)
        os.makedirs(self.dir + '/user/.ssh', 0o700)

    def need_machines(self):
        if not self.cloud.machines:
            raise engine_test.Skip(self.cloud.why_none)

    def launch(self, name, *args, **kw):
        return self.run('launch', '-y', '-c', name, *args, timeout=120, **kw)

    def alive(self):
        return {i: s for i, s in self.cloud.instances().items() if s not in ('terminated', 'shutting-down')}


def program(h, name, least, env=None):
    """A program of step functions: as many cases of it as that go well, and none goes badly."""
    path = os.path.join(os.environ.get('top_builddir', '.'), 'tests/providers', name)
    if not os.path.exists(path):
        raise engine_test.Skip('cmocka is not here')
    machines, h.cloud.machines = h.cloud.machines, None
    p = subprocess.run([path], env=dict(h.env, RIG_VARS='1', CMOCKA_MESSAGE_OUTPUT='TAP', **(env or {})), capture_output=True, text=True, timeout=5400)
    h.cloud.machines = machines
    assert p.returncode == 0 and len(re.findall(r'(?m)^ok \d', p.stdout + p.stderr)) >= least, p.stdout + p.stderr


def the_list(h):
    program(h, 'test_aws_cloud', 5)


def torture(h):
    if not os.environ.get('SKYTOP_TORTURE'):
        return program(h, 'test_aws_torture', 5)
    with Cloud(addresses=['127.0.0.1'], quotas=h.cloud.quotas, auth=False) as own:  # one that may forget what was
        program(h, 'test_aws_torture', 600, own.env)


def keys(h):
    """Whose keys count is found out by real requests: of a pod, of a machine of EC2, of a login, of a program, and of a role that is taken with them."""
    cloud, env = h.cloud, {k: v for k, v in h.env.items() if not k.startswith('AWS_')}
    env.update(AWS_ENDPOINT_URL=cloud.url, AWS_REGION='us-east-1')
    home = h.dir + '/user/.aws'
    os.makedirs(home + '/sso/cache')

    def put(name, text):
        with open(home + '/' + name, 'w') as f:
            f.write(text)
        os.chmod(home + '/' + name, 0o700)
        return home + '/' + name
    put('sso/cache/%s.json' % hashlib.sha1(b'corp').hexdigest(), '{"accessToken": "BEARER", "expiresAt": "2099-01-01T00:00:00Z"}')
    give = put('give keys', '#!/bin/sh\n[ "$1 $2" = "for me" ] && echo \'%s\'' % json.dumps({'Version': 1, 'AccessKeyId': cloud.key, 'SecretAccessKey': cloud.secret}))
    put('config', '[sso-session corp]\nsso_start_url = https://corp\nsso_region = us-east-1\n[profile sso]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = Dev\n'
        '[profile run]\ncredential_process = "%s" for me\n[profile role]\nrole_arn = %s\nsource_profile = run\n' % (give, cloud.role))
    token = put('token', 'POD\n')
    for words, more in ((['container'], {'AWS_CONTAINER_CREDENTIALS_FULL_URI': cloud.url + '/pod/keys', 'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE': token}),
                        (["machine's role"], {'AWS_EC2_METADATA_SERVICE_ENDPOINT': cloud.url}), (['SSO login of profile sso'], {'AWS_PROFILE': 'sso'}),
                        (['credential_process of profile run'], {'AWS_PROFILE': 'run'}), (['assumed-role/worker/skytop-', 'a role of profile role'], {'AWS_PROFILE': 'role'})):
        p = subprocess.run([engine_test.SKYTOP, 'check', 'aws', '--json'], env=dict(env, **more), capture_output=True, text=True, timeout=60)
        r = json.loads(p.stdout)[0]
        assert r['enabled'] and all(w in r['account']['identity'] for w in words), (words, p.stdout, p.stderr)
    p = subprocess.run([engine_test.SKYTOP, 'check', 'aws'], env=dict(env, AWS_CONTAINER_CREDENTIALS_FULL_URI=cloud.url + '/pod/keys'), capture_output=True, text=True)
    assert p.returncode == 4 and re.search(r'(?m)^aws +refused +no +', p.stdout) and 'HTTP status 403' in p.stdout, p.stdout


def one_node(h):
    """A place without capacity is left, the next one taken; a job runs; stopped, started, and gone in the end."""
    h.need_machines()
    launched = h.cloud.asked('RunInstances')
    h.cloud.fault('RunInstances', code='InsufficientInstanceCapacity', status=500, message='We currently do not have sufficient g6.xlarge capacity')
    rc, out, err = h.launch('one', '--infra', 'aws', '--gpus', 'L4:1', '--ports', '8080', 'echo hello from $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES')
    assert rc == 0 and 'hello from 0 of 1' in out, (rc, out, err)
    assert h.cloud.asked('RunInstances') == launched + 2 and len(h.alive()) == 1, h.alive()
    c = h.json('status')[0]
    assert c['status'] == 'UP' and c['provider'] == 'aws' and c['nodes'][0]['ip'], c
    h.ok('stop', '-y', 'one')
    assert list(h.alive().values()) == ['stopped'], h.alive()
    assert h.json('status')[0]['status'] == 'STOPPED'
    h.ok('start', '-y', 'one', timeout=120)
    assert [g['ports'] for g in h.cloud.rig_truth()['groups']] == [['8080']], h.cloud.rig_truth()
    rc, out, err = h.launch('one', '--ports', '8080', '--ports', '9000-9010', 'echo again')
    assert rc == 0 and 'again' in out, (rc, out, err)
    truth = h.cloud.rig_truth()
    assert [g['ports'] for g in truth['groups']] == [['8080', '9000-9010']] and truth['groups'][0]['name'] in truth['machines'][0]['groups'], truth
    h.ok('down', '-y', 'one')
    assert not h.alive() and not h.cloud.rig_truth()['groups'], h.cloud.rig_truth()


def three_spot(h):
    """All nodes by one call, as spot; its answer is lost, and nothing is made twice."""
    h.need_machines()
    h.cloud.fault('RunInstances', lose=True)
    before = h.cloud.asked('RunInstances')
    rc, out, err = h.launch('three', '--infra', 'aws/us-east-1', '--gpus', 'L4:1', '--use-spot', '--num-nodes', '3', 'echo rank $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES')
    assert rc == 0 and all('rank %d of 3' % i in out for i in range(3)), (rc, out, err)
    assert len(h.alive()) == 3, h.alive()
    form = [f for a, r, f in h.cloud.log if a == 'RunInstances'][before]
    assert form['MinCount'] == form['MaxCount'] == '3' and form['InstanceMarketOptions.MarketType'] == 'spot', form
    assert {n['ip'] for n in h.json('status')[0]['nodes']} <= {n.host for n in h.cloud.machines.farm.nodes}
    h.ok('down', '-y', 'three')
    assert not h.alive(), h.alive()


def no_quota(h):
    """Refused: the launch ends with what AWS said, and nothing is left."""
    h.cloud.fault('RunInstances', code='VcpuLimitExceeded', status=400, times=99, message='You have requested more vCPU capacity than your current vCPU limit')
    rc, out, err = h.launch('none', '--infra', 'aws/us-east-1', '--gpus', 'L4:1', 'true')
    h.cloud.faults.clear()
    assert rc == 3 and 'VcpuLimitExceeded' in err + out, (rc, out, err)
    assert not h.alive(), h.alive()


def no_network(h):
    """A region whose default network somebody took away: it is made again, with a subnet in the zone."""
    h.need_machines()

    def ask(action, **form):
        return h.cloud.signed('us-west-2', dict(form, Action=action, Version='2016-11-15'))
    for subnet in re.findall('<subnetId>([^<]+)', ask('DescribeSubnets')):
        ask('DeleteSubnet', SubnetId=subnet)
    for vpc in re.findall('<vpcId>([^<]+)', ask('DescribeVpcs')):
        ask('DeleteVpc', VpcId=vpc)
    assert '<vpcId>' not in ask('DescribeVpcs')
    rc, out, err = h.launch('net', '--infra', 'aws/us-west-2', '--gpus', 'L4:1', 'echo here')
    assert rc == 0 and 'here' in out and '<isDefault>true' in ask('DescribeVpcs'), (rc, out, err)
    h.ok('down', '-y', 'net')
    assert not h.alive(), h.alive()


def left_behind(h):
    """The state is lost while a cluster is up: the sweep finds it by its marks, and ends it."""
    h.need_machines()
    rc, out, err = h.launch('lost', '--infra', 'aws/us-east-1', '--gpus', 'L4:1', '--ports', '8080', '-d', 'sleep 1000')
    assert rc == 0, (rc, out, err)
    h.run('engine', 'stop')
    h.wait('the engine to leave', lambda: not h.engine_pids())
    subprocess.run(['rm', '-rf', h.dir + '/state'], check=True)
    rc, out, err = h.run('sweep', 'aws')
    assert 'lost' in out + err, (rc, out, err)
    h.ok('sweep', '--destroy', '-y', 'aws', timeout=120)
    assert not h.alive() and not h.cloud.rig_truth()['groups'], h.cloud.rig_truth()


def settle(h):
    """All requests have ended; the engine may be dying, or coming back."""
    def over():
        rc, out, err = h.run('requests', '--json')
        return rc == 0 and out.strip() == '[]'
    h.wait('requests to end', over, 120)


def killed(h):
    """The engine dies after a commit, and comes back: one cluster's machines are there, or nobody's; and none after its end."""
    h.need_machines()
    h.run('engine', 'stop')
    for n in range(1, 24):
        h.run('engine', '--crash-at-commit', str(n), '--idle-exit-ms', '60000')
        for _ in range(4):
            h.run('launch', '-y', '-d', '-c', 'k', '--infra', 'aws/us-east-1', '--gpus', 'L4:1', '--ports', '8080', 'sleep 100', timeout=120)
            settle(h)
            up = [c for c in h.json('status') if c['status'] == 'UP']
            assert len(h.alive()) == len(up) <= 1, (n, h.alive(), h.json('status'))
            if up:
                break
        assert up, n
        for _ in range(4):
            h.run('down', '-y', 'k', timeout=120)
            settle(h)
            if not h.json('status'):
                break
        truth = h.cloud.rig_truth()
        assert not truth['machines'] and not truth['groups'], (n, truth, h.json('status'))
        h.run('engine', 'stop')
        h.wait('the engine to leave', lambda: not h.engine_pids())
    died = open(h.dir + '/state/engine.log').read().count('the engine died')
    assert died > 15, died  # a life has some twenty commits


def prices(h):
    """Live offers with keys: all types and zones of two regions, on demand and as spot."""
    rc, out, err = h.run('catalog', 'update', '--live', '--json', 'aws', timeout=300)
    assert rc == 0 and json.loads(out)['clouds'][0]['offers'] > 3000, (rc, out, err)
    rows = h.json('offers', '--all', 'L4', '--infra', 'aws/us-west-2')['offers']
    mine = [o for o in rows if o['instance_type'] == 'g6.xlarge' and o['zone'].startswith('us-west-2')]
    assert mine and all(o['price_uusd_h'] == 804800 for o in mine), rows[:3]


TORTURED = 'each request in turn goes wrong in each way' if os.environ.get('SKYTOP_TORTURE') else 'a few of the requests, spread evenly, go wrong in one way each'
CASES = [('the list that every provider is held to', the_list), (TORTURED, torture),
         ('keys from where they are given', keys), ('one node, after a zone without capacity: a job, stop, start, down', one_node),
         ('three spot nodes by a call whose answer is lost', three_spot)]
COSTLY = [('the engine is killed after commits', killed), ('live offers', prices), ('no quota', no_quota), ('no default network', no_network), ('a sweep finds and ends what was left behind', left_behind)]


def main():
    farm, why = None, ''
    try:
        farm = Farm(4, gpus=1, one_host_key=True, boot=False)  # first: it may move this process into a network of its own
        why = 'machines with addresses of their own cannot be had here' if farm.plain else ''
    except NoFarm as e:
        why = str(e)
    try:
        with Cloud(addresses=[n.host for n in farm.nodes] if not why else ['127.0.0.1'], quotas={'L-DB2E81BA': 64, 'L-3819A6DF': 64, 'L-417A185B': 0}) as cloud:
            cloud.machines, cloud.why_none = None if why else Machines(farm), why
            cases = CASES + (COSTLY if os.environ.get('SKYTOP_TORTURE') else [])
            engine_test.main([(name, fn, {'world': cloud}) for name, fn in cases], make=AwsHome)
    except NoCloud as e:
        print('1..0 # SKIP %s' % e)
    finally:
        if farm:
            farm.close()


if __name__ == '__main__':
    main()
