#!/usr/bin/env python3
"""The verbs that use the engine, as a person uses them, on nodes of this machine."""
import json, os, re, signal, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import Home, Skip, main  # noqa


def a_whole_session(h):
    task = h.dir + '/t.yaml'
    work = h.dir + '/work'
    os.makedirs(work + '/sub')
    open(work + '/sub/data with blank', 'w').write('payload')
    open(h.dir + '/single', 'w').write('one file')
    os.chmod(h.dir + '/single', 0o755)
    open(task, 'w').write('''name: first
workdir: %s
num_nodes: 1
file_mounts:
  ~/in/one: %s/single
  tree: %s
envs: {GREETING: "it's $HOME"}
secrets: {TOKEN: hush-hush}
setup: echo in setup
run: |
  cat "sub/data with blank" ~/in/one; echo
  test -x ~/in/one && ls ~/tree
  echo "$GREETING / ${#TOKEN}"
  echo "rank $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES, $SKYTOP_NUM_NODES, gpus $SKYPILOT_NUM_GPUS_PER_NODE"
  echo "$SKYPILOT_CLUSTER_INFO"
  exit 7
''' % (work, h.dir, work))
    rc, out, err = h.run('launch', '-y', '-c', 'hello', task)
    assert rc == 100, (rc, out, err)
    for line in ('in setup', "payloadone file", "it's $HOME / 9", 'rank 0 of 1, 1, gpus 0', '"cluster_name":"hello"'):
        assert line in out.replace(', "', ',"').replace('": "', '":"'), (line, out)
    assert 'creating nodes' in err and 'FAILED' in err, err
    c = h.json('status')[0]
    assert c['status'] == 'UP' and c['provider'] == 'local' and c['price_uusd_h'] == 0 and len(c['nodes']) == 1, c
    assert c['nodes'][0]['silent_since'] is None and 'heartbeat' in c and 'heartbeat_at' in c, c
    jobs = h.json('queue', 'hello')
    assert [(j['job_id'], j['name'], j['status'], j['exit_code']) for j in jobs] == [(1, 'first', 'FAILED', 7)], jobs
    assert h.run('logs', 'hello', '1')[0] == 100 and h.run('logs', 'hello', '--status')[0] == 100
    assert h.run('exec', 'hello', 'echo second')[1] == 'second\n'
    assert h.run('logs', 'hello', '--tail', '1', '2')[1] == 'second\n'
    h.ok('exec', '-d', 'hello', 'sleep 300')
    assert h.run('logs', 'hello', '3', '--status')[0] == 101
    h.ok('cancel', 'hello', '3')
    assert h.run('logs', 'hello', '3')[0] == 103
    h.refused(102, 'logs', 'hello', '99')
    h.ok('stop', '-y', 'hello')
    assert 'skytop start hello' in h.refused(1, 'exec', 'hello', 'true')
    h.ok('start', 'hello')
    assert 'payload' in h.ok('exec', 'hello', 'cat sky_workdir/sub/* ~/sky_workdir/sub/*; true')  # the disk stayed
    rows = h.json('cost')['clusters']
    assert len(rows) == 1 and rows[0]['cost_uusd'] == 0 and rows[0]['duration_ms'] > 0, rows
    h.ok('down', '-y', 'hello')
    assert h.json('status') == []
    assert 'payload' in h.run('logs', 'hello', '1')[1]  # logs outlive the cluster
    assert not os.listdir(h.dir + '/state/local/nodes')
    for f in os.listdir(h.dir + '/state'):
        if os.path.isfile(h.dir + '/state/' + f):
            assert b'hush-hush' not in open(h.dir + '/state/' + f, 'rb').read(), f
    events = [e['text'] for e in h.json('events', 'hello')]
    assert any('job 1' in e and 'FAILED' in e for e in events) and any('terminated' in e for e in events), events


def an_existing_cluster_is_used_again(h):
    h.ok('launch', '-y', '-d', '-c', 'k', 'true')
    rc, out, err = h.run('launch', '-y', '-c', 'k', 'echo again')
    assert rc == 0 and out == 'again\n' and 'exists' in err, (rc, out, err)
    assert 'does not fit' in h.refused(1, 'launch', '-y', '-c', 'k', '--num-nodes', '2', 'true')
    h.ok('stop', '-y', 'k')
    assert h.run('launch', '-y', '-c', 'k', 'echo woken')[1] == 'woken\n'


def several_nodes(h):
    out = h.ok('launch', '-y', '-c', 'gang', '--num-nodes', '3',
               'echo "me $SKYPILOT_NODE_RANK of $SKYPILOT_NUM_NODES"; echo "$SKYPILOT_NODE_IPS" | sort -u | wc -l')
    for r in range(3):
        assert 'me %d of 3' % r in out, out
    assert out.count('3\n') >= 3, out
    rc, out, err = h.run('exec', 'gang', '--num-nodes', '3', 'test $SKYPILOT_NODE_RANK != 1 || exit 9; sleep 60')
    assert rc == 100, (rc, out, err)
    job = h.json('queue', 'gang')[0]
    assert job['exit_code'] == 9, job
    h.ok('down', '-y', 'gang')


