#!/usr/bin/env python3
"""Into clusters over SSH: skytop ssh, plain ssh and its family by the entries that are kept for them, debug; and that nothing of it stays. TAP."""
import json, os, shutil, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import Bed, Skip, main  # noqa


def tool(b, *argv, ok=True, **kw):
    p = subprocess.run(argv, env=b.env, capture_output=True, text=True, timeout=60, **kw)
    assert not ok or p.returncode == 0, (argv, p.returncode, p.stdout, p.stderr)
    return p.stdout if ok else p


def read(path):
    with open(path) as f:
        return f.read()


def every_tool_lands_in_the_node(b):
    b.need()
    config = b.dir + '/user/.ssh/config'
    with open(b.dir + '/user/dot-config', 'w') as f:
        f.write('# mine\nHost y\n  HostName elsewhere\nHost *\n  Compression yes\n')
    os.chmod(b.dir + '/user/dot-config', 0o640)
    os.symlink('../dot-config', config)
    mine = read(config)
    b.launch('-d', '--num-nodes', '2', 'true')
    entries = b.dir + '/data/ssh/config.d/x'
    assert read(config) == 'Include %s/data/ssh/config.d/*\n\n%s' % (b.dir, mine) and os.path.islink(config)
    assert os.stat(config).st_mode & 0o777 == 0o640
    ssh = ('ssh', '-F', config, '-o', 'BatchMode=yes')
    home = tool(b, *ssh, 'x', 'pwd; echo "$HOME" ~', stdin=subprocess.DEVNULL).split()
    assert home[0] == home[1] == home[2] and '/.skytop/nodes/' in home[0], home
    other = tool(b, *ssh, 'x-1', 'pwd', stdin=subprocess.DEVNULL).strip()
    assert other == tool(b, *ssh, 'x-1.skytop', 'pwd', stdin=subprocess.DEVNULL).strip() == b.ok('ssh', 'x', '1', '--', 'pwd').strip() and other != home[0]
    assert b.ok('ssh', 'x', '--', 'printf %s', "'a  b'") == 'a  b' and b.run('ssh', 'x', '--', 'exit 9')[0] == 9
    assert json.loads(b.ok('ssh', '--json', 'x', '1', '-t', '-L', '8080:localhost:80', '--', 'ls'))['argv'] == [
        'ssh', '-F', entries, '-t', '-L', '8080:localhost:80', 'x-1.skytop', 'ls']
    with open(b.dir + '/f', 'w') as f:
        f.write('payload')
    tool(b, 'scp', '-q', '-F', config, b.dir + '/f', 'x-1:one')
    tool(b, 'sftp', '-q', '-F', config, '-b', '-', 'x-1', input='put %s/f two\n' % b.dir)
    names = ['one', 'two']
    if shutil.which('rsync'):
        tool(b, 'rsync', '-a', '-e', 'ssh -F ' + config, b.dir + '/f', 'x-1:~/three')
        names.append('three')
    for name in names:
        assert b.ok('ssh', 'x', '1', '--', 'cat', name) == 'payload', name
    # a cluster by the name of a Host that the user has: only the long name is ours
    b.launch('-d', 'true', name='y')
    assert 'HostName "' in read(b.dir + '/data/ssh/config.d/y') and '\nHost y.skytop\n' in read(b.dir + '/data/ssh/config.d/y')
    assert tool(b, *ssh, 'y.skytop', 'pwd', stdin=subprocess.DEVNULL).strip() not in (home[0], other)
    b.ok('down', '-y', 'y')
    # another host key: nothing is sent
    known = b.dir + '/data/known_hosts'
    pinned = read(known)
    wrong = read(b.farm.key + '.pub').split()[1]
    with open(known, 'w') as f:
        f.write(''.join('%s %s %s\n' % (*line.split()[:2], wrong) for line in pinned.splitlines()))
    p = tool(b, *ssh, 'x', 'true', ok=False, stdin=subprocess.DEVNULL)
    assert p.returncode == 255 and 'verification failed' in p.stderr, p
    with open(known, 'w') as f:
        f.write(pinned)
    b.ok('stop', '-y', 'x')
    assert 'skytop start x' in b.refused(1, 'ssh', 'x')
    b.ok('start', 'x')
    assert b.ok('ssh', 'x', '1', '--', 'cat', 'one') == 'payload'
    b.ok('down', '-y', 'x')
    assert os.listdir(b.dir + '/data/ssh/config.d') == os.listdir(b.dir + '/data/keys/clusters') == []
    assert read(config).endswith(mine) and read(config).count('Include') == 1
    for n in b.nodes:
        assert read(n.path('.ssh/authorized_keys')) == read(b.farm.key + '.pub')


