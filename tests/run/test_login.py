#!/usr/bin/env python3
"""ssh and debug, and what keeps a cluster from being idle, on nodes of this machine."""
import os, subprocess, sys, time
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
    count = ['ssh', 'two', '1', '--', 'HOME=%s sh %s/.skytop/access sessions' % (lines[0], lines[0])]
    assert h.ok(*count) == '1\n'
    p.kill()
    p.wait()
    p.stdout.close()
    p.stderr.close()
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
    h.ok('launch', '-y', '-d', '-c', 'k', '--num-nodes', '2', '-i', '10', '--wait-for', 'none', 'true')

    def on_node(r):
        return h.ok('ssh', 'k', str(r), '--', 'cat .skytop/autostop').split()[:3]
    h.wait('every node knows', lambda: h.json('status')[0]['autostop'] == {'idle_minutes': 10, 'down': False, 'wait_for': 'none'})
    h.wait('every node knows', lambda: on_node(0) == on_node(1) == ['10', 'false', 'none'])
    h.ok('autostop', '-y', 'k', '-i', '3', '--down')
    assert h.json('status')[0]['autostop'] == {'idle_minutes': 3, 'down': True}
    assert on_node(0) == on_node(1) == ['3', 'true', 'jobs']
    h.ok('autostop', '-y', 'k', '--wait-for', 'jobs_and_ssh')
    assert on_node(1) == ['5', 'false', 'jobs_and_ssh']
    h.ok('autostop', '-y', 'k', '--cancel')
    assert h.json('status')[0]['autostop'] is None
    h.refused(2, 'autostop', 'k', '--cancel', '--wait-for', 'jobs')
    h.refused(2, 'autostop', 'k', '--wait-for', 'rain')


main([
    ('a shell and commands on nodes of this machine', a_shell_and_commands, {}),
    ('a task is debugged: its environment, its setup, not its run', a_task_is_debugged, {}),
    ('autostop in every shape, on every node', autostop_of_every_shape, {}),
])
