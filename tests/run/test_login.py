#!/usr/bin/env python3
"""ssh and debug, and what keeps a cluster from being idle, on nodes of this machine."""
import glob, json, os, socket, sqlite3, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import SKYTOP, Home, Skip, main  # noqa


def typed(h, words, text, status=0):
    p = subprocess.run([SKYTOP, *words], env=h.env, input=text, capture_output=True, text=True, timeout=120)
    assert p.returncode == status, (words, p.returncode, p.stdout, p.stderr)
    return p.stdout, p.stderr


def a_shell_and_commands(h):
    h.ok('launch', '-y', '-d', '-c', 'two', '--num-nodes', '2', 'true')
    home = {r: '%s/state/local/nodes' % h.dir for r in (0, 1)}
    out = h.ok('ssh', 'two', '--', 'pwd; echo "$HOME"; env | grep -c ^SKYTOP_HOME; true')
    lines = out.split('\n')
    assert lines[0] == lines[1] and lines[0].startswith(home[0]) and lines[2] == '0', out
    other = h.ok('ssh', 'two', '1', '--', 'pwd').strip()
    assert other.startswith(home[1]) and other != lines[0]
    assert h.ok('ssh', 'two', 'two-1', '--', 'pwd').strip() == other and h.ok('ssh', 'two', 'head', '--', 'pwd').strip() == lines[0]
    assert h.run('ssh', 'two', '--', 'exit 7')[0] == 7
    assert h.ok('ssh', 'two', '--', 'printf %s-', "'a b'", '-t', '--json') == 'a b--t---json-'
    assert typed(h, ['ssh', 'two'], 'echo "in $PWD"\n')[0] == 'in %s\n' % lines[0]
    words = h.json('ssh', 'two')['argv']
    assert words[0] == 'sh' and words[1] == lines[0] + '/.skytop/enter', words
    err = h.refused(1, 'ssh', 'two', 'ls')
    assert "no node 'ls'" in err and 'after --' in err, err
    h.refused(1, 'ssh', 'two', '2')
    assert 'one argument too many' in h.refused(2, 'ssh', 'two', '1', 'ls')
    assert "did you mean 'two'" in h.refused(1, 'ssh', 'tow')
    # who is there is counted
    p = h.start('ssh', 'two', '--', 'echo in; sleep 60')
    assert p.stdout.readline() == b'in\n'
    agent = ['ssh', 'two', '--', 'sh .skytop/skytop-agent status']
    assert json.loads(h.ok(*agent))['ssh_sessions'] == 2  # and who asks
    p.kill()
    p.wait()
    p.stdout.close()
    p.stderr.close()
    assert json.loads(h.ok(*agent))['ssh_sessions'] == 1
    h.ok('stop', '-y', 'two')
    assert 'skytop start two' in h.refused(1, 'ssh', 'two')


def a_task_is_debugged(h):
    task = h.dir + '/t.yaml'
    os.makedirs(h.dir + '/code')
    open(h.dir + '/code/data', 'w').write('payload')
    open(task, 'w').write('''name: broken
workdir: %s/code
envs: {GREETING: "it's $HOME"}
secrets: {TOKEN: hush-hush}
setup: echo "set up" | tee ~/mark
run: echo it ran > ~/ran
''' % h.dir)
    script = 'pwd; cat data; echo; echo "$GREETING $TOKEN"; cat ~/mark; ls ~; echo "$SKYPILOT_NODE_RANK/$SKYPILOT_NUM_NODES $SKYTOP_NODE_IPS"; ' \
             'echo "$SKYPILOT_CLUSTER_INFO"\n'
    out, err = typed(h, ['debug', '-y', '-c', 'bug', task, '--autostop', '7'], script)
    for want in ('/sky_workdir\n', 'payload\n', "it's $HOME hush-hush\n", 'set up\n', '0/1 127.', '"cluster_name":"bug"'):
        assert want in out.replace('": "', '":"'), (want, out)
    assert 'ran' not in out.split('\n') and out.startswith('[skytop] setup\nset up\n'), out
    assert 'skytop debug -c bug' in err and '7 idle minutes' in err and 'skytop down bug' in err, err
    c = h.json('status')[0]
    assert c['autostop'] == {'idle_minutes': 7, 'down': False, 'wait_for': 'jobs_and_ssh'}, c
    assert [j['status'] for j in h.json('queue', 'bug')] == ['SUCCEEDED']
    assert "it's $HOME hush-hush\n" in typed(h, ['debug', '-c', 'bug'], script)[0]  # back into it
    for f in os.listdir(h.dir + '/state'):
        if os.path.isfile(h.dir + '/state/' + f):
            assert b'hush-hush' not in open(h.dir + '/state/' + f, 'rb').read(), f
    # where setup fails is where one wants to look
    out, err = typed(h, ['debug', '-c', 'bug', '-y', 'echo never; exit 3'], 'echo "here $SKYPILOT_NUM_NODES"\n')
    assert 'here 1' in out and 'never' not in out, (out, err)
    open(task, 'w').write('setup: exit 5\nrun: "true"\n')
    out, err = typed(h, ['debug', '-y', '-c', 'bug', task], 'echo here\n')
    assert 'here' in out and 'setup failed' in err and 'skytop logs bug' in err, (out, err)
    assert 'say which task' in h.refused(2, 'debug')


