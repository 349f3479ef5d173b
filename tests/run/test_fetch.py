#!/usr/bin/env python3
"""File mounts from S3, from the task file to what a job reads: moto's server keeps the objects, a gate before it lets in who has signed for it (see
s3_store.py), nodes are folders on this machine. TAP."""
import json, os, signal, stat, subprocess, sys, time
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../providers'))
sys.path.insert(0, HERE)
import engine_test  # noqa: E402
from aws_cloud import Unavailable  # noqa: E402
from s3_store import Store  # noqa: E402


class Home(engine_test.Home):
    def __init__(self, store):
        super().__init__()
        self.s3 = store
        for name in [n for n in self.env if n.startswith('AWS_')]:
            del self.env[name]
        self.env.update(store.env if store else {}, HOME=self.dir + '/user', AWS_EC2_METADATA_DISABLED='true')
        os.makedirs(self.dir + '/user')

    def task(self, mounts, run='true', **more):
        path = self.dir + '/task.yaml'
        with open(path, 'w') as f:
            json.dump(dict({'resources': {'infra': 'local'}, 'file_mounts': mounts, 'run': run}, **more), f)
        return path

    def launch(self, mounts, *args, name='k', timeout=120, **kw):
        return self.run('launch', '-y', '-c', name, *args, self.task(mounts, **kw), timeout=timeout)

    def homes(self):
        top = self.dir + '/state/local/nodes'
        return sorted('%s/%s/home' % (top, d) for d in os.listdir(top)) if os.path.isdir(top) else []

    def events(self, kind, name='k'):
        return [e['text'] for e in self.json('events', name) if e['kind'] == kind]

    def gets(self, since=0):
        """Keys that were read, and whole requests."""
        return [(path, head) for method, path, _, status, head in self.s3.log[since:] if method == 'GET' and path.count('/') > 1]


def look(top):
    out = {}
    for folder, dirs, files in os.walk(top):
        for name in files:
            out[os.path.relpath(os.path.join(folder, name), top)] = open(os.path.join(folder, name), 'rb').read()
        if not dirs and not files:
            out[os.path.relpath(folder, top) + '/'] = None
    return out


ODD = {'a.txt': b'a', 'with blank ': b'b', 'sub/deep/q\'uo"te\\s$(x)`y`;&|': b'c', 'Ä ö/ü 漢字': b'd', 'plus+&%20?#=': b'e', 'zero': b'', '-dash': b'f',
       '[1-3]{a,b}#1': b'g', 'both/in': b'h', 'ends.in.dot.': b'i', '~': b'j', '*': b'k'}


def odd_names(h):
    """All that a name may hold; what would lead elsewhere is left out, and told of."""
    h.s3.bucket('odd')
    for name, data in ODD.items():
        h.s3.put('odd', 'in/put/' + name, data)
    h.s3.put('odd', 'in/put/folder/')
    h.s3.put('odd', 'in/put/both')  # an empty one: a folder's mark
    h.s3.put('odd', 'in/put//lead//ing', b'l')
    for name in ('../escape', 'a/../../../escape', './x', 'n' * 300):
        h.s3.put('odd', 'in/put/' + name, b'evil')
    h.s3.put('odd', 'in/put-elsewhere', b'no')
    rc, out, err = h.launch({'~/x': 's3://odd/in/put', 'rel/one': {'source': 's3://odd/in/put/a.txt', 'mode': 'COPY'}}, num_nodes=2,
                            run='cat ~/x/a.txt ~/rel/one; echo; ls ~/x/folder | wc -l')
    assert rc == 0 and out.count('aa\n') == 2, (rc, out, err)
    assert len(h.homes()) == 2
    for home in h.homes():
        want = dict(ODD, **{'lead/ing': b'l', 'folder/': None})
        assert look(home + '/x') == want, (look(home + '/x').keys() ^ want.keys())
        assert stat.S_IMODE(os.stat(home + '/x/sub/deep').st_mode) & 0o500 == 0o500
        assert not [n for n in os.listdir(home + '/.skytop/trees') if n.startswith(('fetch.', 'in.', 'ready', 'done.'))]
        assert not [n for n in os.listdir(home + '/.skytop/trees/locks') if n.startswith('get.')]
    assert not os.path.exists(h.dir + '/escape') and not any('escape' in files for _, _, files in os.walk(h.dir))
    left = h.events('launch.left_out')
    assert len(left) == 1 and '4 objects are left out' in left[0] and 'escape' in left[0], left
    done = h.events('fetch.done')
    assert len(done) == 2 and '%d files' % (len(ODD) + 1) in done[0] and '2 nodes' in done[0], done


