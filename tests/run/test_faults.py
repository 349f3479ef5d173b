#!/usr/bin/env python3
"""What goes wrong around the engine: races, other versions, damage, full disks, foreign sockets; and what goes wrong in a cloud: no capacity,
lost replies, machines taken back. Nothing is lost, nothing is left."""
import fcntl, glob, json, os, re, signal, socket, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import Home, Skip, main  # noqa

SIM = '''version: 1
seed: 1
boot_ms: 50
regions:
  - {name: east, zones: [east-a, east-b]}
  - {name: west, zones: [west-a], price_factor: 1.5}
types:
  - {name: small, vcpus: 8, mem_gib: 32, price: 0.30, spot: 0.10}
  - {name: large, vcpus: 16, mem_gib: 64, price: 0.60}
  - {name: gpu, accelerator: H100, count: 1, gpu_mem_gib: 80, vcpus: 16, mem_gib: 200, price: 3.0, spot: 1.0}
'''


def nodes_left(h, provider='sim'):
    d = h.dir + '/state/%s/nodes' % provider
    return os.listdir(d) if os.path.isdir(d) else []


def many_clients_start_one_engine(h):
    ps = [h.start('status', '--json') for _ in range(12)]
    for p in ps:
        out, err = p.communicate(timeout=60)
        assert p.returncode == 0 and json.loads(out) == [], (p.returncode, err)
    assert len(h.engine_pids()) == 1, h.engine_pids()


def killed_it_comes_back(h):
    h.ok('launch', '-y', '-d', '-c', 'k', 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo line $i; sleep 0.1; done')
    pid = h.engine_pids()[0]
    os.kill(pid, signal.SIGKILL)
    rc, out, err = h.run('logs', 'k')
    if rc == 1:  # the connection was cut; ask again
        rc, out, err = h.run('logs', 'k')
    assert rc == 0 and out == ''.join('line %d\n' % i for i in range(1, 13)), (rc, out, err)
    assert h.engine_pids() and pid not in h.engine_pids()
    assert h.json('status')[0]['status'] == 'UP'


def it_leaves_when_not_needed(h):
    h.ok('engine', '--idle-exit-ms', '100')
    h.wait('the engine to leave', lambda: not h.processes())
    h.ok('launch', '-y', '-d', '-c', 'k', 'true')
    h.ok('engine', 'restart')
    assert h.json('status')[0]['status'] == 'UP'


def another_version(h):
    h.ok('engine', 'start')
    h.ok('engine', 'stop')
    path = h.dir + '/run/engine.sock'
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o600)
    s.listen(8)

    def serve():
        while True:
            try:
                c, _ = s.accept()
            except OSError:
                return
            line = c.makefile().readline()
            msg = json.loads(line)
            if msg['method'] == 'shutdown':
                s.close()
                os.unlink(path)
                c.close()
                return
            c.sendall((json.dumps({'jsonrpc': '2.0', 'id': msg['id'], 'error': {'code': -32600, 'message': 'protocol 99 here: `skytop engine restart`',
                                   'data': {'code': 'protocol'}}}) + '\n').encode())
            c.close()
    t = threading.Thread(target=serve, daemon=True)
    t.start()
    err = h.refused(1, 'status')
    assert 'engine restart' in err and 'protocol' in err, err
    h.ok('engine', 'restart')  # gets rid of the other one, whatever it speaks
    assert h.json('engine', 'status')['protocol'] == 1
    # And a client of another version, at our engine:
    c = socket.socket(socket.AF_UNIX)
    c.connect(path)
    c.sendall(b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"protocol":77,"build":"9.9"}}\n')
    reply = json.loads(c.makefile().readline())
    assert reply['error']['data']['code'] == 'protocol' and '77' in reply['error']['message'], reply
    c.close()


def a_foreign_socket_is_not_used(h):
    if os.geteuid():
        raise Skip('needs root, to give a socket to somebody else')
    os.makedirs(h.dir + '/run', mode=0o700)
    s = socket.socket(socket.AF_UNIX)
    s.bind(h.dir + '/run/engine.sock')
    s.listen(1)
    os.chown(h.dir + '/run/engine.sock', 12345, 12345)
    rc, out, err = h.run('status')
    assert rc == 4 and '12345' in err, (rc, err)
    s.close()
    os.unlink(h.dir + '/run/engine.sock')
    os.chown(h.dir + '/run', 12345, 12345)
    rc, out, err = h.run('status')
    assert rc != 0 and '12345' in err, (rc, err)
    os.chown(h.dir + '/run', 0, 0)