def autostop_of_every_shape(h):
    h.ok('launch', '-y', '-d', '-c', 'k', '-i', '10', '--wait-for', 'none', 'true')

    def head():
        return h.ok('ssh', 'k', '--', 'cat .skytop/autostop').split()[:3]
    h.wait('the head knows', lambda: h.json('status')[0]['autostop'] == {'idle_minutes': 10, 'down': False, 'wait_for': 'none'})
    h.wait('the head knows', lambda: head() == ['10', 'false', 'none'])
    h.ok('autostop', '-y', 'k', '-i', '3', '--down')
    assert h.json('status')[0]['autostop'] == {'idle_minutes': 3, 'down': True}
    assert head() == ['3', 'true', 'jobs_and_ssh']
    h.ok('autostop', '-y', 'k', '--wait-for', 'jobs')
    assert head() == ['5', 'false', 'jobs']
    h.ok('autostop', '-y', 'k', '--cancel')
    assert h.json('status')[0]['autostop'] is None
    h.refused(2, 'autostop', 'k', '--cancel', '--wait-for', 'jobs')
    h.refused(2, 'autostop', 'k', '--wait-for', 'rain')
    # one that has been idle for an hour is not stopped by being told to stop after half an hour: that counts from now on
    h.wait('its job to end', lambda: h.json('queue', 'k')[0]['status'] == 'SUCCEEDED')
    def idle():
        return time.time() - (h.json('status')[0]['idle_since'] or 0) / 1000
    h.ok('engine', 'stop')
    ago = time.time() - 3600
    db = sqlite3.connect(h.dir + '/state/state.db')
    assert db.execute('UPDATE clusters SET launched_at = ?', (int(ago * 1e6),)).rowcount == 1
    db.commit()
    db.close()
    active, = glob.glob(h.dir + '/state/local/nodes/*/home/.skytop/last_active')
    open(active, 'w').write('%d\n' % (ago * 1000))
    h.ok('engine', 'start')
    h.wait('it to be idle for an hour', lambda: 3500 < idle() < 3700)
    h.ok('autostop', '-y', 'k', '-i', '30')
    h.wait('it to be idle anew', lambda: idle() < 100)
    time.sleep(1.5)  # the engine looks each second
    assert h.json('status')[0]['status'] == 'UP' and not [r for r in h.json('requests', '--all') if r['verb'] == 'stop']


def submit(h, verb, args):
    """A request as other clients may make it."""
    s = socket.socket(socket.AF_UNIX)
    s.connect(h.dir + '/run/engine.sock')
    f = s.makefile('rw')
    for i, (method, params) in enumerate([('hello', {'protocol': 1, 'build': 'test'}), ('submit', {'verb': verb, 'args': args})]):
        f.write(json.dumps({'jsonrpc': '2.0', 'id': i, 'method': method, 'params': params}) + '\n')
        f.flush()
        answer = json.loads(f.readline())
        assert 'result' in answer, answer
    f.close()
    s.close()


def hooks_run_before_an_idle_cluster_stops(h):
    task = h.dir + '/t.yaml'
    open(task, 'w').write("""run: "true"
config:
  hooks:
    - {run: 'echo "$SKYTOP_HOOK_EVENT $HOME" >> %s/said', events: [stop, down]}
    - {run: 'echo twice >> %s/said; exit 3', events: [stop]}
    - {run: 'echo never >> %s/said', events: [preemption]}
""" % (h.dir, h.dir, h.dir))
    h.ok('launch', '-y', '-c', 'k', task)
    submit(h, 'autostop', {'cluster': 'k', 'autostop': {'idle_minutes': 0, 'down': False}})
    h.wait('the cluster to stop', lambda: h.json('status')[0]['status'] == 'STOPPED')
    said = open(h.dir + '/said').read().split('\n')
    assert said[0].startswith('stop ' + h.dir + '/state/local/nodes/') and said[1:] == ['twice', ''], said
    assert any('its hook before stop ended with 3' in e['text'] for e in h.json('events', 'k'))
    # what a person orders runs none of them
    h.ok('start', 'k')
    submit(h, 'autostop', {'cluster': 'k', 'autostop': {'idle_minutes': -1, 'down': False}})
    h.ok('stop', '-y', 'k')
    assert len(open(h.dir + '/said').read().split('\n')) in (3, 5)


main([
    ('a shell and commands on nodes of this machine', a_shell_and_commands, {}),
    ('a task is debugged: its environment, its setup, not its run', a_task_is_debugged, {}),
    ('autostop in every shape', autostop_of_every_shape, {}),
    ('hooks run before an idle cluster stops', hooks_run_before_an_idle_cluster_stops, {}),
])