def many_and_again(h):
    """More than a page; then only what differs is fetched: in the store, or on the node."""
    h.s3.bucket('many')
    h.s3.page = '100'  # a store may give fewer than are asked for
    for i in range(110):
        h.s3.put('many', 'd/%d/%04d' % (i % 7, i), b'%d' % i)
    rc, out, err = h.launch({'~/m': 's3://many'}, run='find ~/m -type f | wc -l; cat ~/m/d/*/0109')
    assert rc == 0 and '110\n109' in out, (rc, out, err)
    pages = [q for m, p, q, s, _ in h.s3.log if p == '/many' and q.get('max-keys') == '1000']
    assert any(q.get('continuation-token') for q in pages), pages
    home, since = h.homes()[0], len(h.s3.log)
    rc, out, err = h.launch({'~/m': 's3://many'}, run='find ~/m -type f | wc -l')
    assert rc == 0 and '110\n' in out and not h.gets(since), (rc, out, err, h.gets(since))
    assert 'is there already' in h.events('fetch.done')[-1], h.events('fetch.done')
    h.s3.put('many', 'd/0/0000', b'changed')
    h.s3.delete('many', 'd/1/0001')
    with open(home + '/m/d/2/0002', 'w') as f:
        f.write('by a job')
    os.unlink(home + '/m/d/3/0003')
    with open(home + '/m/d/result', 'w') as f:
        f.write('made by a job')
    rc, out, err = h.launch({'~/m': 's3://many'}, run='cat ~/m/d/0/0000 ~/m/d/2/0002 ~/m/d/3/0003 ~/m/d/result; ls ~/m/d/1/0001')
    assert 'changed23made by a job' in out and rc == 100, (rc, out, err)
    assert sorted(p for p, _ in h.gets(since)) == ['/many/d/0/0000', '/many/d/2/0002', '/many/d/3/0003'], h.gets(since)
    since = len(h.s3.log)
    rc, out, err = h.run('exec', 'k', h.task({'~/m': 's3://many'}, run='true'))
    assert rc == 0 and not h.s3.log[since:], (rc, out, err)
    h.s3.page = ''


def refusals(h):
    """What is wrong is told before anything is made."""
    h.s3.bucket('mine')
    h.s3.bucket('theirs', rights='')
    h.s3.bucket('listed', rights='l')
    h.s3.bucket('readable', rights='r')
    for b in ('mine', 'theirs', 'listed', 'readable'):
        h.s3.put(b, 'd/x', b'x')
    for status, words, src in ((1, ['there is no bucket', 'no-such-bucket'], 's3://no-such-bucket/x'),
                               (1, ['s3://mine/nothing', 'nothing of that name'], 's3://mine/nothing'),
                               (4, ['s3://theirs/d', 'AccessDenied', 'AWS_ACCESS_KEY_ID'], 's3://theirs/d'), (2, ['cannot be the name of a bucket'], 's3://x/d'),
                               (1, ['nobody here', 'hdfs://'], 'hdfs://mine/d')):
        rc, out, err = h.launch({'~/x': src})
        assert rc == status and all(w in err for w in words), (src, rc, out, err)
        assert not h.homes(), src
    for mount, words in (({'source': 's3://mine/d'}, 'mode MOUNT'), ({'source': 's3://mine/d', 'mode': 'MOUNT_CACHED'}, 'mode: COPY'),
                         ({'name': 'new-bucket', 'mode': 'COPY'}, 'not made or filled')):
        rc, out, err = h.launch({'~/x': mount})
        assert rc and words in err and not h.homes(), (mount, rc, out, err)
    rc, out, err = h.launch({'~/x': 's3://listed/d'})
    assert rc == 4 and 'may be listed, but not read' in err, (rc, out, err)
    rc, out, err = h.launch({'~/y': 's3://readable/d/x'}, run='cat ~/y')
    assert rc == 0 and 'x' in out, (rc, out, err)


def other_keys(h):
    h.s3.bucket('open')
    h.s3.put('open', 'd/x', b'public data')
    h.env['AWS_SECRET_ACCESS_KEY'] = 'wrong'
    rc, out, err = h.launch({'~/x': 's3://open/d'})
    assert rc == 4 and 'SignatureDoesNotMatch' in err and 'wrong' not in err, (rc, out, err)
    h.ok('engine', 'stop')
    del h.env['AWS_SECRET_ACCESS_KEY'], h.env['AWS_ACCESS_KEY_ID']
    rc, out, err = h.launch({'~/x': 's3://open/d'})
    assert rc == 4 and 'is not public' in err and 'aws configure' in err and not h.homes(), (rc, out, err)
    h.s3.public.add('open')
    rc, out, err = h.launch({'~/x': 's3://open/d'}, run='cat ~/x/x')
    assert rc == 0 and 'public data' in out, (rc, out, err)


