#!/usr/bin/env python3
"""Logging in to nodes: the scripts that are put there, against files of every shape and a real sshd, whose account holds several nodes."""
import os, re, shutil, socket, stat, subprocess, sys, tempfile, threading, time, traceback

TOP = os.path.abspath(os.environ.get('top_srcdir', '.'))
AGENT = TOP + '/share/agent/'
SHELLS = [s for s in (['dash'], ['bash'], ['busybox', 'sh'], ['sh']) if shutil.which(s[0])]
SSHD = next((p for p in ('/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/lib/ssh/sshd') if os.access(p, os.X_OK)), None)
KEYS = ['ssh-ed25519 ' + 'AAAAC3NzaC1lZDI1NTE5AAAAI' + c * 43 for c in 'ABC']


class Skip(Exception):
    pass


def read(path):
    with open(path) as f:
        return f.read()


def write(path, text, mode=0o600):
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)


class Account:
    """A home with nodes in it, as leases are."""

    def __init__(self, dir):
        self.dir = dir
        self.keys = dir + '/.ssh/authorized_keys'
        os.makedirs(dir)

    def node(self, name):
        home = '%s/.skytop/nodes/%s/home' % (self.dir, name)
        os.makedirs(home + '/.skytop', exist_ok=True)
        for f in ('enter', 'access'):
            shutil.copy(AGENT + 'skytop-' + f, home + '/.skytop/' + f)
        write(home + '/.skytop/enter.env', "export HOME='%s'\nexport NODE='%s'\n" % (home, name))
        return home

    def access(self, home, *args, shell=('sh',), ok=True):
        p = subprocess.run([*shell, home + '/.skytop/access', *args], env=dict(os.environ, HOME=home), stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60)
        assert (p.returncode == 0) == ok, (args, p.returncode, p.stderr)
        return p.stderr if not ok else p.stdout


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def keys_come_and_go(dir):
    for shell in SHELLS:
        a = Account(dir + '/' + '-'.join(shell))
        n1, n2 = a.node('n1'), a.node("n 2'q\"")
        old_umask = os.umask(0o002)
        a.access(n1, 'grant', a.dir, 'skytop:c-1', KEYS[0], shell=shell)
        os.umask(old_umask)
        assert mode(a.keys) == 0o600 and mode(a.dir + '/.ssh') == 0o700
        first = read(a.keys)
        assert first == 'command="sh \'%s/.skytop/enter\'" %s skytop:c-1\n' % (n1, KEYS[0]), first
        a.access(n1, 'grant', a.dir, 'skytop:c-1', KEYS[0], shell=shell)
        assert read(a.keys) == first  # the same again is nothing
        a.access(n2, 'grant', a.dir, 'skytop:c-1', KEYS[1], shell=shell)
        assert read(a.keys).count('\n') == 2 and '\\"' in read(a.keys)
        a.access(n1, 'revoke', a.dir, 'skytop:c-2', shell=shell)
        assert read(a.keys).count('\n') == 2
        a.access(n1, 'revoke', a.dir, 'skytop:c-1', shell=shell)
        assert read(a.keys) == ''
        # what others put there stays to the byte, but for a newline that was missing at its end
        others = '# mine\n\nssh-rsa AAAA x@y\nfrom="10.*" ssh-rsa BBBB \xe9 skytop:c\n  ecdsa CCCC no newline at the end'
        with open(a.keys, 'w', encoding='latin-1') as f:
            f.write(others)
        os.chmod(a.keys, 0o640)
        os.rename(a.keys, a.dir + '/elsewhere')
        os.symlink('../elsewhere', a.keys)
        a.access(n1, 'grant', a.dir, 'skytop:c-1', KEYS[0], shell=shell)
        a.access(n1, 'grant', a.dir, 'skytop:c-1', KEYS[0], shell=shell)
        with open(a.keys, encoding='latin-1') as f:
            assert f.read() == others + '\n' + first
        assert os.path.islink(a.keys) and mode(a.keys) == 0o640
        a.access(n1, 'revoke', a.dir, 'skytop:c-1', shell=shell)
        with open(a.keys, encoding='latin-1') as f:
            assert f.read() == others + '\n'
        assert [f for f in os.listdir(a.dir) if f.startswith('.auth')] == []


