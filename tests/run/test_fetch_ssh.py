#!/usr/bin/env python3
"""Files from elsewhere on machines that are reached over SSH: they fetch them themselves, several machines at once; a connection that is lost, a disk that is full, a
request that is cancelled. TAP."""
import hashlib, json, os, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, '../ssh'))
from bed import GATEWAY, Bed, main  # noqa: E402
import test_fetch_node as nodes  # noqa: E402


def served(b, path, data):
    """The URL of a file that nodes can reach."""
    if not getattr(b, 'url', None):
        b.url = nodes.server(GATEWAY if not b.farm.plain else '127.0.0.1')
    nodes.Web.files['/' + path] = data
    return '%s/%s' % (b.url, path)


def over_ssh(b):
    b.need()
    b.url = None
    task, big, small = b.dir + '/t.yaml', os.urandom(5 << 20), b'x,y\n' * 1000
    mounts = {'~/in/big': served(b, 'big', big), '~/small.csv': served(b, 'small.csv', small)}
    with open(task, 'w') as f:
        json.dump({'num_nodes': 2, 'file_mounts': mounts, 'run': 'sha1sum <~/in/big'}, f)
    out, err = b.launch(task)
    assert out.count(hashlib.sha1(big).hexdigest()) == 2, (out, err)
    # No part of a link was ever an argument; nothing is left behind.
    big = os.urandom(5 << 20)
    served(b, 'big', big)
    nodes.Web.faults['/big'] = ['slow', 'slow']
    p = b.start('launch', '-y', '-c', 'x', '--infra', 'ssh/farm', task)
    b.wait('the copy to begin', lambda: not nodes.Web.faults['/big'])
    seen = b''.join(c for c in (nodes.cmdline(pid) for pid in os.listdir('/proc') if pid.isdigit()) if c.split(b'\0')[0].endswith(b'curl'))
    assert b'curl' in seen and b'http' not in seen, seen
    b.nodes[0].drop_connections()
    out, err = p.communicate(timeout=120)
    assert p.returncode == 0 and out.decode().count(hashlib.sha1(big).hexdigest()) == 2, (out, err)
    # Cancelled: the old file stays, the tools end.
    served(b, 'big', b'z' * (5 << 20))
    nodes.Web.faults['/big'] = ['slow', 'slow']
    p = b.start('launch', '-y', '-d', '-c', 'x', '--infra', 'ssh/farm', task)
    b.wait('the copy to begin', lambda: not nodes.Web.faults['/big'])
    b.ok('cancel-request', str(max(r['id'] for r in b.json('requests'))))
    assert p.wait(60) != 0
    p.stdout.close()
    p.stderr.close()
    b.wait('the tools to end', lambda: not [1 for pid in os.listdir('/proc') if pid.isdigit() and b'.get' in nodes.cmdline(pid)])
    rc, out, err = b.run('exec', 'x', '--num-nodes', '2', 'sha1sum <~/in/big')
    assert out.count(hashlib.sha1(big).hexdigest()) == 2, (rc, out, err)


if __name__ == '__main__':
    main([('two machines', over_ssh, {'n': 2})])
