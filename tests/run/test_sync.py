#!/usr/bin/env python3
"""Files on their way to nodes: the packer, and skytop-tree on the node's side, under every shell that is here, with its own tools and with
busybox alone; cut off anywhere; and both behind the engine. Python plays the engine in most cases: ask, pack, send.

With SKYTOP_TORTURE=1 it is cut off at every step, not at every fifth one, bash is tried as itself, not only as sh, and three times as
many random folders are held against git."""
import hashlib, itertools, json, os, random, shutil, signal, stat, subprocess, sys, tempfile, threading, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import SKYTOP, Home, Skip, main  # noqa

TOP = os.environ['top_srcdir']
SCRIPT = os.path.abspath(TOP + '/share/agent/skytop-tree')
TOOLS = 'awk cat cmp cp find head ln mkdir mv readlink rm rmdir sed sort stat tar tr xargs sh sleep gzip kill'.split()
KEY = '00000000000000aa'
TORTURE = bool(os.environ.get('SKYTOP_TORTURE'))
stamps = itertools.count(1)


class Node:
    """A home folder, and the shell and tools of a node."""
    def __init__(self, dir, shell=('sh',), path=None):
        self.home, self.shell = dir, list(shell)
        os.makedirs(dir, exist_ok=True)
        self.env = {'HOME': dir, 'PATH': path or os.environ['PATH'], 'TMPDIR': '/tmp'}

    def run(self, *args, stdin=None, env=None, **kw):
        return subprocess.run([*self.shell, SCRIPT, *args], env=dict(self.env, **(env or {})), stdin=stdin or subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, **kw)

    def lines(self, *args, **kw):
        p = self.run(*args, **kw)
        out = [json.loads(line) for line in p.stdout.decode().split('\n') if line.startswith('{')]
        assert p.returncode == 0 or (out and 'error' in out[-1]), (args, p.returncode, p.stdout)
        return out


