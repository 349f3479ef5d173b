#!/usr/bin/env python3
"""Logs from nodes of this machine: cuts, a copy that is far behind, a log that is replaced, ranks, times, clusters that are gone."""
import glob, json, os, random, re, signal, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import Home, Skip, main  # noqa

TORTURE = bool(os.environ.get('SKYTOP_TORTURE'))


def node_dir(h, nth=0):
    return sorted(glob.glob(h.dir + '/state/local/nodes/*/home/.skytop'), key=os.path.getctime)[nth]


def spool(h, name):
    return glob.glob(h.dir + '/state/logs/*/' + name)[0]


def read(path):
    return open(path, 'rb').read()


def followers(h):
    """What follows a log on a node: the agent's process, and the cat that it may run."""
    found = []
    for pid in h.processes():
        try:
            if re.search(rb'skytop-agent\0logs\0', read('/proc/%d/cmdline' % pid)):
                found.append(pid)
        except OSError:
            pass
    return found


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def cuts_lose_nothing(h):
    cuts = 50 if TORTURE else 6
    h.ok('launch', '-y', '-d', '-c', 'k', 'true')
    h.ok('exec', '-d', 'k', 'i=0; while [ ! -e ~/enough ]; do i=$((i+1)); echo "line $i of many, with some text behind it to make it longer"; '
         '[ $((i % 50)) != 0 ] || sleep 0.02; done; printf "the end"')
    out = open(h.dir + '/out', 'wb')
    reader = subprocess.Popen([os.environ['SKYTOP'], 'logs', 'k', '2'], env=h.env, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    rng = random.Random(7)
    for n in range(cuts):
        kill(h.wait('a follower', lambda: followers(h)))
        time.sleep(rng.random() * 0.4)
        if n == cuts // 2:  # the engine, too
            kill(h.engine_pids())
    open(os.path.dirname(node_dir(h)) + '/enough', 'w')
    reader.communicate(timeout=60)
    want = read(node_dir(h) + '/jobs/2/log')
    assert reader.returncode == 0 and want.endswith(b'the end')
    assert read(spool(h, '2.log')) == want and read(h.dir + '/out') == want, (len(want), len(read(spool(h, '2.log'))), len(read(h.dir + '/out')))


THROTTLED = '''#!/bin/sh
case "$*" in "logs 1 --offset "*)
  offset=${4}
  [ "$offset" -ge 20000000 ] || while [ ! -e "$HOME/go" ]; do sleep 0.05; done
esac
exec sh "$HOME/.skytop/real-agent" "$@"
'''


def the_tail_of_a_log_far_behind(h):
    lines = 600000
    h.ok('launch', '-y', '-d', '-c', 'k', 'while [ ! -e ~/begin ]; do sleep 0.05; done; seq -f "%%.0f some words to fill the line, which is how logs are, mostly" %d; '
         'while [ ! -e ~/enough ]; do sleep 0.05; done; echo last' % lines)
    d = node_dir(h)
    home = os.path.dirname(d)
    # The whole log does not come until we say so.
    h.wait('the follower', lambda: followers(h))
    os.rename(d + '/skytop-agent', d + '/real-agent')
    open(d + '/skytop-agent', 'w').write(THROTTLED)
    kill(followers(h))
    open(home + '/begin', 'w')
    h.wait('the log', lambda: os.path.getsize(d + '/jobs/1/log') > 35e6 and read(d + '/jobs/1/log').endswith(b'mostly\n'))
    reader = h.start('logs', 'k', '--tail', '2')
    got = [reader.stdout.readline() for _ in range(2)]
    assert got[1].startswith(b'%d some' % lines) and got[0].startswith(b'%d some' % (lines - 1)), got
    assert os.path.getsize(spool(h, '1.log')) == 0  # nothing of the whole has come yet
    tail = spool(h, '1.tail')
    assert os.path.getsize(tail) < 5e6
    # Once the copy has caught up, it goes on from there.
    open(home + '/go', 'w')
    h.wait('the copy', lambda: os.path.getsize(spool(h, '1.log')) == os.path.getsize(d + '/jobs/1/log'))
    h.wait('the tail to go', lambda: not os.path.exists(tail))
    open(home + '/enough', 'w')
    rest, err = reader.communicate(timeout=60)
    assert reader.returncode == 0 and rest == b'last\n', (rest, err)
    assert read(spool(h, '1.log')) == read(d + '/jobs/1/log')
    assert h.ok('logs', 'k', '--tail', '2').startswith('%d some' % lines)


def another_log_in_its_place(h):
    h.ok('launch', '-y', '-d', '-c', 'k', 'echo the old log; while [ ! -e ~/enough ]; do sleep 0.05; done')
    log = node_dir(h) + '/jobs/1/log'
    reader = h.start('logs', 'k')
    assert reader.stdout.readline() == b'the old log\n'

    def put(text):
        open(log + '.new', 'w').write(text)
        os.rename(log + '.new', log)
        kill(h.wait('a follower', lambda: followers(h)))
    put('this is a new log, and a longer one' + 500 * '.' + '\n')
    assert reader.stdout.readline().startswith(b'this is a new log, and a longer one')
    put('short\n')
    assert reader.stdout.readline() == b'short\n'
    open(os.path.dirname(node_dir(h)) + '/enough', 'w')
    rest, err = reader.communicate(timeout=60)
    assert rest == b'' and err.count(b'another in its place') == 2, (rest, err)
    assert read(spool(h, '1.log')) == b'short\n' and read(spool(h, '1.log.1')) == b'the old log\n' and read(spool(h, '1.log.2')).startswith(b'this is a new')
    said = [e['text'] for e in h.json('events', 'k') if e['kind'] == 'log.replaced']
    assert len(said) == 2 and 'reads otherwise' in said[0] and 'shorter' in said[1], said


def a_log_cut_short_in_place(h):
    """Under a follower that has read all of it, and goes on reading where there is nothing any more."""
    h.ok('launch', '-y', '-d', '-c', 'k', 'echo the old log; while [ ! -e ~/enough ]; do sleep 0.05; done; echo the end')
    log = node_dir(h) + '/jobs/1/log'
    reader = h.start('logs', 'k')
    assert reader.stdout.readline() == b'the old log\n'
    h.wait('a follower', lambda: followers(h))
    with open(log, 'r+') as f:
        f.truncate(4)
    h.wait('it to be told', lambda: [e for e in h.json('events', 'k') if e['kind'] == 'log.replaced'])
    open(os.path.dirname(node_dir(h)) + '/enough', 'w')
    rest, err = reader.communicate(timeout=60)
    assert rest == b'the the end\n' and b'another in its place' in err, (rest, err)
    assert read(spool(h, '1.log')) == b'the the end\n' and read(spool(h, '1.log.1')) == b'the old log\n'


def ranks_and_setup(h):
    task = h.dir + '/t.yaml'
    open(task, 'w').write('name: g\nnum_nodes: 3\nsetup: echo "made ready"\nrun: |\n  for i in 1 2 3; do echo "r$SKYPILOT_NODE_RANK l$i"; done\n')
    out = h.ok('launch', '-y', '-c', 'g', task)
    assert out.count('made ready') == 3 and all('r%d l3' % r in out for r in range(3)), out
    for r in range(3):
        mine = h.ok('logs', 'g', '--rank', str(r)).splitlines()
        assert [x.split(') ')[1] for x in mine] == ['made ready', 'r%d l1' % r, 'r%d l2' % r, 'r%d l3' % r], mine
    assert h.ok('logs', 'g', '--rank', '1', '--tail', '2').endswith(') r1 l2\n%s r1 l3\n' % mine[0].split(' made')[0].replace('worker2, rank=2', 'worker1, rank=1')) or \
        h.ok('logs', 'g', '--rank', '1', '--tail', '2').count('r1 l') == 2
    assert h.ok('logs', 'g', '--setup') == 3 * 'made ready\n' and h.ok('logs', 'g', '--setup', '--rank', '2') == 'made ready\n'
    assert h.ok('logs', 'g', '--rank', '1', '--from-node') == 'made ready\nr1 l1\nr1 l2\nr1 l3\n'
    assert h.ok('logs', 'g', '--rank', '2', '--from-node', '--tail', '1') == 'r2 l3\n'
    files = h.ok('logs', 'g', '--sync-down', '1', '--dir', h.dir + '/d').splitlines()
    assert [os.path.basename(f) for f in files] == ['g-1.log', 'g-1.rank-0.log', 'g-1.rank-1.log', 'g-1.rank-2.log'], files
    assert read(files[3]) == b'made ready\nr2 l1\nr2 l2\nr2 l3\n'
    assert 'ranks are 0 to 2' in h.refused(2, 'logs', 'g', '--rank', '3')
    assert 'exec' not in h.ok('exec', 'g', '--num-nodes', '1', 'echo alone')
    assert 'no rank 1' in h.refused(2, 'logs', 'g', '2', '--rank', '1')
    rc, out, err = h.run('logs', 'g', '2', '--setup')
    assert (rc, out) == (0, '') and 'nothing was said' in err, (rc, out, err)
    for bad in (('--since', 'soon'), ('--from-node',), ('--setup', '--tail', '3'), ('--rank', '-1'), ('--all',), ('--dir', 'x')):
        h.refused(2, 'logs', 'g', *bad)
    h.refused(2, 'logs', 'g', '1', '2')
    h.ok('down', '-y', 'g')
    assert h.ok('logs', 'g', '1', '--rank', '2').count('r2 l') == 3  # all of it is here
    assert h.ok('logs', 'g', '1', '--rank', '1', '--from-node').endswith('r1 l3\n')  # and what was fetched
    assert 'not fetched' in h.refused(102, 'logs', 'g', '2', '--rank', '0', '--from-node')


def setup_alone(h):
    task = h.dir + '/t.yaml'
    open(task, 'w').write('name: s\nsetup: echo "made ready"; sleep 0.3; echo "and done"\nrun: echo ran; sleep 300\n')
    h.ok('launch', '-y', '-d', '-c', 'k', task)
    rc, out, err = h.run('logs', 'k', '--setup')  # ends with setup
    assert out == '[skytop] setup\nmade ready\nand done\n', (out, err)
    assert h.run('logs', 'k', '--setup', '--rank', '0', '--no-follow')[1] == out
    open(task, 'w').write('name: s\nsetup: echo "not ready"; exit 3\nrun: echo ran\n')
    rc, out, err = h.run('launch', '-y', '-c', 'k2', task)
    assert rc == 100 and h.run('logs', 'k2', '--setup')[1] == '[skytop] setup\nnot ready\n', (rc, out, err)


def since_and_colours(h):
    h.ok('launch', '-y', '-d', '-c', 'k', r'''printf '\033[31mred\033[0m \033[2Jold\n'; while [ ! -e ~/more ]; do sleep 0.05; done; echo new; sleep 300''')
    h.wait('the first line', lambda: 'old' in h.run('logs', 'k', '--no-follow')[1])
    assert h.run('logs', 'k', '--no-follow')[1] == '\033[31mred\033[0m \033[2Jold\n'  # to a pipe: what the job wrote
    assert h.run('logs', 'k', '--no-follow', '--no-color')[1] == 'red old\n'
    time.sleep(2.5)
    open(os.path.dirname(node_dir(h)) + '/more', 'w')
    h.wait('the second line', lambda: 'new' in h.run('logs', 'k', '--no-follow')[1])
    rc, out, err = h.run('logs', 'k', '--no-follow', '--since', '2s')
    assert (rc, out) == (101, 'new\n'), (rc, out, err)
    assert h.run('logs', 'k', '--no-follow', '--since', '1h')[1].endswith('old\nnew\n')
    assert h.run('logs', 'k', '--no-follow', '--since', '2100-01-01')[1] in ('', 'new\n')
    h.ok('engine', 'stop')
    h.ok('cancel', 'k', '-a', '-y')
    assert h.run('logs', 'k')[0] == 103  # all of it is here, so nothing more is noted
    os.unlink(spool(h, '1.times'))
    rc, out, err = h.run('logs', 'k', '--since', '2s')
    assert out.endswith('old\nnew\n') and 'not known' in err, (out, err)


def logs_of_clusters_that_are_gone(h):
    h.ok('launch', '-y', '-c', 'k', 'echo first')
    uid = h.json('status')[0]['id']
    h.ok('exec', 'k', 'echo second')
    h.ok('exec', '-d', 'k', 'echo third; sleep 300')
    h.wait('it', lambda: 'third' in h.run('logs', 'k', '--no-follow', '3')[1])
    h.ok('logs', 'k', '--sync-down', '1', '2', '--dir', h.dir + '/some')
    assert sorted(os.listdir(h.dir + '/some')) == ['k-1.log', 'k-2.log'] and read(h.dir + '/some/k-2.log') == b'second\n'
    h.ok('down', '-y', 'k')
    h.ok('launch', '-y', '-c', 'k', 'echo again')
    h.ok('down', '-y', 'k')
    assert h.ok('logs', 'k') == 'again\n'  # the newest of that name
    assert h.ok('logs', uid, '1') == 'first\n' and h.run('logs', uid, '3')[1] == 'third\n'
    files = json.loads(h.ok('logs', uid, '--sync-down', '--all', '--dir', h.dir + '/all', '--json'))
    assert [f['job'] for f in files] == [1, 2, 3] and read(h.dir + '/all/%s-2.log' % uid) == b'second\n', files
    h.refused(102, 'logs', uid, '9')
    h.refused(102, 'logs', uid, '--sync-down', '9')
    h.refused(102, 'logs', 'never')


def old_logs_go(h):
    h.ok('launch', '-y', '-c', 'alive', 'echo alive')
    h.ok('engine', 'stop')
    logs = h.dir + '/state/logs/'
    alive = os.listdir(logs)[0]
    now = time.time()
    for name, days in (('old-1', 31), ('young-1', 29), ('.hidden', 99), ('od d', 99)):
        os.mkdir(logs + name)
        open(logs + name + '/1.log', 'w').write('x')
        os.utime(logs + name + '/1.log', (now - days * 86400,) * 2)
        os.utime(logs + name, (now - days * 86400,) * 2)
    os.symlink('/etc', logs + 'link-1')
    os.utime(logs + alive + '/1.log', (1, 1))
    h.ok('status')
    h.wait('the old ones to go', lambda: not os.path.exists(logs + 'old-1'))
    time.sleep(0.2)
    assert sorted(os.listdir(logs)) == sorted([alive, 'young-1', '.hidden', 'od d', 'link-1'])
    assert os.path.exists(logs + alive + '/1.log') and os.path.exists('/etc/passwd')


ONLY = os.environ.get("ONLY")
main([x for x in [
    ('cuts lose no line and double none', cuts_lose_nothing, {}),
    ('the tail of a log whose copy is far behind', the_tail_of_a_log_far_behind, {}),
    ('another log in the place of the one copied', another_log_in_its_place, {}),
    ('a log cut short in place', a_log_cut_short_in_place, {}),
    ('ranks and setup', ranks_and_setup, {}),
    ('setup alone', setup_alone, {}),
    ('since, and colours', since_and_colours, {}),
    ('logs of clusters that are gone', logs_of_clusters_that_are_gone, {}),
    ('old logs go, others stay', old_logs_go, {}),
] if not ONLY or ONLY in x[0]], side_by_side=3)
