#!/usr/bin/env python3
"""Pools over real SSH: hosts that vanish and come back, that are gone for good, that boot; the file of pools as `skytop ssh-pool add` changes it. TAP."""
import os, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'ssh'))
from bed import Bed, Skip, main  # noqa


def row(b, i):
    return [h for h in b.json('ssh-pool', 'list')['hosts'] if h['host'] == b.nodes[i].host][0]


def kinds(b):
    return [e['kind'] for e in b.json('events') if e['kind'].startswith('host.')]


def forget(node):
    """As a person would clean up after a cluster that was given up."""
    node.run('rm -rf ~/.skytop; sed -i /skytop:/d ~/.ssh/authorized_keys')


def vanish_and_return(b):
    b.need()
    b.launch('--num-nodes', '2', '--cpus', '1', 'true')
    assert [len(row(b, i)['leases']) for i in (0, 1)] == [1, 1] and row(b, 0)['leases'][0]['ours'], b.json('ssh-pool', 'list')
    b.nodes[1].stop_sshd()
    b.nodes[1].drop_connections()
    b.wait('the host to be missed', lambda: row(b, 1)['silent_since'])
    assert 'host.lost' in kinds(b) and not row(b, 1)['answers'] and 'refused' in row(b, 1)['why'], (kinds(b), row(b, 1))
    rc, out, _ = b.run('ssh-pool', 'check', 'farm/' + b.nodes[1].host)
    assert rc == 1 and 'silent since' in out and 'is it on' in out, (rc, out)
    c = b.json('status', '-r')[0]
    assert c['status'] == 'UP', c  # what cannot be asked is what it was
    sold = b.json('offers', 'cloud:ssh')['offers']  # what is free now, on the host that answers
    assert {(o['cloud'], o['region']) for o in sold} == {('ssh', 'farm')} and 'yes' in {o['available'] for o in sold} <= {'yes', 'no'}, sold
    assert '1 of your machines did not answer' in b.run('offers', 'cloud:ssh')[2], b.run('offers', 'cloud:ssh')
    rc, out, err = b.launch('--num-nodes', '2', '--cpus', '1', 'true', name='y', ok=False)
    assert rc == 3 and b.nodes[1].host in out + err, (rc, out, err)
    out, _ = b.launch('--cpus', '1', 'echo here', name='z')
    assert 'here' in out
    b.nodes[1].start_sshd()
    assert row(b, 1)['answers'] and row(b, 1)['silent_since'] is None
    b.wait('an event', lambda: kinds(b)[-1] == 'host.back')
    assert 'again' in b.ok('exec', 'x', '--num-nodes', '2', 'echo again')
    b.ok('down', '-y', 'x', 'z')


def gone_for_good(b):
    b.need()
    b.launch('--num-nodes', '2', '--cpus', '1', 'true')
    b.nodes[1].stop_sshd()
    b.nodes[1].drop_connections()
    rc, out, err = b.run('down', '-y', 'x', '--async')
    assert rc == 0, (rc, out, err)
    b.wait('down to say whom it waits for', lambda: any(b.nodes[1].host in (c.get('progress') or '') for c in b.json('status')), 60)
    # the way out: it is taken out of the file
    with open(b.dir + '/config/ssh_pools.yaml') as f:
        text = f.read()
    b.pools(b.farm.pool_yaml(nodes=b.nodes[:1]))
    b.wait('the cluster to be gone', lambda: b.json('status') == [], 60)
    # ... or: --purge
    b.pools(text)
    b.nodes[1].start_sshd()
    rows = b.json('ssh-pool', 'list')['hosts']
    assert [len(h['leases']) for h in rows] == [0, 1], rows  # it came back, with what was on it
    forget(b.nodes[1])
    b.launch('--cpus', '1', 'true', name='p')
    i = 0 if row(b, 0)['leases'] else 1
    b.nodes[i].stop_sshd()
    b.nodes[i].drop_connections()
    b.ok('down', '-y', '--purge', 'p', timeout=60)
    assert b.json('status') == []
    b.nodes[i].start_sshd()
    b.ok('engine', 'restart')  # it looks around, and finds what was given up
    b.wait('what was given up to be seen', lambda: [c['name'] for c in b.json('status')] == ['p'], 60)
    b.ok('down', '-y', 'p')


def added(b):
    b.need()
    ours = b.dir + '/config/ssh_pools.yaml'
    n = b.nodes[0]
    text = '# mine\nother:   # a pool\n    hosts:\n        - 127.0.0.1   # never up\n'
    b.pools(text)
    rc, out, err = b.run('ssh-pool', 'add', 'lab', n.host, '--user', n.user, '--port', str(n.port), '-i', b.dir + '/no-key')
    assert rc == 1 and '--no-check' in err and open(ours).read() == text, (rc, out, err)
    b.ok('ssh-pool', 'add', 'lab', n.host, '--user', n.user, '--port', str(n.port), '-i', b.farm.key)
    b.ok('ssh-pool', 'add', 'other', '127.0.0.2', '--no-check')
    now = open(ours).read()
    assert now.startswith('# mine\nother:   # a pool\n    hosts:\n        - 127.0.0.1   # never up\n        - 127.0.0.2\n\nlab:\n  user: ' + n.user), now
    assert b.json('ssh-pool', 'list', 'lab')['hosts'][0]['usable']
    rc, out, err = b.run('ssh-pool', 'add', 'lab', n.host, '--no-check')
    assert rc == 1 and 'already' in err, (rc, out, err)
    rc, out, err = b.run('ssh-pool', 'list', 'nope')
    assert rc == 1 and "'nope'" in err, (rc, out, err)


def booted(b):
    """A machine that boots while it is leased: the lease is there, and work goes on when the cluster is started."""
    b.need('machines')
    b.launch('--cpus', '1', 'echo first > ~/kept')
    b.nodes[0].reboot()
    b.wait('the host to answer', lambda: row(b, 0)['answers'], 60)
    assert len(row(b, 0)['leases']) == 1, row(b, 0)
    b.run('start', 'x')
    out = b.ok('exec', 'x', 'cat ~/kept')
    assert 'first' in out, out
    b.ok('down', '-y', 'x')


if __name__ == '__main__':
    cases = [
        ('a host vanishes and comes back', vanish_and_return, {'n': 2}),
        ('hosts are added to the file', added, {}),
    ]
    if os.environ.get('SKYTOP_TORTURE'):
        cases += [
            ('a host is gone for good', gone_for_good, {'n': 2}),
            ('a host boots', booted, {}),
        ]
    main(cases)
