#!/usr/bin/env python3
"""What nodes do to copy from elsewhere, without an engine: skytop-tree plan, get and place, and skytop-fetch with every tool and shell that is here. Python
plays the engine. TAP."""
import hashlib, http.server, io, json, os, re, shutil, signal, subprocess, sys, tarfile, threading, time
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from engine_test import Home, Skip, main  # noqa: E402
from test_sync import TOOLS, Node, shells, stamps  # noqa: E402

TOP = os.environ['top_srcdir']
KEY = '00000000000000ab'


class Web(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = 'HTTP/1.1', True
    files, faults, log = {}, {}, []  # path: data; path: [what happens to each request]

    def log_message(self, *args):
        pass

    def do_GET(self):
        path, fault, start, head = self.path, None, self.headers.get('Range'), self.command == 'HEAD'
        if not head:
            self.log.append((path, start, self.headers.get('If-Match'), self.headers.get('Authorization')))
        if self.faults.get(path) and not head:
            fault = self.faults[path].pop(0)
        data = self.files.get(path)
        status = fault if isinstance(fault, int) else 404 if data is None else 200
        if status == 200 and self.headers.get('If-Match') not in (None, '"%s"' % hashlib.md5(data).hexdigest()):
            status = 412
        more = {'ETag': '"%s"' % hashlib.md5(data or b'').hexdigest()}
        if fault == 'away':
            status, more = 302, {'Location': 'http://localhost:%d/elsewhere?sig=hush' % self.server.server_address[1]}
        if status != 200:
            data = b'refused'
        elif start and fault != 'no ranges':
            n = int(re.fullmatch(r'bytes=(\d+)-', start)[1])
            status, more = 206, {'Content-Range': 'bytes %d-%d/%d' % (n, len(data) - 1, len(data))}
            data = data[n:]
        self.send_response(status)
        for k, v in dict(more, **{'Content-Length': len(data)}).items():
            self.send_header(k, str(v))
        self.end_headers()
        if head:
            return
        if fault == 'cut':
            self.wfile.write(data[:len(data) // 2])
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(2)
        elif fault == 'slow':
            for i in range(0, len(data), 1 + len(data) // 60):
                self.wfile.write(data[i:i + 1 + len(data) // 60])
                time.sleep(0.05)
        else:
            self.wfile.write(data)

    do_HEAD = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args):
        pass


def server(host='127.0.0.1'):
    s = Server((host, 0), Web)
    threading.Thread(target=s.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
    Web.files, Web.faults, Web.log = {}, {}, []
    return 'http://%s:%d' % s.server_address[:2]


class Copier:
    """files: {path: data}, served under /PATH."""

    def __init__(self, node, url, files, root='~/x', secret='', header='-'):
        self.node, self.url, self.root, self.secret, self.header = node, url, root, secret, header
        self.files = dict(sorted(files.items()))
        Web.files = {'/' + self.quote(k): v for k, v in files.items()}
        bin = node.home + '/.skytop'
        os.makedirs(bin, exist_ok=True)
        for name in ('skytop-tree', 'skytop-fetch'):
            shutil.copy(TOP + '/share/agent/' + name, bin)

    @staticmethod
    def quote(name):
        return __import__('urllib.parse').parse.quote(name)

    def tree(self, *args, data=b'', wait=True):
        shell, home = self.node.shell, self.node.home
        p = subprocess.Popen([shutil.which(shell[0]), *shell[1:], home + '/.skytop/skytop-tree', *args], env=self.node.env, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=home)
        if not wait:
            p.stdin.write(data)
            p.stdin.close()
            return p
        out = p.communicate(data, timeout=60)[0].decode()
        lines = [json.loads(line) for line in out.split('\n') if line.startswith('{')]
        assert all(line.startswith('{') for line in out.split('\n') if line), out
        assert p.returncode == 0 or 'error' in lines[-1], (args, p.returncode, out)
        return lines

    def plan(self):
        self.ticket, names, dirs = 't%d' % next(stamps), list(self.files), {'.'}
        for n in names:
            while '/' in n:
                n = n.rsplit('/', 1)[0]
                dirs.add('./' + n)
        objects = ''.join('%s %d\n' % (hashlib.md5(n.encode() + d).hexdigest()[:16], len(d)) for n, d in self.files.items())
        lists = {'id': 'id-%s\n' % self.ticket, 'root': self.root + '\n', 'names': ''.join('./%s\0' % n for n in names), 'attrs': '-\n' * len(names), 'objects': objects,
                 'dirs': ''.join(d + '\0' for d in sorted(dirs))}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode='w') as tar:
            for name, text in [(KEY + '/' + k, v) for k, v in lists.items()] + [('keys', KEY + '\n'), ('end', 'end\n')]:
                info = tarfile.TarInfo(name)
                info.size = len(text.encode())
                tar.addfile(info, io.BytesIO(text.encode()))
        state, = [j for j in self.tree('state', self.ticket, KEY) if j['type'] == 'tree']
        answer = self.tree('plan', self.ticket, data=out.getvalue())
        if 'error' in answer[-1]:
            return answer[-1]['error']
        need, = answer
        return [i - 1 for a, b in need['lines'] for i in range(a, b + 1)]

    def lines(self, which):
        names = list(self.files)
        out = ''
        for i in which:
            name = names[i].replace('\\', '\\\\').replace('"', '\\"')
            out += '\t'.join([str(i), str(i % 3), str(len(self.files[names[i]])), name, '%s/%s' % (self.url, self.quote(names[i])),
                              hashlib.md5(self.files[names[i]]).hexdigest(), self.header, '-']) + '\n'
        return out.encode()

    def get(self, which):
        """What is left: {file: status}, or an error."""
        lines = self.tree('get', self.ticket, KEY, *([self.secret] if self.secret else []), data=self.lines(which))
        if 'error' in lines[-1]:
            return lines[-1]['error']
        assert lines[-1]['type'] == 'bytes', lines
        return {list(self.files)[j['line']]: j['status'] for j in lines if j['type'] == 'left'}

    def place(self):
        return self.tree('place', self.ticket)[-1]

    def all(self):
        left = self.get(self.plan())
        assert left == {}, left
        assert self.place() == {'type': 'synced'}
        self.same()

    def same(self):
        top, have = self.node.home + '/x', {}
        for folder, _, files in os.walk(top):
            for f in files:
                have[os.path.relpath(os.path.join(folder, f), top)] = open(os.path.join(folder, f), 'rb').read()
        assert have == self.files, have.keys() ^ self.files.keys()


ODD = {'a': b'a' * 5000, 'sub/b c': b'', 'sub/q\'uo"te\\s$(x)`y`': b'c', 'Ä/ö': b'd', '-dash': b'e', '100%': b'f', 'cut': os.urandom(300000), 'slow': b'g' * 3000}


def path_with(h, name, *more):
    """A folder of links to what scripts need, and to these."""
    bin = '%s/%s' % (h.dir, name)
    os.makedirs(bin)
    for tool in TOOLS + ['cut', 'grep', 'tail', 'touch', 'df', 'kill', 'id', 'wc', 'readlink', 'dirname', 'env', 'cmp', *more]:
        if shutil.which(tool) and not os.path.lexists(bin + '/' + tool):
            os.symlink(shutil.which(tool), bin + '/' + tool)
    return bin


def every_tool(h):
    url, n = server(), 0
    kinds = [(s, p) for s, p in shells(h) if s != ('sh',)]
    kinds = [(s, path_with(h, 'curl%d' % i, 'curl') if p is None else p, 'curl') for i, (s, p) in enumerate(kinds)]
    if shutil.which('wget'):
        kinds.append((('sh',), path_with(h, 'wget', 'wget'), 'wget'))
    for shell, path, tool in kinds:
        box = 'busybox' in shell[0]
        if box:  # its own tools alone, and its own wget
            for name in ('cut', 'grep', 'tail', 'touch', 'df', 'wget', 'id'):
                if not os.path.lexists(path + '/' + name):
                    os.symlink(shutil.which('busybox'), path + '/' + name)
        n += 1
        c = Copier(Node('%s/node%d' % (h.dir, n), shell, path), url, ODD, secret='' if box else 'secret', header='-' if box else 'Authorization: Bearer t')
        Web.faults = {'/cut': ['cut'], '/a': [503]}
        Web.log.clear()
        c.all()
        assert [r for p, r, _, _ in Web.log if p == '/cut'][1], Web.log
        if not box:
            assert {a for _, _, _, a in Web.log} == {'Bearer t'}, Web.log
        assert all(m for _, _, m, _ in Web.log)
        # Once more: nothing. One that changed, one that a job wrote to: these.
        assert c.plan() == []
        assert c.place() == {'type': 'synced'}
        c.files['a'] = b'other'
        with open(c.node.home + '/x/100%', 'w') as f:
            f.write('mine')
        Web.files['/a'] = b'other'
        names = list(c.files)
        assert c.plan() == sorted([names.index('a'), names.index('100%')])
        c.all()
        if box:  # links are for nobody else's eyes
            c.files['a'] = Web.files['/a'] = b'third'
            c.secret = 'secret'
            error = c.get(c.plan())
            assert error.get('code') == 'unsupported' and 'install curl' in error['message'], error


def refusals(h):
    url = server()
    c = Copier(Node(h.dir + '/node'), url, {'a': b'1', 'b': b'22', 'c': b'333', 'd': b'4444', 'e': b'55555'})
    which = c.plan()
    Web.files['/a'] = b'9'            # another etag
    del Web.files['/b']
    Web.faults = {'/c': [403] * 9, '/d': [500] * 9}
    left = c.get(which)
    assert left == {'a': 412, 'b': 404, 'c': 403, 'd': 500}, left
    assert 'error' in c.place() and not os.path.exists(c.node.home + '/x')  # nothing of it, whoever asks
    Web.files, Web.faults = {'/' + k: v for k, v in c.files.items()}, {}
    Web.log.clear()
    old = c.node.home + '/.skytop/trees/fetch.another'
    os.mkdir(old)
    os.utime(old, (time.time() - 9 * 86400,) * 2)
    c.all()
    assert not os.path.exists(old)
    assert '/e' not in {p for p, _, _, _ in Web.log}  # it was there already
    c.node.env['PATH'] = path_with(h, 'none')
    c.files['a'] = b'new'
    error = c.get(c.plan())
    assert error['code'] == 'unsupported' and 'neither curl nor wget' in error['message'], error
    c.files['huge'] = b'x'
    real = Copier.plan
    # A disk that is too small: it is told before anything comes.
    c.files = {'a': b'x'}
    df = h.dir + '/none/df'
    os.unlink(df)
    with open(df, 'w') as f:
        f.write('#!/bin/sh\necho Filesystem; echo /dev/x 1000 1000 0 100% /\n')
    os.chmod(df, 0o755)
    assert real(c)['message'].startswith(c.node.home + '/x: 0.0 MB are to be copied there, and 0.0 MB are free'), real(c)
    # A disk of which nothing is known, as in a chroot: it may be large enough.
    with open(df, 'w') as f:
        f.write('#!/bin/sh\necho "df: cannot find mount point" >&2\nexit 1\n')
    assert real(c) == [0]


def one_at_a_time(h):
    """The connection is lost under a copy, and it is asked for again: the first makes way. And whose ticket is void ends."""
    url = server()
    c = Copier(Node(h.dir + '/node'), url, {'a': os.urandom(60000), 'b': b'b'})
    which = c.plan()
    Web.faults = {'/a': ['slow', None]}
    p = c.tree('get', c.ticket, KEY, data=c.lines(which), wait=False)
    h.wait('the copy to begin', lambda: [1 for path, _, _, _ in Web.log if path == '/a'])
    assert c.get(which) == {}
    assert p.wait(10) != 0
    p.stdout.close()
    assert c.place() == {'type': 'synced'}
    c.same()
    c.files['a'] = Web.files['/a'] = os.urandom(60000)
    which = c.plan()
    Web.faults = {'/a': ['slow', 'slow']}
    p = c.tree('get', c.ticket, KEY, data=c.lines(which), wait=False)
    h.wait('the copy to begin', lambda: not Web.faults['/a'][1:])
    c.tree('state', 't%d' % next(stamps), KEY)
    assert p.wait(10) != 0
    p.stdout.close()
    # Nobody listens any more: it ends, its tools as well.
    which = c.plan()
    Web.faults = {'/a': ['slow']}
    p = c.tree('get', c.ticket, KEY, data=c.lines(which), wait=False)
    h.wait('the copy to begin', lambda: not Web.faults['/a'])
    p.stdout.close()
    assert p.wait(10) != 0
    h.wait('its tools to end', lambda: not [1 for pid in os.listdir('/proc') if pid.isdigit() and b'.get' in cmdline(pid) and b'curl' in cmdline(pid)])
    locks = os.listdir(c.node.home + '/.skytop/trees/locks')
    assert not locks, locks


def cmdline(pid):
    try:
        return open('/proc/%s/cmdline' % pid, 'rb').read()
    except OSError:
        return b''


def headers_stay(h):
    """A header is a secret between this node and one host: no redirect takes it to another, and what comes instead is no part of the file."""
    url = server()
    for tool in ('curl', 'wget'):
        if not shutil.which(tool):
            continue
        c = Copier(Node(h.dir + '/' + tool, ('sh',), path_with(h, 'only-' + tool, tool)), url, {'a': b'a longer one'}, secret='secret', header='Authorization: Bearer t')
        which = c.plan()
        Web.faults = {'/a': ['away'] * 3}
        Web.log.clear()
        lines = c.tree('get', c.ticket, KEY, 'secret', data=c.lines(which))
        assert [j['status'] for j in lines if j['type'] == 'left'] == [302], (tool, lines)
        assert {p for p, _, _, _ in Web.log} == {'/a'} and 'hush' not in str(lines), (tool, Web.log, lines)
        c.all()


def no_mixture(h):
    """A server that says nothing by which a file is known again: after a cut it is fetched from its beginning, for it may be another by then."""
    url = server()
    for tool in ('curl', 'wget'):
        if not shutil.which(tool):
            continue
        c = Copier(Node(h.dir + '/' + tool, ('sh',), path_with(h, 'only-' + tool, tool)), url, {'a': b'1' * 20000})
        lines = c.lines(c.plan()).replace(hashlib.md5(c.files['a']).hexdigest().encode(), b'-')
        Web.faults = {'/a': ['cut', 403]}
        assert [j['status'] for j in c.tree('get', c.ticket, KEY, data=lines) if j['type'] == 'left'] == [403]
        Web.files['/a'] = b'2' * 20000
        assert [j['type'] for j in c.tree('get', c.ticket, KEY, data=lines)] == ['bytes'] and c.place() == {'type': 'synced'}
        assert open(c.node.home + '/x/a', 'rb').read() == Web.files['/a'], tool


def another_disk(h):
    """The place is on another disk than the home folder: files come there at once."""
    other = '/dev/shm/skytop-fetch-%d' % os.getpid()
    try:
        os.mkdir(other)
    except OSError:
        raise Skip('there is no /dev/shm')
    try:
        if os.stat(other).st_dev == os.stat(h.dir).st_dev:
            raise Skip('/dev/shm is no other disk')
        c = Copier(Node(h.dir + '/node'), server(), dict(ODD), root=other + '/x')
        os.makedirs(h.dir + '/mine/tree/precious')
        os.symlink(h.dir + '/mine', other + '/.skytop-fetch.' + KEY)  # somebody else's, in a folder where all may write
        which = c.plan()
        assert os.path.isdir(h.dir + '/mine/tree/precious') and not os.path.islink(other + '/.skytop-fetch.' + KEY)
        assert os.path.isdir(other + '/.skytop-fetch.' + KEY) and not os.path.exists(other + '/x')
        assert c.get(which) == {} and c.place() == {'type': 'synced'}
        assert os.listdir(other) == ['x']
        os.symlink(other + '/x', c.node.home + '/x')
        c.same() if not os.path.islink(c.node.home + '/x') else None
        assert open(other + '/x/a', 'rb').read() == ODD['a']
    finally:
        shutil.rmtree(other, ignore_errors=True)


def only_root_may(h):
    """A place like /data: made with sudo for the user, who is not root, where that is let; else it is told."""
    if os.getuid() or not shutil.which('setpriv'):
        raise Skip('only root can try that')
    top, home, asked = h.dir + '/top', h.dir + '/home', h.dir + '/asked'
    for folder, owner in ((top, 0), (home, 65534), (asked, 65534)):
        os.mkdir(folder)
        os.chown(folder, owner, owner)
    os.chmod(h.dir, 0o755)
    bin = path_with(h, 'bin', 'curl', 'sh', 'sudo')
    c = Copier(Node(home, ('setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', 'sh'), bin), server(), dict(ODD), root=top + '/data/x')
    subprocess.run(['chown', '-R', '65534:65534', home], check=True)
    if os.path.lexists(bin + '/sudo'):
        os.unlink(bin + '/sudo')
    error = c.plan()
    assert error['code'] == 'io' and 'cannot make ' + top + '/data' in error['message'], error
    with open(bin + '/sudo', 'w') as f:  # who does it is root: we
        f.write('#!/bin/sh\nprintf "%%s\\0" "$@" >%s/words.new && mv %s/words.new %s/words\nuntil [ -e %s/done ]; do sleep 0.05; done\n' % ((asked,) * 4))
    os.chmod(bin + '/sudo', 0o755)

    def serve():
        h.wait('sudo', lambda: os.path.exists(asked + '/words'))
        words = open(asked + '/words').read().split('\0')[:-1]
        assert words[0] == '-n', words
        subprocess.run(words[1:], check=True)
        open(asked + '/done', 'w').close()
    threading.Thread(target=serve, daemon=True).start()
    assert c.get(c.plan()) == {} and c.place() == {'type': 'synced'}
    st = os.stat(top + '/data/x')
    assert (st.st_uid, os.stat(top + '/data').st_uid) == (65534, 0) and open(top + '/data/x/a', 'rb').read() == ODD['a']


CASES = [('every tool and shell', every_tool), ('what is refused, what is missing', refusals), ('one at a time', one_at_a_time), ('headers stay where they belong', headers_stay), ('no mixture of two files', no_mixture), ('another disk', another_disk),
         ('a place where only root may write', only_root_may)]

if __name__ == '__main__':
    main([(name, fn, {}) for name, fn in CASES if os.environ.get('SKYTOP_ONLY', '') in name])
