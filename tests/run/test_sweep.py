#!/usr/bin/env python3
"""Machines that skytop made and that no row knows: told, priced, adopted, destroyed; and never touched without being asked. TAP."""
import glob, os, shutil, sqlite3, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import main  # noqa

SIM = '''version: 1
boot_ms: 20
regions: [{name: east, zones: [east-a]}]
types: [{name: small, vcpus: 8, mem_gib: 32, price: 0.30}, {name: two, accelerator: H100, count: 2, gpu_mem_gib: 80, vcpus: 8, mem_gib: 32, price: 0.30}]
'''
SLOW_END = SIM + 'terminate_ms: 400\nfailures: [{verb: terminate, nth: 1, error: network}]\n'
NO_QUERY = SIM + 'failures: [{verb: query, every: 1, error: credentials}]\n'


def nodes(h, cloud):
    d = h.dir + '/state/%s/nodes' % cloud
    return sorted(os.listdir(d)) if os.path.isdir(d) else []


def forget(h, sql=None):
    """The engine's memory is gone, or a part of it."""
    h.ok('engine', 'stop')
    if not sql:
        for f in glob.glob(h.dir + '/state/state.db*'):
            os.unlink(f)
        return
    db = sqlite3.connect(h.dir + '/state/state.db')
    for line in sql:
        db.execute(line)
    db.commit()
    db.close()


def machines(h, *args):
    return h.json('sweep', *args)['machines']


def a_lost_state_is_told(h):
    h.ok('launch', '-y', '-d', '-c', 'pair', '--infra', 'sim', '--gpus', 'H100:2', '--num-nodes', '2', 'sleep 1000')
    h.ok('launch', '-y', '-d', '-c', 'own', '--infra', 'local', 'sleep 1000')
    assert machines(h) == []
    rc, out, err = h.run('sweep')
    assert rc == 0 and 'nothing' in err, (rc, out, err)
    forget(h)
    found = machines(h)
    assert sorted(m['cluster'] for m in found) == ['own', 'pair', 'pair'], found
    assert all(m['kind'] == 'cluster' and m['adoptable'] and m['status'] == 'RUNNING' for m in found), found
    assert [m['price_uusd_h'] for m in found if m['cluster'] == 'pair'] == [300000, 300000], found
    assert all(m['created_at'] for m in found)
    assert h.json('status') == [], 'nothing may be taken in without being asked for'
    assert [m['cluster'] for m in machines(h, 'local')] == ['own']
    told = h.wait('the events', lambda: [e for e in h.json('events') if e['kind'] == 'sweep.found'])
    assert any('2 machines' in e['text'] and '0.6' in e['text'] for e in told), told
    rc, out, err = h.run('sweep')
    assert rc == 0 and 'pair' in out and 'its cluster is not known here' in out and '--adopt' in err, (out, err)
    # adopted, they are clusters like any other
    h.ok('sweep', '--adopt', 'sim')
    pair = h.wait('the cluster', lambda: [c for c in h.json('status') if c['status'] == 'UP'])[0]
    assert pair['name'] == 'pair' and pair['num_nodes'] == 2 and pair['total_uusd_h'] == 600000 and pair['accelerator_count'] == 2, pair
    assert [m['cluster'] for m in machines(h)] == ['own']
    assert [j['status'] for j in h.wait('its jobs', lambda: h.json('queue', 'pair'))] == ['RUNNING']
    h.ok('down', '-y', 'pair')
    assert not nodes(h, 'sim') and len(nodes(h, 'local')) == 1
    # destroying is asked for, by id
    err = h.refused(2, 'sweep', '--destroy')
    assert nodes(h, 'local')[0] in err and 'own' in err, err
    assert len(nodes(h, 'local')) == 1
    done = h.json('sweep', '--destroy', '-y')['done']
    assert done[0]['provider'] == 'local' and len(done[0]['result']['destroyed']) == 1, done
    assert not nodes(h, 'local') and machines(h) == []


def destroyed_means_gone(h):
    h.ok('launch', '-y', '-d', '-c', 'k', '--infra', 'sim', 'sleep 1000')
    forget(h)
    rc, out, err = h.run('sweep', '--destroy', '-y')
    assert rc == 0 and 'confirmed gone' in err, (out, err)
    assert not nodes(h, 'sim'), 'it was said to be gone'
    assert any(e['kind'] == 'sweep.destroyed' for e in h.json('events'))


def of_a_known_cluster_only_the_stranger_goes(h):
    h.ok('launch', '-y', '-d', '-c', 'k', '--infra', 'sim', '--num-nodes', '2', 'sleep 1000')
    forget(h, ['DELETE FROM nodes WHERE rank = 1'])
    found = machines(h)
    assert [(m['cluster'], m['kind'], m['adoptable'], m['rank']) for m in found] == [('k', 'left', False, 1)], found
    rc, out, err = h.run('sweep', '--adopt')
    assert 'cannot be adopted' in err and len(machines(h)) == 1, (rc, err)
    h.ok('sweep', '--destroy', '-y')
    assert len(nodes(h, 'sim')) == 1 and machines(h) == []
    assert h.json('status')[0]['name'] == 'k'
    h.ok('down', '-y', 'k')


def what_cannot_be_asked_is_said(h):
    rc, out, err = h.run('sweep', 'sim')
    assert rc == 4 and 'could not be asked' in err and 'all machines' not in err, (rc, out, err)
    assert h.json('sweep', 'local')['clouds'][0]['asked'] is True
    assert 'no machines on' in h.refused(2, 'sweep', 'simm') and 'go together' in h.refused(2, 'sweep', '--adopt', '--destroy')


main([
    ('a state that was lost is told, adopted, destroyed', a_lost_state_is_told, {'sim': SIM}),
    ('destroyed means that the cloud says gone', destroyed_means_gone, {'sim': SLOW_END}),
    ('of a known cluster only the stranger goes', of_a_known_cluster_only_the_stranger_goes, {'sim': SIM}),
    ('what cannot be asked is said', what_cannot_be_asked_is_said, {'sim': NO_QUERY}),
])