def usage_and_names(h):
    assert 'did you mean' in h.refused(2, 'lunch', 'x.yaml')
    assert 'no cluster' in h.refused(1, 'queue', 'nope')
    h.ok('launch', '-y', '-d', '-c', 'train', 'true')
    assert "did you mean 'train'" in h.refused(1, 'down', '-y', 'trian')
    assert 'which clusters' in h.refused(2, 'stop')
    h.refused(2, 'down', 'train')  # asks, and nobody is there to answer
    assert len(h.json('status')) == 1
    for bad in ('9x', 'a/../b', 'x' * 70, 'a b'):
        assert 'cannot be a cluster' in h.refused(2, 'launch', '-y', '-c', bad, 'true')
    err = h.refused(2, 'launch', '-y', '/nonexistent.yaml')
    assert 'nonexistent.yaml' in err, err
    out = json.loads(h.run('exec', 'nope', 'true', '--json')[1])
    assert out['error']['code'] == 'not_found', out
    h.refused(2, 'autostop', 'train', '-i', 'soon')
    assert h.run('status', '--names')[1] == 'train\n'
    h.ok('down', '-y', 'tr*')


def bad_task_files_launch_nothing(h):
    p = h.dir + '/x.yaml'
    for data in (b'', b'\x00\x01\x02', b'run: [a]', b'runn: x', b'a: 1\na: 2', b'\xff\xfe: x', b'run: x\nworkdir: /no/such', b'x' * 11000000,
                 b'[' * 5000 + b']' * 5000, b'run: x\nfile_mounts: {~/a: /no/such}', b'run: x\nfile_mounts: {/etc/x: /etc/passwd}'):
        open(p, 'wb').write(data)
        rc, out, err = h.run('launch', '-y', p)
        assert rc in (1, 2) and err.strip(), (data[:40], rc, err)
    open(p, 'w').write('name: x\nrunn: y\n')
    error = json.loads(h.run('launch', '-y', p, '--json')[1])['error']
    assert (error['code'], error['file'], error['line']) == ('invalid', p, 2), error
    os.chmod(p, 0)
    if os.geteuid():
        h.refused(2, 'launch', '-y', p)
    if h.processes():
        requests = h.json('requests', '--all')  # what only the provider can refuse was one
        assert h.json('status') == [] and {r['state'] for r in requests} <= {'FAILED'}, requests


def ctrl_c_ends_the_wait_not_the_work(h):
    h.ok('launch', '-y', '-d', '-c', 'k', 'true')
    p = h.start('exec', 'k', 'echo begun; sleep 1; echo done')
    assert p.stdout.readline() == b'begun\n'
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=20)
    assert p.returncode == 130 and b'goes on' in err, (p.returncode, err)
    assert h.run('logs', 'k', '2')[:2] == (0, 'begun\ndone\n')


def autostop(h):
    h.ok('launch', '-y', '-d', '-c', 'k', '-i', '10', '--down', 'true')
    assert h.json('status')[0]['autostop'] == {'idle_minutes': 10, 'down': True}
    h.ok('autostop', 'k', '--cancel')
    assert h.json('status')[0]['autostop'] is None
    h.ok('autostop', 'k', '-i', '3')
    assert h.json('status')[0]['autostop'] == {'idle_minutes': 3, 'down': False}


def logs_are_bytes(h):
    h.ok('launch', '-y', '-d', '-c', 'k', 'true')
    job = r'''printf 'a\001\377\n%s' "$(seq 20000 | tr '\n' ' ')"; printf "no newline"'''
    out = subprocess.run([os.environ['SKYTOP'], 'exec', 'k', job], env=h.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                         timeout=30).stdout
    want = b'a\001\377\n' + b' '.join(b'%d' % i for i in range(1, 20001))
    assert out.startswith(want[:200]) and out.endswith(b'no newline') and b' 19999 20000' in out, (len(out), out[:80], out[-80:])


main([
    ('a whole session', a_whole_session, {}),
    ('an existing cluster is used again', an_existing_cluster_is_used_again, {}),
    ('several nodes, one gang', several_nodes, {}),
    ('wrong words and wrong names', usage_and_names, {}),
    ('bad task files launch nothing', bad_task_files_launch_nothing, {}),
    ('Ctrl-C ends the wait, not the work', ctrl_c_ends_the_wait_not_the_work, {}),
    ('autostop is set, changed, switched off', autostop, {}),
    ('logs are bytes', logs_are_bytes, {}),
])