def an_include_can_be_forbidden(b):
    b.need()
    b.launch('-d', 'true')
    assert os.listdir(b.dir + '/user/.ssh') == [] and b.ok('ssh', 'x', '--', 'echo in') == 'in\n'


def a_worker_that_lets_nobody_in(b):
    """The head cannot log in to a worker: the launch fails, and says which node and why."""
    b.need()
    keys = b.nodes[1].path('.ssh/authorized_keys')
    conf = [os.path.join(folder, f) for folder, _, files in os.walk(b.nodes[1].dir if hasattr(b.nodes[1], 'dir') else b.farm.dir) for f in files
            if f == 'sshd_config']
    if len(conf) != 1:
        raise Skip('the farm keeps its settings elsewhere')
    text = read(conf[0])
    shutil.copy(keys, b.nodes[1].path('.other_keys'))
    with open(conf[0], 'w') as f:
        f.write(text.replace('/.ssh/authorized_keys', '/.other_keys'))
    b.nodes[1].stop_sshd()
    b.nodes[1].start_sshd()
    os.chmod(b.nodes[1].path('.other_keys'), 0o600)
    os.chown(b.nodes[1].path('.other_keys'), os.stat(keys).st_uid, os.stat(keys).st_gid)
    rc, out, err = b.launch('--num-nodes', '2', 'true', ok=False)
    os.remove(b.nodes[1].path('.other_keys'))
    assert rc != 0 and b.nodes[1].host in err and "head cannot log in with the cluster's key" in err and 'Permission denied' in err, (rc, out, err)
    for n in b.nodes:  # where it was asked about room once more
        if os.path.isdir(n.path('.skytop')):
            os.rmdir(n.path('.skytop'))


def a_task_is_debugged(b):
    b.need()
    with open(b.dir + '/t.yaml', 'w') as f:
        f.write('envs: {WORD: "it\'s"}\nsecrets: {TOKEN: hush-hush}\nsetup: echo set up >~/mark\nrun: touch ~/ran\n')
    p = subprocess.run([os.environ['SKYTOP'], 'debug', '-y', '-c', 'x', '--infra', 'ssh/farm', b.dir + '/t.yaml'], env=b.env, capture_output=True, text=True,
                       timeout=120, input='cd; ls; cat mark; echo "$WORD $TOKEN $SKYPILOT_NUM_NODES"; exit\n')
    assert p.returncode == 0 and 'set up\n' in p.stdout and "it's hush-hush 1\n" in p.stdout and 'ran' not in p.stdout.split(), p
    assert b.json('status')[0]['autostop'] == {'idle_minutes': 30, 'down': False, 'wait_for': 'jobs_and_ssh'}


main([
    ('ssh, scp, sftp and rsync by the names of clusters', every_tool_lands_in_the_node, {'n': 3}),
    ('an Include line can be forbidden', an_include_can_be_forbidden, {'config': 'ssh:\n  include: false\n'}),
    ('a worker that the head cannot log in to', a_worker_that_lets_nobody_in, {'n': 2}),
    ('a task is debugged', a_task_is_debugged, {}),
])