def an_engine_that_is_about_to_open_its_socket(h):
    """As one that its supervisor has started again: it has the lock, and answers in a moment. (Here by hanging up.)"""
    os.makedirs(h.dir + '/run', mode=0o700)
    lock = os.open(h.dir + '/run/engine.lock', os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    asked = h.start('status')
    while not os.path.exists(h.dir + '/state/engine.log') or 'is running already' not in open(h.dir + '/state/engine.log').read():
        time.sleep(0.02)
    s = socket.socket(socket.AF_UNIX)
    s.bind(h.dir + '/run/engine.sock')
    s.listen(1)
    s.settimeout(10)
    s.accept()[0].close()  # it did come
    s.close()
    os.unlink(h.dir + '/run/engine.sock')
    os.close(lock)
    asked.communicate(timeout=60)


def a_damaged_state_is_moved_aside(h):
    h.ok('launch', '-y', '-d', '-c', 'precious', 'sleep 1000')
    h.ok('engine', 'stop')
    for f in ('state.db-wal', 'state.db-shm'):
        if os.path.exists(h.dir + '/state/' + f):
            os.unlink(h.dir + '/state/' + f)
    with open(h.dir + '/state/state.db', 'r+b') as f:
        f.write(b'\x5a' * 3000)
    h.json('status')
    moved = [f for f in os.listdir(h.dir + '/state') if f.startswith('state.db.corrupt-')]
    assert moved, os.listdir(h.dir + '/state')
    assert any('damaged' in e['text'] and moved[0] in e['text'] for e in h.json('events'))
    # What it had made is not forgotten: the provider knows it.
    c = h.wait('the cluster to be taken in', lambda: [c for c in h.json('status') if c['status'] == 'UP'])[0]
    assert c['name'] == 'precious', c
    assert [j['status'] for j in h.wait('its jobs', lambda: h.json('queue', 'precious'))] == ['RUNNING']
    h.ok('down', '-y', 'precious')
    assert not nodes_left(h, 'local')


def a_full_disk_refuses_and_recovers(h):
    if os.geteuid():
        raise Skip('needs root, to mount a small disk')
    h.ok('engine', 'start')
    h.ok('engine', 'stop')
    state = h.dir + '/state'
    if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', state], stderr=subprocess.DEVNULL).returncode:
        raise Skip('cannot mount a tmpfs here')
    try:
        h.ok('launch', '-y', '-d', '-c', 'k', 'sleep 100')
        try:
            with open(state + '/ballast', 'wb', buffering=0) as f:
                while True:
                    f.write(b'x' * 4096)
        except OSError:
            pass
        rc, out, err = h.run('stop', '-y', 'k')
        if rc == 0:
            raise Skip('the disk still had room')
        assert 'full' in err or 'not accepted' in err or 'disk' in err, err
        assert h.json('status')[0]['status'] == 'UP'
        os.unlink(state + '/ballast')
        said = []
        h.wait('the engine to go on: %r' % said, lambda: said.append(h.run('down', '-y', 'k')) or said[-1][0] == 0 or print('#', said[-1], h.run('requests'), h.run('status')))
        assert h.json('status') == [] and not nodes_left(h, 'local')
        while h.processes():
            h.run('engine', 'stop')
    finally:
        subprocess.run(['umount', '-l', state])


def failover_goes_to_the_next_best(h):
    rc, out, err = h.run('launch', '-y', '-c', 'k', '--infra', 'sim', '--cpus', '8', '--memory', '32', 'echo ran in $SKYPILOT_CLUSTER_INFO')
    assert rc == 0, (rc, out, err)
    assert 'west' in out, out
    assert err.count('no capacity') == 2 or err.count('capacity') >= 2, err
    h.ok('down', '-y', 'k')
    assert not nodes_left(h)
    kinds = [e['kind'] for e in h.json('events', '-l', '100')]
    assert kinds.count('provision.failed') == 2, kinds
    assert all(not r['running'] for r in h.json('cost')['clusters'])


def nothing_left_to_try(h):
    rc, out, err = h.run('launch', '-y', '-c', 'k', '--infra', 'sim', '--gpus', 'H100', 'true')
    assert rc == 3, (rc, out, err)
    assert 'Tried' in err and 'east-a' in err, err
    assert h.json('status') == [] and not nodes_left(h)


def lost_replies_make_no_twins(h):
    h.ok('launch', '-y', '-c', 'k', '--infra', 'sim', '--num-nodes', '2', 'true')
    assert len(nodes_left(h)) == 2, nodes_left(h)
    h.ok('stop', '-y', 'k')
    h.ok('start', 'k')
    h.ok('down', '-y', 'k')
    assert not nodes_left(h)


def a_launch_is_cancelled_half_way(h):
    p = h.start('launch', '-y', '-c', 'k', '--infra', 'sim', 'true')
    r = h.wait('the request', lambda: [r for r in h.json('requests') if r['step'] in ('create', 'wait')])[0]
    h.ok('cancel-request', str(r['id']))
    out, err = p.communicate(timeout=30)
    assert p.returncode == 1 and b'cancelled' in err, (p.returncode, err)
    assert h.json('status') == [] and not nodes_left(h)
    assert [r['state'] for r in h.json('requests', '--all') if r['verb'] == 'launch'] == ['CANCELLED']


def down_during_launch(h):
    p = h.start('launch', '-y', '-c', 'k', '--infra', 'sim', 'true')
    h.wait('the cluster', lambda: h.json('status'))
    h.ok('down', '-y', 'k')
    p.communicate(timeout=30)
    assert h.json('status') == [] and not nodes_left(h)


def spot_taken_back(h):
    h.ok('launch', '-y', '-d', '-c', 'k', '--infra', 'sim', '--use-spot', 'sleep 1000')
    h.wait('the loss to be seen', lambda: not h.json('status', '-r'), 30)
    assert any(e['kind'] == 'cluster.preempted' for e in h.json('events')), h.json('events')
    assert h.run('logs', 'k', '--status')[0] == 100  # FAILED_DRIVER, not RUNNING for ever
    assert all(not r['running'] for r in h.json('cost')['clusters'])


def a_silent_head(h):
    """Its jobs do not run for ever; and when it is heard again, its word counts."""
    h.ok('engine', '--lost-after-ms', '6500', '--idle-exit-ms', '60000')
    h.ok('launch', '-y', '-d', '-c', 'k', 'sleep 300')
    h.wait('the job to run', lambda: h.json('queue', 'k')[0]['status'] == 'RUNNING')
    agent, = glob.glob(h.dir + '/state/local/nodes/*/home/.skytop/skytop-agent')
    os.rename(agent, agent + '.away')
    for pid in h.processes():
        try:
            if '\0watch\0' in open('/proc/%d/cmdline' % pid).read():
                os.kill(pid, signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            pass  # one that has just ended
    assert h.json('queue', 'k')[0]['status'] == 'RUNNING'
    h.wait('the job to count as failed', lambda: h.json('queue', 'k')[0]['status'] == 'FAILED_DRIVER', 40)
    assert any(e['kind'] == 'job.over' and 'node 0' in e['text'] for e in h.json('events')), h.json('events')
    os.rename(agent + '.away', agent)
    h.wait('the job to run after all', lambda: h.json('queue', 'k')[0]['status'] == 'RUNNING')


def price_caps(h):
    rc, out, err = h.run('launch', '-y', '-c', 'k', '--infra', 'sim', '--gpus', 'H100', 'true')
    assert rc == 5, (rc, err)
    assert h.json('requests', '--all') == [] or not nodes_left(h)


CAPACITY = SIM + 'failures:\n  - {verb: create, match: {region: east}, error: capacity, message: no capacity}\n'
NOTHING = SIM + 'failures:\n  - {verb: create, error: capacity, message: none}\n'
LOST = SIM + 'failures:\n  - {verb: [create, stop, start, terminate], nth: 1, lost_reply: true}\n'
SLOW = SIM.replace('boot_ms: 50', 'boot_ms: 60000')
RECLAIM = SIM + 'reclaims:\n  - {after_s: 1}\n'

main([
    ('many clients start one engine', many_clients_start_one_engine, {}),
    ('killed, it comes back and the log goes on', killed_it_comes_back, {}),
    ('it leaves when not needed, and keeps what runs', it_leaves_when_not_needed, {}),
    ('another version', another_version, {}),
    ("somebody else's socket is not used", a_foreign_socket_is_not_used, {}),
    ('an engine that is about to open its socket', an_engine_that_is_about_to_open_its_socket, {}),
    ('a damaged state is moved aside, its clusters are found', a_damaged_state_is_moved_aside, {}),
    ('a full disk refuses, then goes on', a_full_disk_refuses_and_recovers, {}),
    ('failover goes to the next best place', failover_goes_to_the_next_best, {'sim': CAPACITY}),
    ('nothing is left to try', nothing_left_to_try, {'sim': NOTHING}),
    ('lost replies make no twins', lost_replies_make_no_twins, {'sim': LOST}),
    ('a launch is cancelled half way', a_launch_is_cancelled_half_way, {'sim': SLOW}),
    ('down during a launch', down_during_launch, {'sim': SLOW}),
    ('a spot machine is taken back', spot_taken_back, {'sim': RECLAIM}),
    ('a head that is silent, and speaks again', a_silent_head, {}),
    ('over the price cap', price_caps, {'sim': SIM, 'config': 'launch:\n  max_hourly_cost: 2.5\n'}),
], side_by_side=3)
