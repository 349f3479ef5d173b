#!/usr/bin/env python3
"""Clusters on machines that the user owns, over real SSH, from launch to down; and what is wrong with such machines. TAP."""
import json, os, re, subprocess, sys, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import HERE, Bed, Skip, main  # noqa

TORCHRUN = '''name: allreduce
workdir: %s
num_nodes: 3
resources: {accelerators: 'H100:2'}
envs: {GREETING: "it's $HOME"}
secrets: {TOKEN: hush-hush}
setup: |
  env -u SECRET | grep -E '^(SKYPILOT_|CUDA_|GREETING=|TOKEN=)' | sed "s/^/SETUP$SKYPILOT_SETUP_NODE_RANK /"
run: |
  python3 -c 'import json, os; print("RUN" + os.environ["SKYPILOT_NODE_RANK"], json.dumps(dict(os.environ)))'
  python3 allreduce.py --nnodes $SKYPILOT_NUM_NODES --node_rank $SKYPILOT_NODE_RANK --nproc_per_node $SKYPILOT_NUM_GPUS_PER_NODE \\
    --master_addr "$(echo "$SKYPILOT_NODE_IPS" | head -n1)" --master_port 23999 --node_ips "$SKYPILOT_NODE_IPS"
'''
# reference: what SkyPilot exports to run, beside the task's own
RUN_VARS = {'SKYPILOT_NODE_RANK', 'SKYPILOT_NODE_IPS', 'SKYPILOT_NUM_NODES', 'SKYPILOT_NUM_GPUS_PER_NODE', 'SKYPILOT_TASK_ID', 'SKYPILOT_TASK_IDS',
            'SKYPILOT_CLUSTER_INFO', 'SKYPILOT_USER'}
SETUP_VARS = {'SKYPILOT_SETUP_NODE_RANK', 'SKYPILOT_SETUP_NODE_IPS', 'SKYPILOT_SETUP_NUM_GPUS_PER_NODE', 'SKYPILOT_NUM_NODES', 'SKYPILOT_TASK_ID',
              'SKYPILOT_CLUSTER_INFO', 'SKYPILOT_USER'}


def environments(b, out):
    """What each rank saw must be what was promised."""
    ips = [n.host for n in b.nodes]
    runs = {}
    for m in re.finditer(r'RUN(\d) (\{.*\})$', out, re.M):
        runs[int(m[1])] = json.loads(m[2])
    assert sorted(runs) == [0, 1, 2], out
    for rank, env in runs.items():
        got = {k: v for k, v in env.items() if k.startswith('SKYPILOT_')}
        assert set(got) == RUN_VARS, (rank, set(got) ^ RUN_VARS)
        assert sorted(got['SKYPILOT_NODE_IPS'].split('\n')) == sorted(ips), got
        assert got['SKYPILOT_NODE_IPS'] == runs[0]['SKYPILOT_NODE_IPS']
        assert (got['SKYPILOT_NODE_RANK'], got['SKYPILOT_NUM_NODES'], got['SKYPILOT_NUM_GPUS_PER_NODE']) == (str(rank), '3', '2'), got
        assert re.fullmatch(r'sky-\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{6}_x_1', got['SKYPILOT_TASK_ID']), got
        assert got['SKYPILOT_TASK_ID'] == runs[0]['SKYPILOT_TASK_ID']
        info = json.loads(got['SKYPILOT_CLUSTER_INFO'])
        assert (info['cluster_name'], info['cloud'].lower(), info['region']) == ('x', 'ssh', 'farm') and 'zone' in info, info
        assert len(env['CUDA_VISIBLE_DEVICES'].split(',')) == 2 and env['GREETING'] == "it's $HOME" and env['TOKEN'] == 'hush-hush', env
        assert env['HOME'].startswith(b.nodes[0].home if not b.farm.plain else b.farm.dir), env
        for k, v in got.items():  # the same under our own name
            assert env['SKYTOP_' + k[9:]] == v, k
    for rank in range(3):
        text = '\n'.join(re.findall(r'SETUP%d (.*)$' % rank, out, re.M))
        names = set(re.findall(r'^(\w+)=', text, re.M))
        assert {n for n in names if n.startswith('SKYPILOT_')} == SETUP_VARS, (rank, names, out)
        assert 'CUDA_VISIBLE_DEVICES' not in names and {'GREETING', 'TOKEN'} <= names, names
        assert 'SKYPILOT_SETUP_NUM_GPUS_PER_NODE=2\n' in text + '\n' and 'SKYPILOT_NUM_NODES=3\n' in text + '\n', text


