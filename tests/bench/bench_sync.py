#!/usr/bin/env python3
"""Files to one node beside rsync and scp, over the same sshd on loopback: 10,000 small files, the same again, one of them changed, a large one.
Of skytop the whole step counts, as its events tell; each figure is the best of a few rounds in which all had their turn. BENCH_SYNC_MB=1000
takes a larger file."""
import json, os, random, shutil, subprocess, sys, time
sys.path.insert(0, os.path.join(os.environ['top_srcdir'], 'tests', 'ssh'))
from farm import Farm, Unavailable  # noqa

SKYTOP = os.environ['SKYTOP']
ROUNDS = int(os.environ.get('BENCH_SYNC_ROUNDS', 3))
MB = int(os.environ.get('BENCH_SYNC_MB', 256))


def row(what, value, unit, bar='-'):
    print('sync: %s\t%s\t%s\t%s' % (what, value, unit, bar))


def bench(farm):
    node, d = farm.nodes[0], farm.dir
    env = dict(os.environ, SKYTOP_HOME=d + '/skytop', NO_COLOR='1')
    os.makedirs(d + '/skytop/config')
    with open(d + '/skytop/config/ssh_pools.yaml', 'w') as f:
        f.write(farm.pool_yaml())
    with open(d + '/config', 'w') as f:
        f.write('Host node\n HostName %s\n Port %d\n User %s\n IdentityFile %s\n IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n'
                ' LogLevel ERROR\n' % (node.host, node.port, node.user, node.key))
    small, large = d + '/small', d + '/large'
    rnd = random.Random(1)
    for i in range(10000):
        os.makedirs('%s/d%d/e%d' % (small, i % 50, i % 7), exist_ok=True)
        with open('%s/d%d/e%d/f%d.py' % (small, i % 50, i % 7, i), 'wb') as f:
            f.write(rnd.randbytes(rnd.randrange(100, 6000)))
    os.makedirs(large)
    with open(large + '/file', 'wb') as f:
        for _ in range(MB):
            f.write(rnd.randbytes(1000000))
    best = {}

    def note(what, seconds):
        best[what] = min(best.get(what, 1e9), seconds)

    def run(*argv):
        p = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if p.returncode:
            raise SystemExit('%s: %d\n%s' % (' '.join(argv), p.returncode, p.stdout.decode('utf-8', 'replace')))
        return p.stdout

    def timed(what, *argv):
        start = time.time()
        run(*argv)
        note(what, time.time() - start)

    def exec_(what, workdir):
        run(SKYTOP, 'exec', '-d', 'k', '--workdir', workdir, 'true')
        steps = [e for e in json.loads(run(SKYTOP, 'events', 'k', '--json')) if e['kind'] == 'step' and e['data']['step'] == 'sync']
        note(what, steps[-1]['data']['duration_ms'] / 1000)
    run(SKYTOP, 'launch', '-y', '-d', '-c', 'k', '--infra', 'ssh', 'true')
    rsync = shutil.which('rsync')
    empty = d + '/empty'
    os.makedirs(empty)
    for _ in range(ROUNDS):
        node.run('for h in ~/.skytop/nodes/*; do cd $h/home && rm -rf sky_workdir .skytop/trees; done')
        exec_('many', small)
        exec_('same', small)
        with open(small + '/d1/e1/f1.py', 'ab') as f:
            f.write(b'x')
        exec_('one', small)
        exec_('empty', empty)
        exec_('large', large)
        node.run('rm -rf ~/r ~/s')
        if rsync:
            timed('rsync many', rsync, '-a', '-e', 'ssh -F %s/config' % d, small + '/', 'node:%s/r/' % node.home)
            timed('rsync same', rsync, '-a', '-e', 'ssh -F %s/config' % d, small + '/', 'node:%s/r/' % node.home)
        timed('scp', 'scp', '-q', '-F', d + '/config', large + '/file', 'node:%s/s' % node.home)
    run(SKYTOP, 'down', '-y', 'k')
    row('10,000 small files', '%.2f' % best['many'], 's')
    if rsync:
        row('rsync -a of them', '%.2f' % best['rsync many'], 's')
        row('10,000 small files, beside rsync -a', '%.2f' % (best['many'] / best['rsync many']), 'times', '1.5')
        row('rsync -a, nothing changed', '%.2f' % best['rsync same'], 's')
    row('10,000 small files, nothing changed', '%d' % (1000 * best['same']), 'ms', '500')
    row('10,000 small files, one changed', '%d' % (1000 * best['one']), 'ms', '500')
    row('one file of %d MB' % MB, '%.0f' % (MB / best['large']), 'MB/s')
    row('scp of it', '%.0f' % (MB / best['scp']), 'MB/s')
    row('one file of %d MB, part of scp\'s rate' % MB, '%d' % (100 * best['scp'] / best['large']), '%', '>=80')


try:
    with Farm(1, plain=True) as farm:
        try:
            bench(farm)
        finally:
            subprocess.call([SKYTOP, 'engine', 'stop'], env=dict(os.environ, SKYTOP_HOME=farm.dir + '/skytop'), stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
except Unavailable as e:
    print('nothing is measured: %s' % e, file=sys.stderr)
