#!/usr/bin/env python3
"""Launches, jobs, stops, failover, reclaims, sweeps and kills of the engine on Google Cloud, against the stand-in fake_gcp.py: see cloud_life.py. TAP."""
import json, os, re, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import cloud_life as life  # noqa: E402
from engine_test import main  # noqa: E402


class Google(life.Cloud):
    name, program, spec, endpoint, variables = 'gcp', 'fake_gcp.py', 'gcp/compute-strict.json', 'SKYTOP_GCP_ENDPOINT', '^(GOOGLE|GCLOUD|CLOUDSDK|GCE)_'
    place, kind, running, stopped = 'gcp/us-central1/us-central1-a', 'e2-standard-4', 'RUNNING', 'TERMINATED'

    def log_in(self):
        with open(self.dir + '/adc.json', 'w') as f:
            json.dump({'type': 'authorized_user', 'client_id': 'c', 'client_secret': 's', 'refresh_token': 'good', 'quota_project_id': 'proj-1'}, f)
        self.env.update(GOOGLE_APPLICATION_CREDENTIALS=self.dir + '/adc.json', CLOUDSDK_CONFIG=self.dir + '/gcloud')

    def machines(self):
        return sorted((i['zone'].split('/')[-1], i['labels']['skytop-rank'], i['status']) for i in self.state()['instances'])

    def left(self, machines=False):
        return [i['name'] for i in self.state()['instances']]


def figures(home):
    life.quiet(home, r'POST /token$|GET /compute/v1/projects/proj-1(/regions/[a-z0-9-]+)?$', '--gpus', 'L4:1')
    said = home.ok('check', 'gcp')
    assert 'project proj-1' in said and 'GPUS_ALL_REGIONS' in said, said
    # A place without quota is passed over, and named.
    home.run('engine', 'stop')
    home.tell('set', regional={'NVIDIA_L4_GPUS': 0.0})
    rc, out, err = home.run('launch', '-y', '-c', 'x', '--infra', 'gcp/us-central1', '--gpus', 'L4:1', '--', 'true')
    assert rc == 3 and 'NVIDIA_L4_GPUS' in err, (rc, out, err)
    assert not [r for r in home.requests() if r.startswith('POST') and 'instances' in r]
    # TPUs are sold; that they cannot be had is said before they are tried.
    rc, out, err = home.run('launch', '-y', '-c', 'x', '--infra', 'gcp', '--gpus', 'tpu-v6e-8:1', '--', 'true')
    assert rc == 3 and 'TPUs of Google Cloud cannot be rented with skytop yet' in err and 'tried' not in err, (rc, out, err)
    home.tell('set', denied=['compute.instances.create'], page=20)
    rc, out, err = home.run('check', 'gcp')
    assert rc == 4 and 'permissions are missing: compute.instances.create' in out, (rc, out, err)
    home.ok('catalog', 'update', '--live', 'gcp')
    sold = home.json('offers', 'provider:gcp', 'a4-highgpu-8g', '--all')['offers']
    assert [(o['zone'], o['price_uusd_h'], o['spot_uusd_h']) for o in sold] == [('us-central1-b', None, 64000000)], sold
    life.penniless(home, 'GOOGLE_APPLICATION_CREDENTIALS', 'gcloud auth application-default login', 'application_default_credentials.json')


def jobs(home):
    home.need_ssh()
    life.one(home)
    log = open(home.dir + '/state/engine.log').read()
    assert 'good' not in re.findall(r'refresh_token\W+(\w+)', log) and 'ya29' not in log
    life.several(home)
    life.failover(home, ['us-central1-a'])
    keys = [i['value'] for i in home.state()['instances'][0]['metadata']['items'] if i['key'] == 'ssh-keys']
    assert re.match(r'ubuntu:ssh-ed25519 \S+ skytop$', keys[0]), keys
    life.swept(home)


def refusals(home):
    no = {'error': {'code': 403, 'message': 'Required compute.instances.create permission', 'errors': [{'reason': 'forbidden'}]}}
    life.refused(home, ['us-central1-a'], 'enough resources', 'gcp/europe-west4/europe-west4-a',
                 {'match': 'POST .*/instances$', 'times': 9, 'status': 403, 'body': no}, 'compute.instances.create')
    # What a task asks of Google alone is taken, or refused with words.
    with open(home.dir + '/task.yaml', 'w') as f:
        f.write('resources: {infra: %s, instance_type: %s}\nconfig: {gcp: {placement_policy: compact}}\nrun: "true"\n' % (home.place, home.kind))
    err = home.refused(1, 'launch', '-y', '-c', 'x', home.dir + '/task.yaml')
    assert 'config.gcp.placement_policy of the task: placement policies cannot be had' in err and not home.left(), err
    home.wait('the engine to be gone', lambda: home.run('engine', 'stop') and not home.processes(), 30)
    life.killed(home, 4)


main([('who, what, how much, and nothing made by looking', figures, {}), ('machines and their jobs', jobs, {'nodes': 2}),
      ('refused, and the engine killed', refusals, {}), ('as an independent validator reads the description', life.whole, {'nodes': 3, 'validated': True})], Google)