def a_whole_life(b):
    b.need()
    work = b.dir + '/work'
    os.makedirs(work)
    with open(work + '/allreduce.py', 'w') as f:
        f.write(open(HERE + '/allreduce.py').read())
    with open(b.dir + '/t.yaml', 'w') as f:
        f.write(TORCHRUN % work)
    out, err = b.launch(b.dir + '/t.yaml')
    for w in range(6):
        assert 'worker %d of 6: 21\n' % w in out, (out, err)
    environments(b, out)
    c = b.json('status')[0]
    assert c['status'] == 'UP' and c['provider'] == 'ssh' and c['region'] == 'farm' and len(c['nodes']) == 3, c
    # a second job, on one node and on all; the first rank that fails ends the others and says how
    assert b.run('exec', 'x', 'echo second; ls')[1] == '(head, rank=0, pid=N) second\n' or 'second' in b.run('logs', 'x', '2')[1]
    started = time.time()
    rc, out, err = b.run('exec', 'x', '--num-nodes', '3', 'test $SKYPILOT_NODE_RANK != 1 || exit 9; sleep 100')
    assert rc == 100 and time.time() - started < 30, (rc, out, err)
    job = b.json('queue', 'x')[0]
    assert job['exit_code'] == 9, job
    assert 'worker 5 of 6: 21' in b.run('logs', 'x', '1')[1]
    shell = b.run('ssh', 'x', '--', 'hostname; cd sky_workdir && ls allreduce.py')
    assert shell[0] == 0 and 'allreduce.py' in shell[1], shell
    b.ok('exec', '-d', 'x', '--num-nodes', '3', 'sleep 300')
    b.ok('down', '-y', 'x')
    assert b.json('status') == []
    b.clean()
    assert 'worker 5 of 6: 21' in b.run('logs', 'x', '1')[1]  # logs outlive the cluster
    for folder, _, files in os.walk(b.dir + '/state'):
        for f in files:
            if not folder.endswith('/secrets'):
                data = open(folder + '/' + f, 'rb').read()
                assert b'hush-hush' not in data or f == 'log' or '/logs' in folder, folder + '/' + f


def any_login_shell(b):
    """fish, csh, zsh, and rc files that print: heads and workers alike. (Plain nodes have their shell by a forced command, beside which those of
    the cluster's keys have no effect: there each is a cluster of its own, with all CPUs of its machine.)"""
    b.need()
    n = len(b.nodes)
    script = 'echo "rank $SKYPILOT_NODE_RANK it\'s \\"quoted\\" $((6*7))"; pwd'
    if b.farm.plain:
        for i in range(n):
            out, err = b.launch('--cpus', str(os.cpu_count()), script, name='x%d' % i)
            assert 'rank 0 it\'s "quoted" 42' in out and 'NOISE' not in out, (out, err)
        assert len({c['nodes'][0]['id'] for c in b.json('status')}) == n, b.json('status')
        return
    out, err = b.launch('--num-nodes', str(n), script)
    for r in range(n):
        assert 'rank %d it\'s "quoted" 42' % r in out, (out, err)
    assert 'NOISE' not in out, out  # (stop and start go through the same command as this: test_crash_pool.py has them)
    assert 'again' in b.ok('exec', 'x', 'echo again')


