#!/usr/bin/env python3
"""Machines of a cloud: the engine's own key goes in with the create call, host keys are learned under the cluster's name and forgotten with it,
jobs run, the user and the head get in. TAP; skipped where there is no sshd."""
import os, re, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cloud import main, offer  # noqa


def known(home):
    try:
        return [line.split()[0] for line in open(home.dir + '/data/known_hosts')]
    except FileNotFoundError:
        return []


def one(home):
    home.need_ssh()
    rc, out, err = home.launch('--', 'echo "on $(hostname) as $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES"')
    assert rc == 0, (out, err)
    assert 'as 0 of 1' in out, out
    sent = home.cloud.wants('POST /nodes')[0]
    assert re.match(r'ssh-ed25519 [A-Za-z0-9+/=]+ skytop$', sent['ssh_public_key']), sent
    uid = sent['cluster']
    assert known(home) == [uid + '/0'], known(home)
    key = home.dir + '/data/keys/clusters/' + uid + '/cluster'
    assert os.stat(key).st_mode & 0o777 == 0o600
    # a user's plain ssh, and skytop's
    assert 'in' in home.ok('ssh', 'x', '--', 'echo', 'in')
    # stopped and started again: the same machine, the same key, another port or address
    home.ok('stop', '-y', 'x')
    assert home.cloud.alive() == [('x', 0, 'STOPPED')]
    home.ok('start', '-y', 'x')
    assert 'again' in home.ok('exec', 'x', '--', 'echo again')
    home.ok('down', '-y', 'x')
    assert known(home) == [] and not os.path.exists(key)
    # the same address, another machine with other keys: nobody minds
    rc, out, err = home.launch('--', 'echo second')
    assert rc == 0 and 'second' in out, (out, err)


def several(home):
    home.need_ssh()
    rc, out, err = home.launch('--num-nodes', '2', '--', 'echo "rank $SKYPILOT_NODE_RANK"')
    assert rc == 0, (out, err)
    assert 'rank 0' in out and 'rank 1' in out, out
    assert len(known(home)) == 2
    head = home.cloud.nodes['i-1'] if home.cloud.nodes['i-1']['rank'] == 0 else home.cloud.nodes['i-2']
    there = head['farm'].dir + '/home'
    cluster_key = open(home.dir + '/data/keys/clusters/%s/cluster' % head['cluster']).read()
    for folder, _, files in os.walk(there):
        for f in [f for f in files if os.path.isfile(os.path.join(folder, f))]:
            assert cluster_key not in open(os.path.join(folder, f), errors='replace').read(), 'the engine\'s key is on the head: ' + f


def slow_boot(home):
    """Its sshd comes up late: said, and waited for."""
    home.need_ssh()
    def late(n):
        node = n['farm']
        n['reach'] = {'kind': 'ssh', 'host': node.host, 'port': node.port, 'user': node.user}
    home.cloud._boot = late
    p = home.start('launch', '-y', '-c', 'x', '--gpus', 'H100:1', '--infra', 'akash', '--', 'echo up')
    home.wait('the wait to be told', lambda: any('waiting for SSH on' in (r.get('progress') or '') for r in home.json('status')))
    assert not [e for e in home.json('events') if e['kind'] == 'host.lost']
    home.cloud.nodes['i-1']['farm'].boot()
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0 and b'up' in out, (out, err)


main([('one machine', one, {'farm': 1}), ('two machines', several, {'farm': 2}), ('a slow boot', slow_boot, {'farm': 1})])