def pack(work, items, bases, out=None, compress=False, ok=True):
    """Order the packer about; its lines."""
    os.makedirs(work, exist_ok=True)
    order = {'trees': work + '/trees', 'stamp': 's%d' % next(stamps), 'compress': compress, 'items': items,
             'groups': [{'out': out or work + '/stream', 'bases': bases}]}
    p = subprocess.run([SKYTOP, 'pack-tree'], input=json.dumps(order).encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = [json.loads(line) for line in p.stdout.decode().split('\n') if line]
    assert (p.returncode == 0) == ok, (p.returncode, lines, p.stderr)
    return lines


def prepare(node, work, src, root='~/w', name=None, compress=False):
    """What the node has is asked, what it lacks is packed. (ticket, what the packer said of it, notes)"""
    ticket = 't%d' % next(stamps)
    answer = [j for j in node.lines('state', ticket, KEY) if j.get('type') == 'tree']
    item = {'key': KEY, 'root': root, 'src': src}
    if name:
        item['name'] = name
    lines = pack(work, [item], [answer[0]], compress=compress)
    return ticket, lines[0], lines[-1]['notes']


def sync(node, work, src, **kw):
    ticket, group, notes = prepare(node, work, src, **kw)
    if group['send']:
        args = ['recv', ticket] + (['-z'] if group['gzip'] else [])
        out = node.lines(*args, stdin=open(work + '/stream', 'rb'))
        assert out and out[-1] == {'type': 'synced'}, out
        notes += [j['text'] for j in out if j['type'] == 'note']
    group['notes'] = notes
    return group


def look(root):
    """Everything below a folder, as it must be the same on both sides."""
    out = {}
    root = os.fsencode(root)
    for folder, dirs, files in os.walk(root):
        for name in dirs + files:
            p = os.path.join(folder, name)
            st = os.lstat(p)
            rel = os.path.relpath(p, root)
            if stat.S_ISLNK(st.st_mode):
                out[rel] = ('l', os.readlink(p))
            elif stat.S_ISDIR(st.st_mode):
                out[rel] = ('d', oct(st.st_mode & 0o777))
            elif stat.S_ISREG(st.st_mode):
                out[rel] = ('f', oct(st.st_mode & 0o777), int(st.st_mtime), hashlib.sha1(open(p, 'rb').read()).hexdigest())
    return out


def same(a, b):
    x, y = look(a), look(b)
    assert x == y, {k: (x.get(k), y.get(k)) for k in x.keys() | y.keys() if x.get(k) != y.get(k)}


def put(path, data=b'x', mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    with open(path, 'wb') as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    old(path)


def old(path):
    """As if it had not been written just now."""
    os.utime(path, (1700000000, 1700000000 + next(stamps)))


def odd_tree(d, big=3 << 20):
    for name in ('plain', 'with blank', ' lead', 'trail ', '-dash', '--', 'new\nline', 'q\'uote"s', '$(touch x)`y`', 'back\\slash', 'tab\there', '*', '~',
                 'Ä ö', 'a' * 200):
        put('%s/%s' % (d, name), name)
        put('%s/dir %s/in' % (d, name), name)
    with open(os.fsencode(d) + b'/\xff\xfe raw', 'wb') as f:
        f.write(b'raw')
    os.utime(os.fsencode(d) + b'/\xff\xfe raw', (1600000000, 1600000000))
    deep = '/'.join(['deep' * 10] * 30)
    put('%s/%s/end' % (d, deep), 'deep')
    os.makedirs(d + '/empty/emptier')
    put(d + '/exec', '#!/bin/sh\n', 0o755)
    put(d + '/secret', 'x', 0o600)
    put(d + '/nobody', 'x', 0o400)
    put(d + '/zero', b'')
    put(d + '/big', os.urandom(big))
    os.chmod(d + '/empty', 0o750)
    os.symlink('plain', d + '/link')
    os.symlink('/no/such\nplace', d + '/dangling')
    os.symlink('empty', d + '/link to dir')


def shells(h):
    """Every shell that is here, as a node's sh is, with the system's tools, and busybox with nothing but its own."""
    seen = set()
    for shell in (('dash',), ('bash', '--posix'), *([('bash',)] if TORTURE else []), ('sh',)):
        real = os.path.realpath(shutil.which(shell[0]) or '')
        if os.path.isfile(real) and (real, *shell[1:]) not in seen:  # sh is often one of the others
            seen.add((real, *shell[1:]))
            yield shell, None
    box = shutil.which('busybox')
    if box:
        bin = h.dir + '/bin'
        os.makedirs(bin, exist_ok=True)
        have = subprocess.run([box, '--list'], stdout=subprocess.PIPE).stdout.decode().split()
        for tool in TOOLS:
            if tool in have and not os.path.lexists(bin + '/' + tool):
                os.symlink(box, bin + '/' + tool)
        yield (box, 'sh'), bin


def the_tree_as_it_is(h):
    src = h.dir + '/src'
    os.mkdir(src)
    odd_tree(src)
    for i, (shell, path) in enumerate(shells(h)):
        n = Node('%s/node%d' % (h.dir, i), shell, path)
        g = sync(n, h.dir + '/pack', src, compress=bool(i % 2))
        assert g['send'] and not g['notes'], g
        same(src, n.home + '/w')
        g = sync(n, h.dir + '/pack', src)
        assert not g['send'] and not g['files'], g
        assert not os.path.exists(n.home + '/.skytop/trees/ready') and sorted(os.listdir(n.home)) == ['.skytop', 'w'], os.listdir(n.home)


def change(src):
    """Every kind of change from the odd tree to another."""
    put(src + '/plain', 'other text')
    os.chmod(src + '/secret', 0o644)
    os.unlink(src + '/zero')
    put(src + '/added/deep/file', 'new')
    shutil.rmtree(src + '/dir plain')  # a folder becomes a file
    put(src + '/dir plain', 'file now')
    os.unlink(src + '/-dash')  # a file becomes a folder
    put(src + '/-dash/inside', 'x')
    os.unlink(src + '/link')  # a link becomes a file
    put(src + '/link', 'file')
    os.unlink(src + '/exec')  # a file becomes a link
    os.symlink('plain', src + '/exec')
    shutil.rmtree(src + '/dir with blank')  # a folder becomes a link
    os.symlink('empty', src + '/dir with blank')
    os.unlink(src + '/link to dir')  # a link to a folder becomes a folder
    put(src + '/link to dir/f', 'x')
    os.unlink(src + '/dangling')
    os.symlink('elsewhere', src + '/dangling')
    os.rmdir(src + '/empty/emptier')
    os.chmod(src + '/empty', 0o755)
    os.unlink(src + '/new\nline')
    shutil.rmtree(src + '/dir new\nline')


def only_what_changed(h):
    first, then = h.dir + '/first', h.dir + '/then'
    os.mkdir(first)
    odd_tree(first)
    subprocess.check_call(['cp', '-a', first, then])
    change(then)
    for i, (shell, path) in enumerate(shells(h)):
        n = Node('%s/node%d' % (h.dir, i), shell, path)
        w = n.home + '/w'
        sync(n, h.dir + '/pack', first)
        put(w + '/out/result', 'of a job')
        put(w + '/empty/emptier/kept', 'of a job')
        here = os.stat(w)
        g = sync(n, h.dir + '/pack', then)
        assert g['bytes'] < 1000 and g['files'] < 15, g
        got = look(w)
        for name in (b'out', b'out/result', b'empty/emptier', b'empty/emptier/kept'):
            assert got.pop(name), name
        assert got == look(then), set(got.items()) ^ set(look(then).items())
        assert os.stat(w).st_ino == here.st_ino  # running jobs stay where they are
        g = sync(n, h.dir + '/pack', first)  # and back
        assert g['bytes'] < 1000, g
        shutil.rmtree(w + '/out')
        os.unlink(w + '/empty/emptier/kept')
        same(first, w)


def what_jobs_did_to_files(h):
    src = h.dir + '/src'
    for name in ('a', 'b', 'c', 'd/e', 'd/f', 'g/h', 'gone/x', 'k'):
        put(src + '/' + name, 'source ' + name)
    os.symlink('a', src + '/l')
    os.makedirs(src + '/void')
    for i, (shell, path) in enumerate(shells(h)):
        n = Node('%s/node%d' % (h.dir, i), shell, path)
        w = n.home + '/w'
        precious = n.home + '/precious'
        put(precious + '/x', 'precious')
        put(precious + '/h', 'precious')
        sync(n, h.dir + '/pack', src)
        put(w + '/a', 'written')
        os.unlink(w + '/b')
        os.chmod(w + '/c', 0o755)
        shutil.rmtree(w + '/d')
        while path and int(time.time()) <= int(os.lstat(w + '/l').st_ctime):  # busybox tells seconds, and the other link is as long
            time.sleep(0.05)
        os.unlink(w + '/l')
        os.symlink('b', w + '/l')
        os.rmdir(w + '/void')
        shutil.rmtree(w + '/g')
        os.symlink(precious, w + '/g')
        os.unlink(w + '/k')
        put(w + '/k/results', 'made by a job')
        g = sync(n, h.dir + '/pack', src)
        assert g['send'] and any('k.kept-' in t for t in g['notes']), g
        kept = [f for f in os.listdir(w) if f.startswith('k.kept-')]
        assert open('%s/%s/results' % (w, kept[0])).read() == 'made by a job'
        shutil.rmtree(w + '/' + kept[0])
        same(src, w)
        # What the source has no more is deleted, but not through a link that a job put in its place.
        shutil.rmtree(w + '/gone')
        os.symlink(precious, w + '/gone')
        shutil.rmtree(src + '/gone')
        sync(n, h.dir + '/pack', src)
        assert sorted(os.listdir(precious)) == ['h', 'x'] and open(precious + '/x').read() == 'precious'
        same(src, w)
        put(src + '/gone/x', 'source gone/x')
        # The same size, and the time set back: still noticed.
        text = open(w + '/a').read()
        st = os.stat(w + '/a')
        with open(w + '/a', 'w') as f:
            f.write(text.swapcase())
        os.utime(w + '/a', ns=(st.st_atime_ns, st.st_mtime_ns))
        if int(os.stat(w + '/a').st_ctime) != int(st.st_ctime):  # within one second nothing tells them apart
            sync(n, h.dir + '/pack', src)
            assert open(w + '/a').read() == text


def killed_at(node, n, args, stdin):
    """Run with tools that count, the n-th of which kills everything of this run. False: it came to its end."""
    bin = node.home + '.bin'
    if not os.path.exists(bin):
        os.makedirs(bin)
        for tool in TOOLS:
            real = shutil.which(tool)
            if real and tool not in ('sh', 'kill'):
                with open(bin + '/' + tool, 'w') as f:
                    f.write('#!/bin/sh\nread -r n <"$COUNT"\nn=$((n + 1))\necho $n >"$COUNT"\n[ $n != "$KILL_AT" ] || kill -9 0\nexec %s "$@"\n' % real)
                os.chmod(bin + '/' + tool, 0o755)
    count = node.home + '.count'
    with open(count, 'w') as f:
        f.write('0\n')
    env = dict(node.env, PATH=bin + ':' + os.environ['PATH'], COUNT=count, KILL_AT=str(n))
    p = subprocess.Popen([*node.shell, SCRIPT, *args], env=env, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    return p.wait() == -signal.SIGKILL


def cut_off_anywhere(h):
    first, then = h.dir + '/first', h.dir + '/then'
    os.mkdir(first)
    odd_tree(first, big=100000)
    subprocess.check_call(['cp', '-a', first, then])
    change(then)
    wanted = {'first': look(first), 'then': look(then)}
    shell = ('dash',) if shutil.which('dash') else ('sh',)
    seen = set()
    for start in (None, first):
        for n in range(1, 200, 1 if TORTURE else 5):
            node = Node('%s/node' % h.dir, shell)
            if start:
                sync(node, h.dir + '/pack', start)
            ticket, group, _ = prepare(node, h.dir + '/pack', then)
            killed = killed_at(node, n, ['recv', ticket], open(h.dir + '/pack/stream', 'rb'))
            w = node.home + '/w'
            now = look(w) if os.path.exists(w) else {}
            whole = 'ready' in os.listdir(node.home + '/.skytop/trees')
            was = wanted['first'] if start else {}
            if not whole:  # nothing of it, or all
                assert now in (was, wanted['then']), (n, set(now.items()) ^ set(was.items()))
            said = node.lines('settle')  # what the agent does before a job starts
            assert not [x for x in said if 'error' in x], (n, whole, said)
            settled = look(w) if os.path.exists(w) else {}
            assert settled == (wanted['then'] if whole or now == wanted['then'] else was), (n, whole, said, os.listdir(w), set(settled.items()) ^ set(wanted['then'].items()))
            g = sync(node, h.dir + '/pack', then)  # and the next sync gets there in any case
            assert look(w) == wanted['then'] and not (whole and g['send']), (n, g)
            left = sorted(os.listdir(node.home + '/.skytop/trees'))
            assert not [f for f in left if f in ('ready', 'lock') or f.startswith('done.')], left
            seen.add((bool(start), whole))
            shutil.rmtree(node.home)
            if not killed:
                break
        assert n > 8, n
    assert len(seen) == 4, seen  # cuts before and after the files were all there


def the_stream_is_cut(h):
    src = h.dir + '/src'
    for i in range(50):
        put('%s/f%d' % (src, i), os.urandom(3000))
    n = Node(h.dir + '/node')
    ticket, group, _ = prepare(n, h.dir + '/pack', src)
    size = os.path.getsize(h.dir + '/pack/stream')
    for part in (0, 511, 512, 10240, size // 2, size - 12000, size - 2048, size - 1024):
        with open(h.dir + '/part', 'wb') as f:
            f.write(open(h.dir + '/pack/stream', 'rb').read()[:part])
        out = n.lines('recv', ticket, stdin=open(h.dir + '/part', 'rb'))
        if out[-1] == {'type': 'synced'}:
            assert part >= size - 2048, part  # all members were there: only blocks of zeros are missing
            continue
        assert out[-1]['error']['code'] in ('io', 'superseded') and not os.path.exists(n.home + '/w'), (part, out)
        ticket, group, _ = prepare(n, h.dir + '/pack', src)
    assert n.lines('recv', 'other', stdin=open(h.dir + '/part', 'rb'))[-1]['error']['code'] == 'superseded'
    sync(n, h.dir + '/pack', src)
    same(src, n.home + '/w')


def the_rules_of_git(h):
    if not shutil.which('git'):
        raise Skip('no git here')
    rnd = random.Random(7)
    words = ['a', 'b', 'c', 'build', 'x.o', 'x.py', 'foo bar', '.hid', 'A', 'ab', 'abc']
    patterns = ['*', '*.o', '/a', 'a/', '!a', '!*.py', '**/b', 'a/**', 'a/**/b', '**/a/**', '/*', '!/b', 'b/c', '/b/c/', '!b/c', 'foo\\ bar', 'foo bar',
                'foo bar ', '[abc]', '[!a]', '[^ab]*', '[a-c]b', 'a?', '?', '\\!a', '#a', '\\#a', '.*', '!.hid', '*/b', '*/c/', 'build/', '!build/', 'a*c', '**',
                '**/', '/**/b', 'a**', 'a**b', '**b', '[[:alpha:]]', '[[:digit:]a]', '[]a]', '[a', 'a\\', '', '   ', '!', '/', '//', 'x.*', '!x.py', '*b*', 'a/*/c',
                '\xef\xbb\xbfa', '!**/x.py', 'b/**/', 'a/b/c', 'c/../a', './a', 'a//b', '*.py\r', 'c ', 'c\\ ', '[\\a]b', '\\a', '\\*']
    for round in range(60 if TORTURE else 20):
        src = '%s/r%d' % (h.dir, round)
        os.makedirs(src)
        dirs = ['']
        for _ in range(25):
            d = rnd.choice(dirs)
            name = rnd.choice(words)
            p = os.path.join(src, d, name)
            if os.path.lexists(p):
                continue
            if rnd.random() < 0.45:
                os.mkdir(p)
                dirs.append(os.path.join(d, name))
            elif rnd.random() < 0.1:
                os.symlink('a', p)
            else:
                put(p)
        for d in rnd.sample(dirs, min(len(dirs), 3)):
            with open(os.path.join(src, d, '.gitignore'), 'w', newline='') as f:
                f.write('\n'.join(rnd.choice(patterns) for _ in range(rnd.randrange(1, 6))) + rnd.choice(['', '\n', '\r\n']))
        git = ['git', '-c', 'core.excludesFile=/dev/null', '-C', src]
        subprocess.check_call([*git, 'init', '-q'])
        with open(src + '/.git/info/exclude', 'w') as f:
            f.write(rnd.choice(patterns) + '\n')
        everything = []
        for folder, ds, fs in os.walk(src):
            if folder == src:
                ds.remove('.git')
            everything += [os.path.relpath(os.path.join(folder, x), src) for x in ds + fs]
        p = subprocess.run([*git, 'check-ignore', '--no-index', '-z', '--stdin'], input='\0'.join(everything).encode() + b'\0', stdout=subprocess.PIPE,
                           env=dict(os.environ, GIT_CONFIG_NOSYSTEM='1', HOME=h.dir))
        ignored = set(p.stdout.decode().split('\0')) - {''}
        above = {x for x in everything if any(x.startswith(i + '/') for i in ignored)}
        lines = pack(h.dir + '/pack', [{'key': KEY, 'root': '~/w', 'src': src}], [{'id': None}])
        tree = open('%s/pack/trees/%s' % (h.dir, lines[0]['items'][0]['id']), 'rb').read().decode()
        got = {r.split(' ', 4)[4] for r in tree.split('\0') if r and r[:2] in ('f ', 'd ', 'l ')}
        got = {x for x in got if x != '.' and x != '.git' and not x.startswith('.git/')}
        wanted = set(everything) - ignored - above
        rules = {os.path.relpath(os.path.join(d, f), src): open(os.path.join(d, f), newline='').read() for d, _, fs in os.walk(src) for f in fs
                 if f in ('.gitignore', 'exclude')}
        assert got == wanted, (round, 'too much', got - wanted, 'too little', wanted - got, rules)
    # .skyignore stands for all of them, with the same syntax.
    put(src + '/.skyignore', 'a\n!x.py\n/build/\n')
    put(src + '/.gitignore', '*\n')
    put(src + '/keep', 'x')
    lines = pack(h.dir + '/pack', [{'key': KEY, 'root': '~/w', 'src': src}], [{'id': None}])
    tree = open('%s/pack/trees/%s' % (h.dir, lines[0]['items'][0]['id']), 'rb').read().decode()
    assert ' keep\0' in tree and ' a\0' not in tree and ' .gitignore\0' in tree, tree


def what_cannot_be_sent(h):
    src, work = h.dir + '/src', h.dir + '/pack'
    item = [{'key': KEY, 'root': '~/w', 'src': src}]
    put(src + '/ok')
    os.mkfifo(src + '/pipe')
    n = Node(h.dir + '/node')
    g = sync(n, work, src)
    assert any('pipe' in t for t in g['notes']), g
    assert os.listdir(n.home + '/w') == ['ok']
    put(src + '/a\001b')
    assert 'control character' in pack(work, item, [{'id': None}], ok=False)[-1]['error']['message']
    os.unlink(src + '/a\001b')
    if os.geteuid():
        put(src + '/locked', 'x', 0)
        e = pack(work, item, [{'id': None}], ok=False)[-1]['error']
        assert 'locked' in e['message'] and 'Permission denied' in e['message'], e
        os.unlink(src + '/locked')
        os.mkdir(src + '/shut', 0)
        e = pack(work, item, [{'id': None}], ok=False)[-1]['error']
        assert 'shut' in e['message'], e
        os.rmdir(src + '/shut')
    fd = os.open(src, os.O_RDONLY)
    at, name = fd, 'd' * 250
    for _ in range(13):  # longer than any path may be
        os.mkdir(name, dir_fd=at)
        at = os.open(name, os.O_RDONLY, dir_fd=at)
    e = pack(work, item, [{'id': None}], ok=False)[-1]['error']
    assert 'longer than 3000' in e['message'], e
    subprocess.check_call(['rm', '-rf', src + '/' + name])
    assert 'not a folder' in pack(work, [dict(item[0], src=src + '/ok')], [{'id': None}], ok=False)[-1]['error']['message']
    assert pack(work, [dict(item[0], src=src + '/no')], [{'id': None}], ok=False)[-1]['error']['code'] == 'not_found'


def what_a_node_cannot_do(h):
    src, work = h.dir + '/src', h.dir + '/pack'
    put(src + '/f', 'x' * 5000)
    n = Node(h.dir + '/node')
    bin = h.dir + '/bin'
    os.mkdir(bin)
    for tool in TOOLS:
        if tool != 'xargs':
            os.symlink(shutil.which(tool), bin + '/' + tool)
    e = Node(h.dir + '/other', ('/bin/sh',), bin).lines('state', 't', KEY)[-1]['error']
    assert 'xargs' in e['message'], e
    # No room: said, and nothing stays.
    os.unlink(bin + '/tar')
    with open(bin + '/tar', 'w') as f:
        f.write('#!/bin/sh\nhead -c 2000 >"$4/part"\necho "tar: f: Cannot write: No space left on device" >&2\nexit 2\n')
    os.chmod(bin + '/tar', 0o755)
    ticket, group, _ = prepare(n, work, src)
    e = n.lines('recv', ticket, stdin=open(work + '/stream', 'rb'), env={'PATH': bin + ':' + os.environ['PATH']})[-1]['error']
    assert e['code'] == 'io' and 'no space left' in e['message'] and n.home in e['message'], e
    assert not [f for f in os.listdir(n.home + '/.skytop/trees') if f.startswith(('in.', 'ready'))]
    # Something of the user's own in the place.
    put(n.home + '/w', 'mine')
    ticket, group, _ = prepare(n, work, src)
    e = n.lines('recv', ticket, stdin=open(work + '/stream', 'rb'))[-1]['error']
    assert 'move it away' in e['message'] and open(n.home + '/w').read() == 'mine', e
    os.unlink(n.home + '/w')
    if os.geteuid():
        os.chmod(n.home + '/.skytop/trees', 0o500)
        e = n.lines('state', 't9', KEY)[-1]['error']
        assert 'Permission denied' in e['message'] and '.skytop/trees' in e['message'], e
        os.chmod(n.home + '/.skytop/trees', 0o700)
        os.mkdir(n.home + '/shut', 0o500)
        ticket, group, _ = prepare(n, work, src, root='~/shut/w')
        e = n.lines('recv', ticket, stdin=open(work + '/stream', 'rb'))[-1]['error']
        assert 'shut' in e['message'] and 'Permission denied' in e['message'], e
    # A lock that its owner left, and one that is held.
    sync(n, work, src)
    os.symlink('999999:1:none', n.home + '/.skytop/trees/lock')
    put(src + '/g', 'y')
    sync(n, work, src)
    same(src, n.home + '/w')


def another_disk(h):
    """Where links cannot be made from the agent's folder: the files are copied there before they are put in place."""
    places = [d for d in ('/dev/shm', '/run/user/%d' % os.getuid()) if os.access(d, os.W_OK) and os.stat(d).st_dev != os.stat(h.dir).st_dev]
    if not places:
        raise Skip('all folders to write in are on one disk')
    far = tempfile.mkdtemp(dir=places[0])
    try:
        src, work = h.dir + '/src', h.dir + '/pack'
        os.mkdir(src)
        odd_tree(src)
        os.unlink(src + '/big')
        n = Node(h.dir + '/node')
        root = far + '/deep/w'
        for _ in range(2):
            sync(n, work, src, root=root)
            same(src, root)
            put(src + '/plain', 'new')
            if os.path.lexists(src + '/exec'):
                os.unlink(src + '/exec')
        assert os.listdir(far + '/deep') == ['w'], os.listdir(far + '/deep')
        # A workdir that is a link to a larger disk stays one.
        m = Node(h.dir + '/other')
        os.mkdir(far + '/large')
        os.symlink(far + '/large', m.home + '/w')
        for _ in range(2):
            sync(m, work, src)
            assert os.path.islink(m.home + '/w')
            same(src, far + '/large')
            put(src + '/plain', 'newer')
    finally:
        shutil.rmtree(far)


def single_files(h):
    work = h.dir + '/pack'
    for i, (shell, path) in enumerate(shells(h)):
        src = h.dir + '/one'
        put(src, 'first', 0o755)
        n = Node('%s/node%d' % (h.dir, i), shell, path)
        os.chmod(n.home, 0o711)
        sync(n, work, src, root='~', name='.single file')
        f = n.home + '/.single file'
        assert open(f).read() == 'first' and os.stat(f).st_mode & 0o777 == 0o755 and os.stat(n.home).st_mode & 0o777 == 0o711
        assert not sync(n, work, src, root='~', name='.single file')['send']
        put(f, 'a job was here')
        sync(n, work, src, root='~', name='.single file')
        assert open(f).read() == 'first'
        put(src + '.d/in', 'now a folder')
        sync(n, work, src + '.d', root='~/.single file')
        assert open(f + '/in').read() == 'now a folder'
        sync(n, work, src, root='~', name='.single file')
        assert open(f).read() == 'first'


def files_that_move(h):
    """Written to while they are read: never a broken stream, and never taken for settled."""
    src, work = h.dir + '/src', h.dir + '/pack'
    put(src + '/small', 'x' * 1000)
    put(src + '/long', os.urandom(10 << 20))
    for i in range(300):
        put('%s/many/f%d' % (src, i), 'x')
    stop = threading.Event()

    def write():
        i = 0
        while not stop.wait(0.001):
            with open(src + '/long', 'ab') as f:
                f.write(b'y' * 100)
            with open(src + '/small', 'r+b') as f:
                f.truncate(i % 997)
            i += 1
            put('%s/many/f%d' % (src, 300 + i % 50), 'x')
            try:
                os.unlink('%s/many/f%d' % (src, 300 + (i + 25) % 50))
            except OSError:
                pass
    t = threading.Thread(target=write)
    n = Node(h.dir + '/node')
    t.start()
    try:
        for _ in range(3):
            sync(n, work, src)
    finally:
        stop.set()
        t.join()
    sync(n, work, src)
    same(src, n.home + '/w')


def git_workdirs(h):
    if not shutil.which('git'):
        raise Skip('no git here')
    work, bare, cache = h.dir + '/pack', h.dir + '/repo.git', h.dir + '/cache'
    env = dict(os.environ, HOME=h.dir, GIT_AUTHOR_NAME='a', GIT_AUTHOR_EMAIL='a@b', GIT_COMMITTER_NAME='a', GIT_COMMITTER_EMAIL='a@b')
    clone = h.dir + '/clone'

    def git(*args):
        return subprocess.run(['git', '-C', clone, *args], env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode().strip()
    subprocess.check_call(['git', 'init', '-q', '--bare', '-b', 'main', bare], env=env)
    subprocess.check_call(['git', 'clone', '-q', bare, clone], env=env, stderr=subprocess.DEVNULL)
    commits = []
    for i in range(3):
        put(clone + '/file', 'version %d' % i)
        put(clone + '/.gitignore', '*.log\n')
        put(clone + '/tracked.log', 'but in the repository')
        git('add', '-f', '-A')
        git('commit', '-q', '-m', 'c%d' % i)
        commits.append(git('rev-parse', 'HEAD'))
        git('tag', 'v%d' % i)
    git('push', '-q', '--tags', 'origin', 'HEAD:main', 'HEAD~1:refs/heads/older')

    def order(ref, url='file://' + bare, **more):
        g = dict({'url': url, 'cache': cache}, **more)
        if ref:
            g['ref'] = ref
        return [{'key': KEY, 'root': '~/w', 'git': g}]
    n = Node(h.dir + '/node')
    for ref, want in ((None, 2), ('main', 2), ('older', 1), ('v0', 0), (commits[1], 1), (commits[0][:10], 0), ('main', 2)):
        ticket = 't%d' % next(stamps)
        base = n.lines('state', ticket, KEY)[-1]
        lines = pack(work, order(ref), [base])
        if lines[0]['send']:
            assert n.lines('recv', ticket, stdin=open(work + '/stream', 'rb'))[-1] == {'type': 'synced'}
        assert open(n.home + '/w/file').read() == 'version %d' % want, (ref, want)
        assert os.path.exists(n.home + '/w/tracked.log')
        head = subprocess.run(['git', '-C', n.home + '/w', 'rev-parse', 'HEAD'], stdout=subprocess.PIPE, env=env).stdout.decode().strip()
        assert head == commits[want], (ref, head)
    lines = pack(work, order('main'), [n.lines('state', 't', KEY)[-1]])
    assert lines[0]['files'] <= 6, lines  # what git itself writes at a fetch
    e = pack(work, order('nope'), [{'id': None}], ok=False)[-1]['error']
    assert "nope" in e['message'] and e['code'] == 'not_found', e
    e = pack(work, order('main', url='file:///no/such.git'), [{'id': None}], ok=False)[-1]['error']
    assert 'git fetch' in e['message'], e
    for url, ref in (('--upload-pack=touch x', None), ('ext::sh -c id', None), ('file://x', '--force')):
        assert pack(work, order(ref, url=url), [{'id': None}], ok=False)[-1]['error']['code'] == 'invalid'
    # A token or password is nowhere but in git's environment.
    spy = h.dir + '/spy'
    os.mkdir(spy)
    with open(spy + '/git', 'w') as f:
        f.write('#!/bin/sh\necho "$*" >>"%s/argv"\ncase $* in *fetch*) "$GIT_ASKPASS" "Username for x" >>"%s/asked"; "$GIT_ASKPASS" "Password for x" >>"%s/asked"; '
                'exit 1;; esac\nexec %s "$@"\n' % (spy, spy, spy, shutil.which('git')))
    os.chmod(spy + '/git', 0o755)
    os.environ['PATH'], path = spy + ':' + os.environ['PATH'], os.environ['PATH']
    try:
        pack(work, order('main', url='https://ann:hush-hush@example.invalid/r.git'), [{'id': None}], ok=False)
        pack(work, order('main', url='https://example.invalid/r.git', token='hush-token'), [{'id': None}], ok=False)
    finally:
        os.environ['PATH'] = path
    assert open(spy + '/asked').read().split() == ['ann', 'hush-hush', 'x-access-token', 'hush-token']
    assert 'hush' not in open(spy + '/argv').read()
    for folder, _, files in os.walk(cache):
        for f in files:
            assert b'hush' not in open(os.path.join(folder, f), 'rb').read(), f


def behind_the_engine(h):
    src, one = h.dir + '/src', h.dir + '/one'
    put(src + '/a', 'a1')
    put(src + '/sub/b', 'b1')
    put(one, 'one1')
    task = h.dir + '/t.yaml'
    with open(task, 'w') as f:
        f.write('num_nodes: 3\nworkdir: %s\nfile_mounts: {~/in/one: %s, tree: %s}\nrun: cat a sub/b ~/in/one ~/tree/a; echo; echo made >result\n' % (src, one, src))
    rc, out, err = h.run('launch', '-y', '-c', 'k', task)
    assert rc == 0 and out.count('a1b1one1a1') == 3, (rc, out, err)
    homes = sorted(h.dir + '/state/local/nodes/' + d + '/home' for d in os.listdir(h.dir + '/state/local/nodes'))
    assert len(homes) == 3
    put(homes[0] + '/sky_workdir/a', 'spoiled')
    put(src + '/sub/b', 'b2')
    os.unlink(one)
    put(one, 'one2')
    rc, out, err = h.run('exec', 'k', task)
    assert rc == 0 and out.count('a1b2one1a1') == 3, (rc, out, err)  # exec leaves the mounts alone
    rc, out, err = h.run('launch', '-y', '-c', 'k', task)
    assert rc == 0 and out.count('a1b2one2a1') == 3, (rc, out, err)
    for home in homes:
        assert open(home + '/sky_workdir/result').read() == 'made\n'
    done = [e['text'] for e in h.json('events', 'k') if e['kind'] == 'sync.done']
    assert len(done) == 3 and '2 files' in done[1] and '2 files' in done[2], done
    assert not os.path.exists(h.dir + '/state/sync') or not os.listdir(h.dir + '/state/sync')
    put(src + '/x\001y')
    err = h.refused(2, 'exec', 'k', task)
    assert 'control character' in err, err
    os.unlink(src + '/x\001y')
    os.rename(src, src + '.away')
    assert h.run('exec', 'k', task)[0] != 0
    os.rename(src + '.away', src)
    # A journal that nobody finished: a job that starts finishes it.
    h.ok('exec', '-d', 'k', 'echo stays; sleep 600')
    # … which is why it has to run already: its own start looks for one as well.
    h.wait('the job that stays', lambda: 'stays' in h.run('logs', 'k', '--no-follow')[1])
    n = Node([d for d in homes if os.path.exists(d + '/.skytop/jobs/1')][0])
    key = [d for d in os.listdir(n.home + '/.skytop/trees') if len(d) == 16 and open('%s/.skytop/trees/%s/m.%s/root' % (
        n.home, d, open('%s/.skytop/trees/%s/current' % (n.home, d)).read().strip())).read() == '~/sky_workdir\n'][0]
    put(src + '/a', 'a3')
    answer = n.lines('state', 'tx', key)[-1]
    pack(h.dir + '/pack', [{'key': key, 'root': '~/sky_workdir', 'src': src}], [{'id': None}])
    os.makedirs(n.home + '/.whole')
    subprocess.check_call(['tar', '-xf', h.dir + '/pack/stream', '-C', n.home + '/.whole'])
    os.rename(n.home + '/.whole', n.home + '/.skytop/trees/ready')
    assert answer['id'] and open(n.home + '/sky_workdir/a').read() == 'a1'
    agent = {'HOME': n.home, 'PATH': os.environ['PATH']}
    os.makedirs(n.home + '/.skytop/inbox/direct')
    put(n.home + '/.skytop/inbox/direct/run', 'cat a')
    job = json.loads(subprocess.run(['sh', n.home + '/.skytop/skytop-agent', 'submit', 'direct'], env=agent, stdout=subprocess.PIPE).stdout)['job']
    log = h.wait('the job', lambda: h.run('logs', 'k', str(job), '--status')[0] == 0 and h.run('logs', 'k', str(job))[1])
    assert 'a3' in log, log
    h.ok('down', '-y', 'k')


if __name__ == '__main__':
    main([
        ('a tree arrives as it is', the_tree_as_it_is, {}),
        ('only what changed is sent, what went is deleted', only_what_changed, {}),
        ('what jobs did to files is undone, what they made is kept', what_jobs_did_to_files, {}),
        ('cut off %s: the old tree or the new' % ('anywhere' if TORTURE else 'at every fifth step'), cut_off_anywhere, {}),
        ('a stream that ends early is no stream', the_stream_is_cut, {}),
        ('the rules of .gitignore are those of git', the_rules_of_git, {}),
        ('what cannot be sent is said', what_cannot_be_sent, {}),
        ('what a node cannot do is said', what_a_node_cannot_do, {}),
        ('a place on another disk', another_disk, {}),
        ('single files', single_files, {}),
        ('files that are written to meanwhile', files_that_move, {}),
        ('a git repository as workdir', git_workdirs, {}),
        ('behind the engine: three nodes, workdir and mounts', behind_the_engine, {}),
    ])