def shells():
    all_of_them = [('/bin/bash', {'.bashrc': 'echo NOISE; echo NOISE >&2\n', '.profile': 'echo NOISE\n'}),
                   ('/usr/bin/fish', {'.config/fish/config.fish': 'echo NOISE\n'}), ('/usr/bin/tcsh', {'.cshrc': 'echo NOISE\n'}),
                   ('/usr/bin/zsh', {'.zshenv': 'echo NOISE; setopt NO_NOMATCH\n'}), ('/bin/dash', {'.profile': 'echo NOISE\n'})]
    each = {i: {'shell': s, 'rc': rc} for i, (s, rc) in enumerate(x for x in all_of_them if os.access(x[0], os.X_OK))}
    return {'n': len(each), 'each': each}


def wrong_key(b):
    b.need()
    subprocess.check_call(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', b.dir + '/wrong'])
    b.pools(b.farm.pool_yaml().replace(b.farm.key, b.dir + '/wrong'))
    rc, out, err = b.launch('true', ok=False)
    said = out + err
    assert rc in (1, 3, 4) and b.nodes[0].host in said and b.dir + '/wrong' in said, (rc, said)
    assert b.json('status') == [], b.json('status')
    b.pools(b.farm.pool_yaml().replace(b.farm.key, b.dir + '/none'))
    rc, out, err = b.launch('true', ok=False)
    assert rc in (1, 2, 3, 4) and b.dir + '/none' in out + err, (rc, out, err)


def changed_host_key(b):
    b.need()
    assert b.launch('echo first')[0] == 'first\n'
    b.nodes[0].stop_sshd()
    b.nodes[0].new_host_keys()
    b.nodes[0].start_sshd()
    rc, out, err = b.run('exec', 'x', 'echo second')
    said = out + err + '\n'.join(e['text'] for e in b.json('events'))
    assert 'second' not in out and 'HOST KEY' in said and b.nodes[0].host in said, (rc, said)
    rc, out, err = b.launch('echo other', name='y', ok=False)
    assert rc not in (0, 100) and 'HOST KEY' in out + err, (rc, out, err)
    os.unlink(b.dir + '/data/known_hosts')  # as it says: the machine was rightly replaced
    b.wait('the new key to be taken', lambda: b.run('exec', 'x', 'echo third')[1] == 'third\n', 20)
    b.nodes[0].stop_sshd()
    b.ok('down', '-y', '--purge', 'x')
    b.farm.close()
    b.farm = None


def one_host_is_down(b):
    b.need()
    b.nodes[1].stop_sshd()
    out, err = b.launch('--num-nodes', '2', 'echo "rank $SKYPILOT_NODE_RANK"')
    assert 'rank 0' in out and 'rank 1' in out, (out, err)
    rc, out, err = b.launch('--num-nodes', '3', 'true', name='y', ok=False)
    assert rc == 3 and b.nodes[1].host in out + err, (rc, out, err)
    b.nodes[1].start_sshd()
    out = b.ok('ssh-pool', 'check')
    assert all(n.host in out for n in b.nodes), out


def connections_that_break(b):
    b.need()
    p = b.start('launch', '-y', '-c', 'x', '--infra', 'ssh/farm', 'i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.05; done')
    got = []
    for line in p.stdout:
        got.append(line.decode())
        if got[-1] in ('line 10\n', 'line 30\n'):
            b.nodes[0].drop_connections()
    err = p.stderr.read().decode()
    assert p.wait() == 0 and got == ['line %d\n' % i for i in range(60)], (got, err)


main([
    ('three nodes, from launch to down', a_whole_life, {'n': 3, 'gpus': 2}),
    ('any login shell, any noise', any_login_shell, shells()),
    ('a wrong key', wrong_key, {}),
    ('a host key that changed', changed_host_key, {}),
    ('a host that is down', one_host_is_down, {'n': 3}),
    ('connections that break under a log', connections_that_break, {}),
])