def many_at_once(dir):
    a = Account(dir + '/a')
    os.makedirs(a.dir + '/.ssh')
    write(a.keys, 'ssh-rsa AAAA mine')
    homes = [a.node('n%d' % i) for i in range(12)]
    procs = [subprocess.Popen(['sh', h + '/.skytop/access', 'grant', a.dir, 'skytop:c-1', 'ssh-ed25519 KEY%02d' % i], env=dict(os.environ, HOME=h))
             for i, h in enumerate(homes)]
    assert all(p.wait() == 0 for p in procs)
    lines = read(a.keys).split('\n')
    assert os.listdir(a.dir + '/.ssh') == ['authorized_keys']
    assert lines[0] == 'ssh-rsa AAAA mine' and len(lines) == 14 and len(set(lines)) == 14, lines


def what_cannot_be_written_is_said(dir):
    if os.geteuid() == 0:
        a = Account(dir + '/a')
        write(a.dir + '/.ssh', 'a file where the folder should be')
        err = a.access(a.node('n'), 'grant', a.dir, 'skytop:c-1', KEYS[0], ok=False)
        assert a.dir + '/.ssh' in err, err
        return
    a = Account(dir + '/a')
    n = a.node('n')
    os.chmod(a.dir, 0o500)
    try:
        assert 'cannot make ' + a.dir + '/.ssh' in a.access(n, 'grant', a.dir, 'skytop:c-1', KEYS[0], ok=False)
        os.chmod(a.dir, 0o700)
        os.makedirs(a.dir + '/.ssh')
        write(a.keys, 'mine\n')
        os.chmod(a.dir + '/.ssh', 0o500)
        assert 'cannot write to ' + a.dir + '/.ssh' in a.access(n, 'grant', a.dir, 'skytop:c-1', KEYS[0], ok=False)
        assert read(a.keys) == 'mine\n'
    finally:
        os.chmod(a.dir, 0o700)
        os.chmod(a.dir + '/.ssh', 0o700)


class Server:
    """One sshd for the account, on several addresses."""

    def __init__(self, dir, account, addresses=1, extra=''):
        if not SSHD or not shutil.which('ssh') or not shutil.which('ssh-keygen'):
            raise Skip('there is no sshd here')
        if os.geteuid() == 0:
            os.makedirs('/run/sshd', exist_ok=True)
        self.dir = dir + '/sshd'
        self.account = account
        os.makedirs(self.dir)
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', self.dir + '/host'], check=True)
        self.addresses = ['127.0.0.%d' % (i + 2) for i in range(addresses)]
        for port in range(23000 + os.getpid() % 190, 23200):
            write(self.dir + '/config', ''.join('ListenAddress %s:%d\n' % (x, port) for x in self.addresses) +
                  'HostKey %s/host\nPidFile none\nAuthorizedKeysFile %s\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n'
                  'UsePAM no\nStrictModes no\nSubsystem sftp internal-sftp\nSetEnv HOME=%s\nMaxStartups 200\n%s' % (self.dir, account.keys, account.dir, extra))
            self.port = port
            self.start()
            end = time.time() + 10
            while self.proc.poll() is None and time.time() < end:
                with socket.socket() as s:
                    if s.connect_ex((self.addresses[-1], port)) == 0 and self.proc.poll() is None:
                        return
                time.sleep(0.02)
            self.close()
        raise Skip('sshd does not start: ' + read(self.dir + '/log')[-300:])

    def start(self):
        with open(self.dir + '/log', 'a') as log:
            self.proc = subprocess.Popen([SSHD, '-D', '-e', '-f', self.dir + '/config'], stderr=log)

    def host_key(self):
        return ' '.join(read(self.dir + '/host.pub').split()[:2])

    def key(self, name):
        path = '%s/%s' % (self.dir, name)
        subprocess.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path], check=True)
        return path, read(path + '.pub').strip()

    def close(self):
        if self.proc.poll() is None:
            self.proc.terminate()
        self.proc.wait()


USER = subprocess.run(['id', '-un'], capture_output=True, text=True).stdout.strip()


