#!/usr/bin/env python3
"""What goes wrong with machines and networks while clusters are on them: each fault at each step, with real time passing. Not part of
`make check`: `make check-ssh`, or `torture.py [-j N] [WORD…]` for the cases whose names have one of the words. TAP; one process a case.

What must hold: a fault that passes costs time and nothing else. One that does not pass is an error that names the machine and what to do;
when the machine is back, everything on it can be used or taken down, and then nothing is left there.
"""
import os, re, signal, subprocess, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import bed  # noqa
from bed import GATEWAY, HERE, Bed, Skip  # noqa
from farm import write  # noqa

PARTITION_S, CLEAN_S, CASE_S = 60, 180, 1500


def workdir(b, mib, files=20):
    path = b.dir + '/work'
    if not os.path.isdir(path):
        os.makedirs(path)
        for i in range(files):
            with open('%s/data %d' % (path, i), 'wb') as f:
                f.write(os.urandom(mib * 1048576 // files))
    return path


def begin(b, *args, name='x'):
    """A launch in the background: (process, function that waits for its end: status, out, err)."""
    p = b.start('launch', '-y', '-c', name, '--infra', 'ssh/farm', *args)
    box = {}
    t = [threading.Thread(target=lambda k=k, f=f: box.update({k: f.read().decode('utf-8', 'replace')})) for k, f in (('out', p.stdout), ('err', p.stderr))]
    for x in t:
        x.start()

    def end(seconds=420):
        try:
            p.wait(seconds)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise AssertionError('launch does not end in %d s; requests: %r' % (seconds, b.run('requests')[1]))
        for x in t:
            x.join()
        return p.returncode, box['out'], box['err']
    return p, end


# --- partitions ---------------------------------------------------------------------------------------------------------
CHECKED = 'set -e; n=$(ls -1 | wc -l); echo "rank $SKYPILOT_NODE_RANK has $n files"; for i in $(seq 1 50); do echo "tick $i"; sleep 0.1; done'


def complete(b, out, nodes):
    """Each rank's output, whole, in order, once."""
    per = {r: re.findall(r'rank=%d,[^)]*\) (.*)$' % r, out, re.M) for r in range(nodes)} if nodes > 1 else {0: out.splitlines()}
    for r, lines in per.items():
        ticks = [line for line in lines if line.startswith('tick')]
        assert ticks == ['tick %d' % i for i in range(1, 51)], (r, lines)
        assert 'rank %d has 20 files' % r in lines, (r, lines)


def partition(step, which, who=None):
    """All packets from and to some nodes are lost for a minute, from the moment that a step begins."""
    def case(b):
        b.need('machines')
        b.clean_s = CLEAN_S
        nodes = [b.nodes[i] for i in which]
        task = b.dir + '/t.yaml'
        with open(task, 'w') as f:
            f.write('num_nodes: 2\nworkdir: %s\nsetup: for i in $(seq 1 30); do echo setting up $i; sleep 0.1; done\nrun: |\n  %s\n' % (
                workdir(b, 200 if step == 'sync' else 2), CHECKED))
        p, end = begin(b, task)
        b.at_step(*step.split('/')) if step not in ('setup', 'run') else b.wait('the job to be in ' + step, lambda: any(
            j['status'] == {'setup': 'SETTING_UP', 'run': 'RUNNING'}[step] for j in b.json('queue')), 120)
        time.sleep(0.3 if step in ('sync', 'setup', 'run') else 0)
        for n in nodes:
            n.cut(who)
        time.sleep(PARTITION_S)
        for n in nodes:
            n.heal()
        healed = time.time()
        rc, out, err = end()
        assert rc == 0, (rc, out[-2000:], err)
        complete(b, out, 2)
        print('# went on to the end %.0f s after the partition' % (time.time() - healed))
    return case


def partition_in_create(b):
    """Hosts that do not answer just now are waited for where no others have room."""
    b.need('machines')
    b.clean_s = CLEAN_S
    p, end = begin(b, '--num-nodes', '2', 'true')
    b.at_step('create')
    b.nodes[1].cut()
    time.sleep(PARTITION_S)
    b.nodes[1].heal()
    rc, out, err = end()
    assert rc == 0, (rc, out, err)
    print('# %s' % ' / '.join(x for x in err.splitlines() if 'wait' in x or x.startswith('!'))[:300])


def lease_is_lost(b):
    """A host takes a lease and is cut off before it can say so, and another takes its place. When it is back, it has no lease any more."""
    b.need('machines')
    for n in b.nodes:  # between what it does and its answer there are seconds
        write(n.dir + '/bin/mv', '#!/bin/sh\n/bin/mv "$@"\nrc=$?\ncase $* in */.new.*) sleep 20 ;; esac\nexit $rc\n', 0o755)
    p, end = begin(b, 'true')
    first = b.wait('a host to take the lease', lambda: next((n for n in b.nodes if os.path.isdir(n.path('.skytop/nodes')) and any(
        not x.startswith('.') for x in os.listdir(n.path('.skytop/nodes')))), None))
    first.cut()
    rc, out, err = end()
    assert rc == 0, (rc, out, err)
    first.heal()
    healed = time.time()
    b.wait('the lost lease to be given back', lambda: not first.left(), 400)
    print('# the lost lease was gone %.0f s after its host was back' % (time.time() - healed))
    assert any(e['kind'] == 'node.late' for e in b.json('events')), b.json('events')
    assert b.json('status')[0]['status'] == 'UP'


def job_ends_in_a_partition(b):
    b.need('machines')
    p, end = begin(b, '--workdir', workdir(b, 2), CHECKED)
    b.wait('the job to run', lambda: any(j['status'] == 'RUNNING' for j in b.json('queue')), 60)
    b.nodes[0].cut()
    time.sleep(PARTITION_S)
    b.nodes[0].heal()
    rc, out, err = end()
    assert rc == 0, (rc, out, err)
    complete(b, out, 1)


def loss(b):
    b.need('machines')
    for n in b.nodes:
        n.loss(5)
    out, err = b.launch('--num-nodes', '3', '--workdir', workdir(b, 30), CHECKED, timeout=400)
    complete(b, out, 3)
    for _ in range(3):
        out = b.ok('exec', 'x', '--num-nodes', '3', 'echo again', timeout=200)
        assert out.count('again') == 3, out
    b.ok('down', '-y', 'x', timeout=200)
    for n in b.nodes:
        n.heal()


# --- machines that die ----------------------------------------------------------------------------------------------------
def reboot(rank):
    def case(b):
        b.need('machines')
        b.launch('--num-nodes', '2', 'true')
        by_rank = {i: next(n for n in b.nodes if n.host == node['ip']) for i, node in enumerate(sorted(b.json('status')[0]['nodes'], key=lambda x: x['rank']))}
        p = b.start('exec', 'x', '--num-nodes', '2', 'echo begun; sleep 300')
        b.wait('the job to run', lambda: any(j['status'] == 'RUNNING' for j in b.json('queue')), 60)
        time.sleep(1)
        start = time.time()
        host = by_rank[rank].host
        by_rank[rank].reboot()
        out, err = (x.decode() for x in p.communicate(timeout=300))
        took = time.time() - start
        job = b.json('queue', 'x')[0]
        assert p.returncode == 100 and job['status'].startswith('FAILED'), (p.returncode, job, out, err)
        assert job['reason'] and job['reason'] in err, (job, out, err)
        assert host in job['reason'] and 'rebooted' in job['reason'] and 'node %d ' % rank in job['reason'], job
        print('# the job ended as %s %.0f s after the reboot: %s' % (job['status'], took, job.get('reason')))
        out = b.ok('exec', 'x', '--num-nodes', '2', 'echo alive', timeout=200)
        assert out.count('alive') == 2, out
    return case


def dies_at(step):
    """A machine dies at a step and is away for good (as far as the launch can tell); later it is back."""
    def case(b):
        b.need('machines')
        task = b.dir + '/t.yaml'
        with open(task, 'w') as f:
            f.write('num_nodes: 2\nworkdir: %s\nsetup: sleep 20\nrun: sleep 300\n' % workdir(b, 100 if step == 'sync' else 2))
        p, end = begin(b, task)
        b.at_step(step) if step not in ('setup', 'run') else b.wait('the job to be in ' + step, lambda: any(
            j['status'] == {'setup': 'SETTING_UP', 'run': 'RUNNING'}[step] for j in b.json('queue')), 120)
        b.nodes[1].kill()
        start = time.time()
        rc, out, err = end(900)
        took = time.time() - start
        said = out + err + '\n'.join(e['text'] for e in b.json('events')) + str(b.json('queue'))
        assert rc not in (0, 130), (rc, out, err)
        assert b.nodes[1].host in said, said
        print('# status %d after %.0f s: %s' % (rc, took, err.strip().splitlines()[-1] if err.strip() else ''))
        b.nodes[1].boot()
        for c in b.json('status'):
            b.ok('down', '-y', c['name'], timeout=300)
        b.wait('the lease to be given back', lambda: not b.nodes[1].left(), 300)
    return case


def gone_for_good(b):
    """Ten minutes without a word: the job has failed, and says which machine it was."""
    b.need('machines')
    b.launch('--num-nodes', '2', 'true')
    p = b.start('exec', 'x', '--num-nodes', '2', 'echo begun; sleep 3000')
    b.wait('the job to run', lambda: any(j['status'] == 'RUNNING' for j in b.json('queue')), 60)
    for n in b.nodes:
        n.kill()
    start = time.time()
    out, err = (x.decode() for x in p.communicate(timeout=900))
    job = b.json('queue', 'x')[0]
    assert p.returncode == 100 and job['status'].startswith('FAILED'), (p.returncode, job, err)
    assert b.nodes[0].host in str(job) + err + '\n'.join(e['text'] for e in b.json('events')), (job, err)
    print('# %s after %.0f s: %s' % (job['status'], time.time() - start, job.get('reason')))
    for n in b.nodes:
        n.boot()
    b.ok('down', '-y', 'x', timeout=300)


def down_on_the_dead(b):
    """`down` says at once which machine it waits for and how to go on, and --purge goes on, even while the first one waits."""
    b.need('machines')
    b.launch('--num-nodes', '2', 'true')
    b.nodes[1].kill()
    p = b.start('down', '-y', 'x')
    b.wait('the reason to be told', lambda: any(e['kind'] == 'down.waits' for e in b.json('events')), 120)
    start = time.time()
    b.ok('down', '-y', '--purge', 'x', timeout=200)
    print('# --purge took %.0f s' % (time.time() - start))
    out, err = (x.decode() for x in p.communicate(timeout=60))
    assert b.nodes[1].host in err and 'skytop down --purge x' in err, (out, err)
    assert not b.json('status'), b.json('status')
    b.nodes[1].boot()
    b.ok('engine', 'restart')
    b.wait('what was left there to be found', lambda: 'x' in b.run('sweep')[1] or b.json('status'), 60)
    for c in b.json('status'):
        b.ok('down', '-y', c['name'], timeout=200)
    b.nodes[1].run('rm -rf .skytop')


# --- disks, tools, clocks -------------------------------------------------------------------------------------------------------
def disk_full_at_first(b):
    b.need('machines')
    b.nodes[0].fill_disk()
    rc, out, err = b.launch('true', ok=False, timeout=300)
    assert rc and re.search('space|disk', out + err) and b.nodes[0].host in out + err, (rc, out, err)
    print('# %s' % err.strip().splitlines()[-1])
    b.nodes[0].empty_disk()
    for c in b.json('status'):
        b.ok('down', '-y', c['name'])
    assert 'well' in b.launch('echo well')[0]


def disk_full_in_sync(b):
    b.need('machines')
    rc, out, err = b.launch('--workdir', workdir(b, 400), 'true', ok=False, timeout=300)
    assert rc and re.search('space|disk', out + err), (rc, out, err)
    print('# %s' % err.strip().splitlines()[-1])
    subprocess.call(['rm', '-rf', b.dir + '/work'])
    assert 'files: 20' in b.launch('--workdir', workdir(b, 2), 'echo files: $(ls | wc -l)', timeout=300)[0]


def disk_full_under_a_job(b):
    b.need('machines')
    b.launch('true')
    rc, out, err = b.run('exec', 'x', 'cat /dev/zero | head -c 500000000 | tr "\\0" x; echo after $?', timeout=300)
    print('# a job that fills the disk with its log: %d, %s' % (rc, b.json('queue', 'x')[0]['status']))
    assert b.json('queue', 'x')[0]['status'] in ('SUCCEEDED', 'FAILED', 'FAILED_DRIVER'), b.json('queue', 'x')
    b.ok('down', '-y', 'x', timeout=200)


def read_only(b):
    b.need('machines')
    b.nodes[0].read_only()
    rc, out, err = b.launch('true', ok=False, timeout=300)
    assert rc and re.search('[Rr]ead-only', out + err) and b.nodes[0].host in out + err, (rc, out, err)
    print('# %s' % err.strip().splitlines()[-1])
    b.nodes[0].read_only(False)
    for c in b.json('status'):
        b.ok('down', '-y', c['name'])
    assert 'well' in b.launch('echo well')[0]
    b.nodes[0].read_only()
    rc, out, err = b.run('exec', 'x', 'echo second', timeout=300)
    assert rc and re.search('[Rr]ead-only', out + err), (rc, out, err)
    b.nodes[0].read_only(False)
    assert 'third' in b.ok('exec', 'x', 'echo third', timeout=200)


def missing(name):
    """Without a tool it works, or says that the tool is missing, and where."""
    def case(b):
        b.need('machines')
        rc, out, err = b.launch('--workdir', workdir(b, 2), 'echo files: $(ls -1 | wc -l)' if name not in ('wc', 'ls') else 'echo files: 20', ok=False,
                                timeout=300)
        if rc == 0:
            assert 'files: 20' in out, (out, err)
            print('# does without %s' % name)
        else:
            assert name in out + err and b.nodes[0].host in out + err, (rc, out, err)
            print('# %s' % err.strip().splitlines()[-1])
    return case


def skew(b):
    b.need('machines')
    out, err = b.launch('--num-nodes', '2', '-i', '5', '--workdir', workdir(b, 2), CHECKED)
    complete(b, out, 2)
    out = b.ok('exec', 'x', '--num-nodes', '2', 'echo second')
    assert out.count('second') == 2, out
    time.sleep(20)
    c = b.json('status')[0]
    assert c['status'] == 'UP', 'idle for seconds is not idle for five minutes: %r' % c
    job = b.json('queue', 'x')[0]
    assert job['status'] == 'SUCCEEDED', job
    print('# job: %r' % {k: job.get(k) for k in ('submitted_at', 'started_at', 'ended_at')})
    b.ok('down', '-y', 'x')


# --- logs -----------------------------------------------------------------------------------------------------------------------
def log_stream(b):
    """A minute of silence, broken connections and a killed engine while four nodes write: no line lost or doubled."""
    b.need('machines')
    b.launch('--num-nodes', '4', 'true')
    p = b.start('exec', 'x', '--num-nodes', '4', 'for i in $(seq 1 1200); do echo "tick $i"; sleep 0.1; done')
    box = []
    t = threading.Thread(target=lambda: box.append(p.stdout.read().decode()))
    t.start()
    time.sleep(10)
    b.nodes[1].drop_connections()
    time.sleep(5)
    for n in b.nodes:
        n.cut(GATEWAY)
    time.sleep(PARTITION_S)
    for n in b.nodes:
        n.heal()
    time.sleep(5)
    b.nodes[0].drop_connections()
    time.sleep(5)
    engine, = b.engine_pids()
    os.kill(engine, signal.SIGKILL)
    assert p.wait(200) == 0, p.stderr.read()
    assert b.engine_pids() != [engine], 'the engine was not killed'
    t.join()
    for text in box[0], b.ok('logs', 'x', '2'):
        for r in range(4):
            ticks = re.findall(r'rank=%d,[^)]*\) tick (\d+)$' % r, text, re.M)
            assert ticks == [str(i) for i in range(1, 1201)], (r, len(ticks))


TWO = {'n': 2}
CASES = [('partition of %d s in %s, %s' % (PARTITION_S, step.split('/')[0], what), partition(step, which), TWO)
         for step in ('agent', 'sync', 'submit/autostop', 'setup', 'run') for what, which in (('one node', [1]), ('all nodes', [0, 1]))]
CASES += [
    ('partition in create', partition_in_create, TWO),
    ('a lease whose answer is lost', lease_is_lost, TWO),
    ('partition between us and the nodes in run', partition('run', [0, 1], GATEWAY), TWO),
    ('a job that ends in a partition', job_ends_in_a_partition, {}),
    ('log streams of four nodes', log_stream, {'n': 4}),
    ('packets are lost, 5 %', loss, {'n': 3}),
    ('reboot of the head while running', reboot(0), TWO),
    ('reboot of a worker while running', reboot(1), TWO),
    ('machines that are gone for good', gone_for_good, TWO),
    ('down of a machine that is dead', down_on_the_dead, TWO),
    ('disk full at first', disk_full_at_first, {'home_mib': 300}),
    ('disk full in sync', disk_full_in_sync, {'home_mib': 300}),
    ('disk full by a job', disk_full_under_a_job, {'home_mib': 300}),
    ('home that is read-only', read_only, {}),
    ('clock an hour ahead', skew, dict(TWO, skew_s=3600)),
    ('clock an hour behind', skew, dict(TWO, skew_s=-3600)),
    ('clocks an hour apart', skew, dict(TWO, each={0: {'skew_s': 3600}})),
]
CASES += [('a machine dies in ' + step, dies_at(step), TWO) for step in ('create', 'agent', 'sync', 'submit', 'setup', 'run')]
CASES += [('no ' + t, missing(t), {'missing': (t,), 'shell': '/bin/sh'})
          for t in ('tar', 'gzip', 'awk', 'sed', 'mkfifo', 'ps', 'setsid', 'bash', 'nohup', 'cksum', 'stat', 'find', 'timeout', 'flock', 'readlink', 'who')]


def one(name):
    start = time.time()
    p = subprocess.Popen([sys.executable, os.path.abspath(__file__), '--one', name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        out, rc = p.communicate(timeout=CASE_S)[0], p.returncode
    except subprocess.TimeoutExpired:
        p.terminate()
        out, rc = p.communicate()[0] + '\nno end after %d s' % CASE_S, 1
    return name, out, rc, time.time() - start


def run_all():
    args = sys.argv[1:]
    if args[:1] == ['--one']:
        sys.argv[1:] = []
        bed.main([c for c in CASES if c[0] == args[1]])
    jobs = 4
    if args[:1] == ['-j']:
        jobs = int(args[1])
        args = args[2:]
    wanted = [c[0] for c in CASES if not args or any(w in c[0] for w in args)]
    print('1..%d' % len(wanted), flush=True)
    bad = 0
    with ThreadPoolExecutor(jobs) as pool:
        for i, (name, out, rc, took) in enumerate(pool.map(one, wanted), 1):
            skip = re.search(r'# SKIP.*', out)
            bad += rc != 0
            print('%sok %d - %s%s' % ('not ' if rc else '', i, name, ' ' + skip[0] if skip and not rc else ''))
            for line in ['took %.0f s' % took] + [x for x in out.splitlines() if x and not re.match(r'(not )?ok 1 |1\.\.1$', x)]:
                print(line if line.startswith('#') else '# ' + line)
            sys.stdout.flush()
    sys.exit(1 if bad else 0)


run_all()