def other_stores(h):
    """Stores of others that speak S3: keys and addresses where their users keep them."""
    h.s3.bucket('theirs-too')
    h.s3.put('theirs-too', 'd/x', b'from another')
    rc, out, err = h.launch({'~/x': 'r2://theirs-too/d'})
    assert rc == 4 and 'no keys of Cloudflare R2' in err and 'accountid' in err, (rc, out, err)
    user, keys = h.dir + '/user', 'aws_access_key_id = AKIATESTER\naws_secret_access_key = %s\n' % h.env['AWS_SECRET_ACCESS_KEY']
    for folder, name, text in (('.cloudflare', 'r2.credentials', '[r2]\n%sendpoint_url = %s\n' % (keys, h.s3.url)), ('.aws', 'credentials', '[nebius]\n' + keys),
                               ('.aws', 'config', '[profile nebius]\nregion = eu-west1\nendpoint_url = %s/\n' % h.s3.url)):
        os.makedirs('%s/%s' % (user, folder), exist_ok=True)
        with open('%s/%s/%s' % (user, folder, name), 'w') as f:
            f.write(text)
    for uri in ('r2://theirs-too/d', 'nebius://theirs-too/d/x'):
        rc, out, err = h.launch({'~/x': uri}, run='cat ~/x/x ~/x', name=uri[:2])
        assert 'from another' in out, (rc, out, err)
    rc, out, err = h.launch({'~/x': 'r2://no-such-bucket/d'}, name='other')
    assert rc == 1 and 'there is no bucket' in err, (rc, out, err)
    h.s3.users['AKIATESTER'][1]['theirs-too'] = ''
    rc, out, err = h.launch({'~/x': 'nebius://theirs-too/d'}, name='other')
    assert rc == 4 and 'Nebius says AccessDenied' in err, (rc, out, err)


def hard_times(h):
    """Connections that are cut, servers that are busy, links that ended, objects that change: the files are whole in the end."""
    h.s3.bucket('hard')
    big = os.urandom(3 << 20)
    h.s3.put('hard', 'd/big', big)
    for i in range(20):
        h.s3.put('hard', 'd/%d' % i, b'%d' % i * 1000)
    h.s3.cut('d/big', 1 << 20)
    h.s3.refuse('d/3', 503)
    h.s3.refuse('d/4', 403)
    rc, out, err = h.launch({'~/x': 's3://hard/d'}, run='cat ~/x/big | wc -c')
    assert rc == 0 and str(len(big)) in out, (rc, out, err)
    assert look(h.homes()[0] + '/x') == dict({'big': big}, **{'%d' % i: b'%d' % i * 1000 for i in range(20)})
    ranges = [head.get('Range') for path, head in h.gets() if path == '/hard/d/big']
    assert len(ranges) == 2 and ranges[0] is None and ranges[1] not in (None, 'bytes=0-'), ranges
    # It changes between the list and the reading.
    h.s3.then = lambda: h.s3.put('hard', 'd/5', b'quite another')
    h.s3.put('hard', 'd/5', b'another')
    rc, out, err = h.launch({'~/x': 's3://hard/d'}, run='cat ~/x/5')
    assert rc == 0 and 'quite another' in out, (rc, out, err)


def cut_off(h):
    """The engine is killed in the middle of a copy, and the request is cancelled in another: what was fetched is not fetched again."""
    h.s3.bucket('slow')
    for i in range(6):
        h.s3.put('slow', 'd/%d' % i, b'%d' % i * (1 << 20))
    h.s3.slow, since = 0.05, len(h.s3.log)
    p = h.start('launch', '-y', '-d', '-c', 'k', h.task({'~/x': 's3://slow/d'}, run='cat ~/x/* | wc -c'))
    h.wait('the copy to begin', lambda: h.gets(since))
    os.kill(h.engine_pids()[0], signal.SIGKILL)
    p.wait(60)
    h.s3.slow = 0
    h.wait('the cluster to be up', lambda: [c for c in h.json('status') if c['status'] == 'UP'])
    h.wait('the job', lambda: [j for j in h.json('queue', 'k') if j['status'] == 'SUCCEEDED'])
    assert look(h.homes()[0] + '/x') == {'%d' % i: b'%d' % i * (1 << 20) for i in range(6)}
    h.s3.slow = 0.05
    for i in range(6):
        h.s3.put('slow', 'd/%d' % i, b'%d' % (9 - i) * (1 << 20))
    since = len(h.s3.log)
    p = h.start('launch', '-y', '-d', '-c', 'k', h.task({'~/x': 's3://slow/d'}, run='true'))
    h.wait('the copy to begin', lambda: h.gets(since))
    request = max(r['id'] for r in h.json('requests'))
    h.ok('cancel-request', str(request))
    assert p.wait(60) != 0
    h.wait('its tools to end', lambda: not [1 for pid in h.processes() if b'skytop-fetch' in open('/proc/%d/cmdline' % pid, 'rb').read()])
    assert look(h.homes()[0] + '/x') == {'%d' % i: b'%d' % i * (1 << 20) for i in range(6)}  # as it was
    h.s3.slow = 0


CASES = [('names of all kinds, and what is no name', odd_names), ('more than a page, and again', many_and_again), ('refusals come before machines', refusals),
         ('wrong keys, no keys, public buckets', other_keys), ('stores of others that speak S3', other_stores), ('what goes wrong on the way', hard_times), ('the engine is killed, the request is cancelled', cut_off)]


def main():
    try:
        with Store() as store:
            engine_test.main([(name, fn, {'store': store}) for name, fn in CASES if os.environ.get('SKYTOP_ONLY', '') in name], make=Home)
    except Unavailable as e:
        print('1..0 # SKIP %s' % e)


if __name__ == '__main__':
    main()