def tools_land_in_the_node(dir):
    a = Account(dir + '/a')
    s = Server(dir, a)
    try:
        cfg = dir + '/ssh_config'
        text = ''
        for name in ('one', 'two'):  # two nodes in one account: the key says which
            home = a.node(name)
            path, pub = s.key(name)
            a.access(home, 'grant', a.dir, 'skytop:c-1', pub)
            text += ('Host %s\n HostName %s\n Port %d\n User %s\n IdentityFile %s\n IdentitiesOnly yes\n HostKeyAlias it\n UserKnownHostsFile %s/known\n'
                     ' StrictHostKeyChecking yes\n BatchMode yes\n' % (name, s.addresses[0], s.port, USER, path, dir))
        write(cfg, text)
        write(dir + '/known', 'it %s\n' % s.host_key())
        one, two = a.dir + '/.skytop/nodes/one/home', a.dir + '/.skytop/nodes/two/home'

        def ssh(*words, **kw):
            p = subprocess.run(['ssh', '-F', cfg, *words], capture_output=True, text=True, timeout=60, **kw)
            assert p.returncode == 0, (words, p.stderr, read(s.dir + '/log')[-2000:])
            return p.stdout
        assert ssh('one', 'pwd; echo "$HOME $NODE"; echo ~', stdin=subprocess.DEVNULL) == '%s\n%s one\n%s\n' % (one, one, one)
        assert ssh('two', 'skytop-sh printf %s "$NODE$0"', stdin=subprocess.DEVNULL) == 'twosh'
        assert 'at ' + two in ssh('-T', 'two', input='echo "at $PWD"\n')
        p = subprocess.run(['ssh', '-F', cfg, '-tt', 'one', 'test -t 0 && echo terminal'], capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
        if os.geteuid() and p.returncode == 255 and 'closed by remote host' in p.stderr:
            print('# the sshd of this user cannot give terminals away here')
        else:
            assert p.returncode == 0 and 'terminal' in p.stdout, (p, read(s.dir + '/log')[-2000:])
        p = subprocess.run(['ssh', '-F', cfg, 'one', 'exit 7'], stdin=subprocess.DEVNULL)
        assert p.returncode == 7
        write(dir + '/f', 'payload')
        subprocess.run(['scp', '-q', '-F', cfg, dir + '/f', 'one:by scp'], check=True, timeout=60)
        assert read(one + '/by scp') == 'payload'
        subprocess.run(['scp', '-q', '-O', '-F', cfg, dir + '/f', 'one:by-old-scp'], check=True, timeout=60)
        assert read(one + '/by-old-scp') == 'payload'
        p = subprocess.run(['sftp', '-q', '-F', cfg, '-b', '-', 'two'], input='pwd\nput %s/f by-sftp\n' % dir, capture_output=True, text=True, timeout=60)
        assert p.returncode == 0 and two in p.stdout and read(two + '/by-sftp') == 'payload', p
        if shutil.which('rsync'):
            subprocess.run(['rsync', '-a', '-e', 'ssh -F ' + cfg, dir + '/f', 'two:sub-by-rsync'], check=True, timeout=60)
            assert read(two + '/sub-by-rsync') == 'payload'
        # a person there is counted, a head's command is not, and who went is not
        p = subprocess.Popen(['ssh', '-F', cfg, 'one', 'echo in; cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        q = subprocess.Popen(['ssh', '-F', cfg, 'one', 'skytop-sh echo in; cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert p.stdout.readline() == q.stdout.readline() == b'in\n'
        inside = os.listdir(one + '/.skytop/sessions')
        live = [f for f in inside if os.path.exists('/proc/' + f)]
        assert len(live) == 1 and read(one + '/.skytop/sessions/' + live[0]).strip() == read('/proc/%s/stat' % live[0]).rsplit(') ', 1)[1].split()[19]
        for c in (p, q):
            c.stdin.close()
            c.wait()
            c.stdout.close()
        end = time.time() + 10
        while os.path.exists('/proc/' + live[0]):
            assert time.time() < end
            time.sleep(0.05)
        ssh('one', 'true', stdin=subprocess.DEVNULL)
        assert len(os.listdir(one + '/.skytop/sessions')) == 1  # that one; who went before is forgotten
        a.access(one, 'revoke', a.dir, 'skytop:c-1')
        assert subprocess.run(['ssh', '-F', cfg, 'one', 'true'], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 255
    finally:
        s.close()


def the_head_reaches_its_workers(dir):
    a = Account(dir + '/a')
    s = Server(dir, a, addresses=4)
    try:
        head = a.node('n0-' + 'long' * 12)  # too long for a socket beside it
        os.makedirs(head + '/.skytop/keys')
        hops = known = ''
        for r in (1, 2, 3):
            home = a.node('n%d' % r)
            path, pub = s.key('k%d' % r)
            if r != 3:
                a.access(home, 'grant', a.dir, 'skytop:c-1', pub)
            shutil.copy(path, '%s/.skytop/keys/%d' % (head, r))
            first = '127.0.0.1 ' if r == 1 else ''  # nobody listens there: the other address is taken
            hops += '%d %s %d %s%s\n' % (r, USER, s.port, first, s.addresses[r])
            known += 'node-%d %s\n' % (r, s.host_key())
        write(head + '/.skytop/hops', hops)
        write(head + '/.skytop/known_hosts', known)
        err = a.access(head, 'head', ok=False)
        assert 'node 3 (%s): head cannot log in with the cluster\'s key: ' % s.addresses[3] in err and 'Permission denied' in err, err
        assert err.count('\n') == 1 and not os.path.exists(head + '/.skytop/ssh_config')
        a.access(a.node('n3'), 'grant', a.dir, 'skytop:c-1', read(s.dir + '/k3.pub').strip())
        a.access(head, 'head')
        cfg = head + '/.skytop/ssh_config'
        for r in (1, 2, 3):
            out = subprocess.run('ssh -F "$HOME/.skytop/ssh_config" node-%d skytop-sh \'printf "%%s|" "$NODE" "it\'"\'"\'s" $((1+1))\'' % r, shell=True,
                                 env=dict(os.environ, HOME=head), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
            assert out.stdout == "n%d|it's|2|" % r, out
        assert 'Accepted' in read(s.dir + '/log')
        logins = read(s.dir + '/log').count('Accepted publickey')
        for _ in range(3):
            subprocess.run(['ssh', '-F', cfg, 'node-2', 'skytop-sh true'], check=True, stdin=subprocess.DEVNULL, timeout=60)
        assert read(s.dir + '/log').count('Accepted publickey') == logins  # one connection for all of them
        # another host key
        write(head + '/.skytop/known_hosts', known.replace(s.host_key(), ' '.join(s.key('other')[1].split()[:2])))
        os.remove(cfg)
        err = a.access(head, 'head', ok=False)
        assert 'its host key is not the one that was pinned' in err, err
        # one that is not up yet is waited for
        write(head + '/.skytop/known_hosts', known)
        s.close()
        threading.Timer(1, s.start).start()
        a.access(head, 'head')
        s.close()
        os.environ['SKYTOP_ACCESS_WAIT_S'] = '0'
        os.remove(cfg)
        err = a.access(head, 'head', ok=False)
        assert 'head cannot reach it at port %d' % s.port in err and 'refused' in err, err
        s.start()
        # and all of it goes
        write(head + '/.skytop/known_hosts', known)
        a.access(head, 'head')
        sockets = re.search('ControlPath "(.*)/"', read(cfg))[1]
        assert len(os.listdir(sockets)) == 3 and mode(sockets) == 0o700
        a.access(head, 'revoke', a.dir, 'skytop:c-1')
        assert not os.path.exists(sockets) and read(a.keys) == ''
    finally:
        s.close()


def a_login_without_its_node_is_told(dir):
    a = Account(dir + '/a')
    home = a.node('n')
    os.remove(home + '/.skytop/enter.env')
    p = subprocess.run(['sh', home + '/.skytop/enter'], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert p.returncode == 254 and 'not there any more' in p.stderr


def scripts_are_clean(dir):
    for f in (AGENT + 'skytop-enter', AGENT + 'skytop-access'):
        for shell in SHELLS:
            subprocess.run([*shell, '-n', f], check=True)
        if shutil.which('shellcheck'):
            p = subprocess.run(['shellcheck', '-s', 'sh', f], capture_output=True, text=True)
            assert p.returncode == 0, p.stdout


CASES = [keys_come_and_go, many_at_once, what_cannot_be_written_is_said, a_login_without_its_node_is_told, tools_land_in_the_node,
         the_head_reaches_its_workers, scripts_are_clean]
print('1..%d' % len(CASES))
bad = 0
for i, fn in enumerate(CASES, 1):
    folder = tempfile.mkdtemp(prefix='skytop-access-')
    why = skip = None
    began = time.time()
    try:
        fn(folder)
    except Skip as e:
        skip = str(e)
    except Exception:  # noqa: the case fails, and says why
        why = traceback.format_exc()
    shutil.rmtree(folder, ignore_errors=True)
    bad += bool(why)
    print('%sok %d - %s%s' % ('not ' if why else '', i, fn.__name__.replace('_', ' '), ' # SKIP ' + skip if skip else ''))
    for line in (why or '').split('\n'):
        if line:
            print('# ' + line)
    sys.stdout.flush()
sys.exit(1 if bad else 0)
