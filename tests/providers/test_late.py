#!/usr/bin/env python3
"""Machines that the state has given up, and that are there all the same: a create served after the cluster was ended, and a cluster that is
believed to be gone. Nothing of it stays unseen. TAP."""
import json, os, signal, sqlite3, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'run'))
from engine_test import main  # noqa

SIM = '''version: 1
boot_ms: 20
regions: [{name: east, zones: [east-a]}, {name: west, zones: [west-a], price_factor: 2}]
types: [{name: small, vcpus: 8, mem_gib: 32, price: 0.30}]
'''
# Served when the cluster has been ended, also by a program that is slow (sanitizers, a busy machine). The engine that comes back asks once more.
SLOW = SIM + 'failures: [{verb: create, nth: 1, hang_ms: 6000}, {verb: create, nth: 2, hang_ms: 6000}]\n'


def nodes(h):
    d = h.dir + '/state/sim/nodes'
    return os.listdir(d) if os.path.isdir(d) else []


def creating(h):
    f = h.dir + '/state/sim/sim.json'
    return os.path.exists(f) and json.load(open(f))['calls'].get('create')


def late(h):
    return [e for e in h.json('events') if e['kind'] == 'node.late']


def a_create_comes_after_the_end(h):
    p = h.start('launch', '-y', '-c', 'k', '--infra', 'sim', '--num-nodes', '2', 'true')
    h.wait('the create', lambda: creating(h))
    for pid in h.engine_pids():
        os.kill(pid, signal.SIGKILL)
    p.kill()  # it would wait for what becomes of its request
    p.communicate(timeout=60)
    h.ok('down', '-y', 'k')
    assert h.json('status') == [] and not nodes(h), (h.json('status'), nodes(h))
    h.wait('the late nodes', lambda: late(h) or nodes(h))
    # One of the two may have come before the end, and went with it. Looked for after 2, 10, 40 and 120 s.
    h.wait('their end', lambda: late(h) and not nodes(h), 150)
    time.sleep(0.3)  # the create has long been served, or the other one comes now
    h.wait('their end', lambda: not nodes(h), 150)
    assert all(not r['running'] for r in h.json('cost')['clusters'])


def believed_to_be_gone(h):
    h.ok('launch', '-y', '-d', '-c', 'k', '--infra', 'sim', 'sleep 1000')
    h.ok('engine', 'stop')
    db = sqlite3.connect(h.dir + '/state/state.db')
    db.execute("UPDATE clusters SET removed_at = 1, status = 'REMOVED'")
    db.execute('UPDATE nodes SET gone_at = 1')
    db.commit()
    db.close()
    c = h.wait('the cluster', lambda: [c for c in h.json('status') if c['status'] == 'UP'])[0]
    assert c['name'] == 'k', c
    assert any(e['kind'] == 'cluster.adopted' for e in h.json('events'))
    h.ok('down', '-y', 'k')
    assert h.json('status') == [] and not nodes(h)


main([
    ('a create is served after the cluster was ended', a_create_comes_after_the_end, {'sim': SLOW}),
    ('a cluster that is believed to be gone is found', believed_to_be_gone, {'sim': SIM}),
], side_by_side=2)
