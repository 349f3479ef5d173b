#!/usr/bin/env python3
"""A cloud over HTTP as a person meets it, here the stand-in for Google's: who one is and what one may do there, prices asked of the cloud itself
with their history, a machine that a lost state forgot. TAP."""
import glob, json, os, signal, subprocess, sys, time, urllib.request
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import Home, main  # noqa

FAKE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'providers', 'fake_gcp.py')


class Cloud(Home):
    def __init__(self):
        super().__init__()
        self.fake = subprocess.Popen([sys.executable, '-S', FAKE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.base = 'http://127.0.0.1:%d' % int(self.fake.stdout.readline())
        for name in [n for n in self.env if n.startswith(('AWS_', 'GOOGLE_', 'AZURE_', 'CLOUDSDK_', 'SKYTOP_AWS', 'SKYTOP_AZURE'))]:
            del self.env[name]
        adc = self.dir + '/adc.json'
        with open(adc, 'w') as f:
            json.dump({'type': 'authorized_user', 'client_id': 'c', 'client_secret': 'TOPSECRET', 'refresh_token': 'good', 'quota_project_id': 'proj-1'}, f)
        self.env.update(HOME=self.dir, SKYTOP_GCP_ENDPOINT=self.base, GOOGLE_APPLICATION_CREDENTIALS=adc, CLOUDSDK_CONFIG=self.dir)
        self.tell('set', {'op_s': 0.05})

    def tell(self, what, data):
        urllib.request.urlopen(urllib.request.Request('%s/fake/%s' % (self.base, what), json.dumps(data).encode(), {'Content-Type': 'application/json'}), timeout=20).read()

    def machines(self):
        state = json.load(urllib.request.urlopen(self.base + '/fake/state', timeout=20))
        return state['instances']

    def kill_engine(self):
        """And who would start it again: who looks after it first."""
        def pids():
            found = []
            for pid in self.processes():
                try:
                    if open('/proc/%d/cmdline' % pid).read().split('\0')[1:2] == ['engine']:
                        found.append(pid)
                except OSError:
                    pass
            return found
        while pids():
            engines = self.engine_pids()
            for pid in [p for p in pids() if p not in engines] or engines:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            time.sleep(0.02)

    def close(self):
        try:
            self.tell('reset', {})  # its machines are nowhere: nothing is to be waited for
            for pid in self.engine_pids():
                os.kill(pid, signal.SIGTERM)
            self.wait('the engine to leave', lambda: not self.engine_pids())
        finally:
            super().close()
            self.fake.stdin.close()
            self.fake.wait(20)


def who_one_is(h):
    rc, out, err = h.run('check', 'gcp')
    assert rc == 0 and 'valid' in out and 'project proj-1' in out and 'NVIDIA_L4_GPUS' in out and '0 missing' in out, (rc, out, err)
    assert 'TOPSECRET' not in out + err
    a = h.json('check', 'gcp')[0]
    assert a['enabled'] and a['account']['enabled'] and a['credentials'] == 'found', a
    assert all(p['ok'] for p in a['account']['permissions']) and a['account']['quotas'], a
    assert 'valid' in h.ok('check') and 'serviceusage.services.use' in h.ok('check', 'gcp', '-v')
    assert h.engine_pids() == [], 'no engine is needed for it'
    assert h.json('check', 'gcp', '--offline')[0]['account'] is None
    # A permission that is missing is named, with what to do.
    body = {'permissions': ['compute.instances.list']}
    h.tell('fault', {'match': 'testIamPermissions', 'times': 50, 'status': 200, 'body': body})
    rc, out, err = h.run('check', 'gcp')
    assert rc == 4 and 'compute.instances.create' in out and 'missing' in out and 'Compute Admin' in out, (rc, out, err)
    rc, out, err = h.run('check')
    assert rc == 0 and 'refused' in out, (rc, out)
    # The cloud takes the credentials back, or none are there: no error unless it was named.
    h.env.pop('GOOGLE_APPLICATION_CREDENTIALS')
    os.unlink(h.dir + '/adc.json')
    assert h.run('check')[0] == 0
    rc, out, err = h.run('check', 'gcp')
    assert rc == 4 and 'gcloud auth application-default login' in out, (rc, out, err)


def prices_of_the_cloud_itself(h):
    r = h.json('catalog', 'update', '--live', 'gcp')['clouds'][0]
    assert r['offers'] > 50 and not r['refused'], r
    offers = h.json('offers', 'cloud:gcp gpu:l4')['offers']
    assert offers and all('asked directly' in json.dumps(o) for o in offers[:3]), offers[:2]
    again = h.json('catalog', 'update', '--live', 'gcp')['clouds'][0]
    assert again['offers'] == r['offers'] and again['added'] == again['removed'] == again['changed'] == 0, again
    # The engine has it done in a child, and says how far it is; one at a time.
    h.json('status')
    h.tell('fault', {'match': '/skus', 'wait_s': 0.5})
    rid = h.ask('submit', verb='prices', args={'clouds': ['gcp']})['result']['id']
    said = set()

    def over():
        r = [r for r in h.json('requests', '--all') if r['id'] == rid][0]
        said.add(r['progress'])
        return r if r['finished_at'] else None
    twice = h.ask('submit', verb='prices', args={})
    assert 'already' in twice['error']['message'], twice
    r = h.wait('the prices', over)
    assert r['state'] == 'SUCCEEDED' and r['result']['clouds'][0]['offers'] == again['offers'], r
    assert any('offers' in (s or '') for s in said), said
    assert [e['text'] for e in h.json('events') if e['kind'] == 'prices'] == ['gcp: %d offers, 0 new, 0 gone, 0 prices changed' % again['offers']]
    assert 'no provider' in h.ask('submit', verb='prices', args={'clouds': ['nope']})['error']['message']
    # It breaks off in the middle: the old stays, marked.
    h.tell('fault', {'match': '/skus', 'times': 50, 'status': 403, 'body': {'error': {'code': 403, 'message': 'no', 'errors': [{'reason': 'forbidden'}]}}})
    rc, out, err = h.run('catalog', 'update', '--live', 'gcp')
    assert rc != 0 and 'kept as they were' in err, (rc, out, err)
    assert len(h.json('offers', 'cloud:gcp gpu:l4')['offers']) == len(offers)
    rid = h.ask('submit', verb='prices', args={'clouds': ['gcp']})['result']['id']
    r = h.wait('the refusal', lambda: [r for r in h.json('requests', '--all') if r['id'] == rid and r['finished_at']])[0]
    assert r['state'] == 'FAILED' and 'kept as they were' in r['error']['message'], r


def a_forgotten_machine(h):
    h.ok('catalog', 'update', '--live', 'gcp')
    h.ok('launch', '-y', '--async', '-c', 'lost', '--infra', 'gcp', '--gpus', 'L4:1', 'true')
    h.wait('the machine', lambda: h.machines())
    h.kill_engine()
    for f in glob.glob(h.dir + '/state/state.db*'):
        os.unlink(f)
    found = h.json('sweep', 'gcp')['machines']
    assert len(found) == 1 and found[0]['cluster'] == 'lost' and found[0]['kind'] == 'cluster' and found[0]['created_at'], found
    assert found[0]['price_uusd_h'] and found[0]['price_estimated'] == (found[0]['price_source'] == 'the catalog, now'), found
    assert h.json('status') == [], 'a cloud is swept on request'
    h.ok('sweep', 'gcp', '--destroy', '-y')
    assert not h.machines(), h.machines()


main([
    ('who one is, and what is missing', who_one_is, {}),
    ('prices are asked of the cloud itself', prices_of_the_cloud_itself, {}),
    ('a machine that the state forgot', a_forgotten_machine, {}),
], Cloud)
