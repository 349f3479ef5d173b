#!/usr/bin/env python3
"""A farm of real OpenSSH servers for tests, and what goes wrong with machines.

As root, each node is a machine of its own as far as a process can see: namespaces for network, processes, mounts and host name, a user
"ubuntu" who is not root, a home, a /tmp, a boot id; this process moves into a network namespace that reaches them over a bridge, so that
everything it starts (the engine) is cut off from a node when the cable is. Names and addresses are private: any number of farms run side by
side, and all of it is gone when this process is, however it ends. Elsewhere, or when asked for (`plain`), a node is an sshd on a high port of a
loopback address with HOME set by it: most faults of networks and disks are then not to be had (Unavailable).

    with Farm(3, gpus=8) as farm:                   # or Farm(3, each={1: {'shell': '/usr/bin/fish'}})
        farm.nodes[0].run('hostname')               # the system's ssh, as the user would
        open(pools, 'w').write(farm.pool_yaml('farm'))
        farm.nodes[1].cut(); …; farm.nodes[1].heal()

From a shell: `farm.py [--gpus G] [--plain] N [COMMAND…]` runs COMMAND (default: sh) with a farm of N nodes; $FARM is its folder, and
$SKYTOP_HOME a fresh one with the nodes as pool `farm`.
"""
import ctypes, os, pwd, random, shutil, signal, socket, subprocess, sys, tempfile, time

USER, UID = 'ubuntu', 1000
HOME = '/home' + '/' + USER
PATHS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']
SFTP = ['/usr/lib/openssh/sftp-server', '/usr/libexec/openssh/sftp-server', '/usr/lib/ssh/sftp-server', '/usr/libexec/sftp-server']
# What a bare image has, more or less: all that PATH has on plain nodes that lack a tool.
TOOLS = '''sh bash dash awk basename cat chgrp chmod chown cksum comm cp cut date dd df diff dirname du echo env expr false find flock fold free getconf
 grep groups gzip head hostname id kill ln logger ls md5sum mkdir mkfifo mknod mktemp mount mv nice nohup nproc od paste perl pgrep printf ps pwd
 python3 readlink realpath renice rm rmdir sed seq setsid sha256sum sleep sort split ssh ssh-keygen stat stty sync tail tar tee test timeout touch tr true
 tty umount uname uniq uptime wc who whoami xargs zstd'''.split()
GATEWAY = '10.88.0.1'
DEFAULTS = {
    'gpus': 0,             # H100s that nvidia-smi tells of; 0: there is no nvidia-smi
    'shell': '/bin/bash',  # the user's login shell
    'rc': {},              # files in the home: {'.bashrc': 'echo noise\n'}
    'home_mib': 0,         # the home is a disk of this size (not plain)
    'missing': (),         # tools that the node lacks
    'skew_s': 0,           # by how much its clock is wrong, for what asks date(1)
    'sshd': {},            # more lines of sshd_config, by keyword
    'host_keys': ('ed25519',),
    'share': (),           # folders of this machine that are to be seen there too (not plain: all are)
}

NVIDIA_SMI = r'''#!/bin/sh
# Stands for nvidia-smi: the files gpus (count, MiB, name) and gpu_util (percent, of each) beside this folder say what there is.
dir=$(dirname "$0")/..
read -r n mem name <"$dir/gpus"
util=$(cat "$dir/gpu_util" 2>/dev/null || echo 0)
query= units=1 head=1
for a in "$@"; do
  case $a in
  -L | --list-gpus) i=0; while [ $i -lt "$n" ]; do echo "GPU $i: $name (UUID: GPU-00000000-0000-0000-0000-00000000000$i)"; i=$((i + 1)); done; exit 0 ;;
  --query-gpu=*) query=${a#*=} ;;
  --format=*)
    case $a in *nounits*) units=0 ;; esac
    case $a in *noheader*) head=0 ;; esac
    ;;
  esac
done
[ -n "$query" ] || { echo "NVIDIA-SMI 550.54.15    Driver Version: 550.54.15    CUDA Version: 12.4"; exit 0; }
[ $head = 0 ] || echo "$query" | sed 's/,/, /g'
i=0
while [ $i -lt "$n" ]; do
  line=
  for f in $(echo "$query" | tr ',' ' '); do
    u=
    case $f in
    index) v=$i ;;
    name | gpu_name) v=$name ;;
    uuid | gpu_uuid) v=GPU-00000000-0000-0000-0000-00000000000$i ;;
    memory.total) v=$mem u=MiB ;;
    memory.used) v=$((util * mem / 100)) u=MiB ;;
    memory.free) v=$((mem - util * mem / 100)) u=MiB ;;
    utilization.gpu) v=$util u=% ;;
    driver_version) v=550.54.15 ;;
    temperature.gpu) v=40 ;;
    *) v='[N/A]' ;;
    esac
    [ $units = 0 ] || [ -z "$u" ] || v="$v $u"
    line="$line${line:+, }$v"
  done
  echo "$line"
  i=$((i + 1))
done
'''

DATE = '''#!/bin/sh
for a; do
  case $a in -d* | --date* | -r* | --reference* | -s* | --set*) exec %(date)s "$@" ;; esac
done
exec %(date)s -d "@$(($(%(date)s +%%s) + %(skew)d))" "$@"
'''

# Before the node has a network of its own: its cable. $1: process in our network, $2: cable, $3: address, $4: MAC address, then the command.
CABLE = '''set -e
at=$1 cable=$2 address=$3 mac=$4
shift 4
nsenter -t "$at" -n ip link del "$cable" 2>/dev/null || :
ip link add eth0 address "$mac" type veth peer name "$cable" netns "$at"
ip link set lo up
ip addr add "$address/16" dev eth0
ip link set eth0 up
nsenter -t "$at" -n ip link set "$cable" master br0 up
exec "$@"
'''

# The first process of a node. $1: its folder, $2: where its home is, $3: size of the home in MiB (0: no disk of its own), $4…: shared folders.
# It ends, and with it the node, when its stdin does.
INIT = '''set -e
node=$1 home=$2 mib=$3
shift 3
exec 3<&0
mount --bind "$node" /mnt
i=0
for d; do
  mkdir -p "/mnt/share/$i"
  mount --bind "$d" "/mnt/share/$i"
  i=$((i + 1))
done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /home
mkdir -p /run/sshd "$home"
if [ "$mib" = 0 ]; then
  mount --bind /mnt/home "$home"
else
  mount -t tmpfs -o "size=${mib}m,mode=0755" tmpfs "$home"
  cp -a /mnt/home/. "$home/"
  chown --reference=/mnt/home "$home"
fi
i=0
for d; do
  mkdir -p "$d"
  mount --move "/mnt/share/$i" "$d"
  i=$((i + 1))
done
n=0
for dir in /usr/local/bin /usr/bin /bin /usr/sbin /sbin; do
  found=
  for tool in $(cat /mnt/missing); do [ ! -e "$dir/$tool" ] || found="$found $tool"; done
  [ -n "$found" ] || continue
  n=$((n + 1))
  mkdir -p "/run/over/$n/up" "/run/over/$n/work"
  mount -t overlay -o "lowerdir=$dir,upperdir=/run/over/$n/up,workdir=/run/over/$n/work" overlay "$dir"
  for tool in $found; do rm -f "$dir/$tool"; done
done
mount --bind /mnt/passwd /etc/passwd
mount --bind /mnt/group /etc/group
mount --bind /mnt/boot_id /proc/sys/kernel/random/boot_id
cat /mnt/name >/proc/sys/kernel/hostname
cd /
cat <&3 >/dev/null &
life=$!
exec 3<&- </dev/null
"$SSHD" -f /mnt/sshd_config -E /mnt/sshd.log || echo "sshd: $?" >>/mnt/sshd.log
wait "$life"
'''

# A plain node: $1: its folder.
PLAIN = '''exec 3<&0
"$SSHD" -D -e -f "$1/sshd_config" 2>>"$1/sshd.log" </dev/null 3<&- &
sshd=$!
echo $sshd >"$1/sshd.pid"
cat <&3 >/dev/null
kill $sshd
'''


class Unavailable(Exception):
    """This cannot be had on this machine; the text says why."""


def tool(name):
    return shutil.which(name, path=os.environ.get('PATH', '') + ':' + ':'.join(PATHS))


def sh(*argv, check=True, **kw):
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace', **kw)
    if check and p.returncode:
        raise RuntimeError('%s: %d: %s' % (' '.join(argv), p.returncode, p.stdout))
    return p.stdout


def write(path, text, mode=0o644):
    with open(path, 'w') as f:
        f.write(text)
    os.chmod(path, mode)


_network = {'in': False, 'cables': 0}


def can_isolate():
    """None, or why this machine cannot give nodes namespaces of their own."""
    if not sys.platform.startswith('linux') or os.geteuid() != 0:
        return 'only root of Linux can make namespaces'
    for name in ('unshare', 'nsenter', 'ip', 'mount'):
        if not tool(name):
            return 'there is no ' + name
    p = subprocess.run([tool('unshare'), '-m', '-u', '-p', '-n', '-f', '--mount-proc', 'sh', '-c',
                        'mount -t tmpfs t /mnt && ip link add t0 type veth peer name t1 && ip link add t2 type bridge && '
                        ': >/mnt/b && mount --bind /mnt/b /proc/sys/kernel/random/boot_id'],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if p.returncode == 0 else 'namespaces: ' + p.stdout.strip()


def enter_network():
    """This process goes into a network of its own (once): a bridge that nodes are plugged into."""
    if _network['in']:
        return
    if ctypes.CDLL(None, use_errno=True).unshare(0x40000000):  # CLONE_NEWNET
        raise Unavailable('unshare: ' + os.strerror(ctypes.get_errno()))
    sh('ip', 'link', 'set', 'lo', 'up')
    sh('ip', 'link', 'add', 'br0', 'type', 'bridge')
    sh('ip', 'addr', 'add', GATEWAY + '/16', 'dev', 'br0')
    sh('ip', 'link', 'set', 'br0', 'up')
    _network['in'] = True


def children(pid):
    try:
        return [int(x) for x in open('/proc/%d/task/%d/children' % (pid, pid)).read().split()]
    except OSError:
        return []


def cmdline(pid):
    try:
        return open('/proc/%d/cmdline' % pid, 'rb').read().replace(b'\0', b' ').decode('utf-8', 'replace').strip()
    except OSError:
        return ''


class Node:
    """One machine. Times that methods may take: a second or two."""

    def __init__(self, farm, i, opts):
        unknown = set(opts) - set(DEFAULTS)
        assert not unknown, unknown
        self.farm, self.i, self.opts = farm, i, dict(DEFAULTS, **opts)
        self.plain = farm.plain
        self.name = 'node%d' % i
        self.dir = '%s/%s' % (farm.dir, self.name)
        self.key = farm.key
        self.proc = None
        self.dropped = None
        if self.plain:
            if self.opts['home_mib']:
                raise Unavailable('a disk of its own needs namespaces')
            self.user, self.home = pwd.getpwuid(os.getuid()).pw_name, self.dir + '/home'
            self.host, self.port = farm.address(i)
        else:
            n = _network['cables']
            _network['cables'] += 1
            self.cable, self.mac = 'v%d' % n, '02:58:00:00:%02x:%02x' % (n // 250, n % 250)  # a reboot changes neither
            self.user, self.home = USER, HOME
            self.host, self.port = '10.88.%d.%d' % (1 + n // 250, 1 + n % 250), 22
        self._furnish()

    # --- how it is made ---------------------------------------------------------------------------------------------
    def _furnish(self):
        o, d = self.opts, self.dir
        os.makedirs(d + '/home/.ssh')
        os.makedirs(d + '/bin')
        os.chmod(d + '/home/.ssh', 0o700)
        os.chmod(d + '/home', 0o755)
        write(d + '/home/.ssh/authorized_keys', open(self.farm.key + '.pub').read(), 0o600)
        for name, text in o['rc'].items():
            os.makedirs(os.path.dirname('%s/home/%s' % (d, name)), exist_ok=True)
            write('%s/home/%s' % (d, name), text)
        inside = d if self.plain else '/mnt'
        path = [inside + '/bin'] + PATHS
        if o['gpus']:
            write(d + '/bin/nvidia-smi', NVIDIA_SMI, 0o755)
            self.set_gpus(o['gpus'])
        if o['skew_s']:
            write(d + '/bin/date', DATE % {'date': tool('date'), 'skew': o['skew_s']}, 0o755)
        if o['missing'] and self.plain:
            path = path[:1]
            for name in set(TOOLS) - set(o['missing']) - set(os.listdir(d + '/bin')):
                if tool(name):
                    os.symlink(tool(name), '%s/bin/%s' % (d, name))
        lines = {
            'Port': self.port, 'ListenAddress': self.host if self.plain else '0.0.0.0', 'PidFile': 'none' if self.plain else '/run/sshd.pid',
            'AuthorizedKeysFile': (d + '/home' if self.plain else '%h') + '/.ssh/authorized_keys',
            'PasswordAuthentication': 'no', 'KbdInteractiveAuthentication': 'no', 'StrictModes': 'no' if self.plain else 'yes',
            'MaxStartups': '100:30:200', 'MaxSessions': 64, 'LogLevel': 'VERBOSE', 'UseDNS': 'no', 'PrintMotd': 'no', 'PrintLastLog': 'no',
            'PermitRootLogin': 'prohibit-password',
        }
        sftp = next((p for p in SFTP if os.path.exists(p)), None)
        if sftp:
            lines['Subsystem'] = 'sftp ' + sftp
        env = 'PATH="%s"' % ':'.join(path)
        if self.plain:
            env += ' HOME="%s" FARM_NODE="%s"' % (self.home, d)
            if o['shell'] != DEFAULTS['shell']:  # there, a forced command; forced commands of keys have no effect then
                lines['ForceCommand'] = 'cd "$HOME" && SHELL=%s exec %s -c "$SSH_ORIGINAL_COMMAND"' % (o['shell'], o['shell'])
        lines['SetEnv'] = env
        lines.update(o['sshd'])
        text = ''.join('HostKey %s/host_%s\n' % (inside, t) for t in o['host_keys']) + ''.join('%s %s\n' % kv for kv in lines.items())
        write(d + '/sshd_config', text)
        if not self.plain:
            users = [l for l in open('/etc/passwd').read().splitlines() if l.split(':')[0] != USER and l.split(':')[2] != str(UID)]
            write(d + '/passwd', '\n'.join(['%s:x:%d:%d::%s:%s' % (USER, UID, UID, HOME, o['shell'])] + users) + '\n')
            groups = [l for l in open('/etc/group').read().splitlines() if l.split(':')[0] != USER]
            write(d + '/group', '\n'.join(groups + ['%s:x:%d:' % (USER, UID)]) + '\n')
            write(d + '/name', self.name + '\n')
            write(d + '/missing', '\n'.join(o['missing']) + '\n')
            for folder, dirs, files in os.walk(d + '/home'):
                for name in ['.'] + files:
                    os.lchown('%s/%s' % (folder, name), UID, UID)

    def set_gpus(self, n, name='NVIDIA H100 80GB HBM3', mib=81559):
        write(self.dir + '/gpus', '%d %d %s\n' % (n, mib, name))

    def set_gpu_util(self, percent):
        write(self.dir + '/gpu_util', '%d\n' % percent)

    def new_host_keys(self, wait=True):
        """Keys, made where there are none yet; the server takes them when it is started the next time."""
        ps = []
        for t in self.opts['host_keys']:
            path = '%s/host_%s' % (self.dir, t)
            for p in (path, path + '.pub'):
                if os.path.exists(p):
                    os.unlink(p)
            ps.append(subprocess.Popen(['ssh-keygen', '-q', '-t', t, '-N', '', '-C', self.name, '-f', path], stdin=subprocess.DEVNULL))
        if wait:
            for p in ps:
                assert p.wait() == 0
        return ps

    # --- power --------------------------------------------------------------------------------------------------------
    def boot(self, wait=True):
        env = {'PATH': ':'.join(PATHS), 'SSHD': self.farm.sshd, 'LANG': 'C.UTF-8'}
        if self.plain:
            argv = ['sh', '-c', PLAIN, 'node', self.dir]
        else:
            write(self.dir + '/boot_id', '%08x-0000-4000-8000-%012x\n' % (random.getrandbits(32), random.getrandbits(48)))
            argv = ['unshare', '-n', 'sh', '-c', CABLE, 'node', str(os.getpid()), self.cable, self.host, self.mac,
                    'unshare', '-m', '-u', '-p', '-f', '--kill-child', '--mount-proc',
                    'sh', '-c', INIT, 'init', self.dir, self.home, str(self.opts['home_mib']), *self.opts['share']]
        log = open(self.dir + '/sshd.log', 'a')
        self.proc = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
        log.close()
        if wait:
            self.wait_up()

    def wait_up(self, seconds=20):
        end = time.time() + seconds
        while True:
            try:
                with socket.create_connection((self.host, self.port), timeout=0.2 if time.time() < end - seconds + 2 else 2) as s:
                    if s.recv(4) == b'SSH-':
                        return
            except OSError:
                pass
            if time.time() > end or self.proc.poll() is not None:
                raise AssertionError('%s does not come up: %s' % (self.name, (open(self.dir + '/sshd.log').read()[-1000:], self.proc.poll())))
            time.sleep(0.01)

    @property
    def init(self):
        """Its first process, as numbered here."""
        found = children(self.proc.pid) if self.proc else []
        if not found:
            raise Unavailable('%s is not up' % self.name)
        return found[0]

    def kill(self):
        """The power is gone: no goodbye to anybody."""
        if not self.proc:
            return
        if self.plain:
            self._sshd_kill()
            for pid, _ in self.processes():
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
        else:
            for pid in children(self.proc.pid):
                os.kill(pid, signal.SIGKILL)
        self.proc.stdin.close()
        self.proc.wait()
        self.proc = self.dropped = None

    def reboot(self, wait=True):
        self.kill()
        self.boot(wait)

    def _sshd_pids(self):
        if self.plain:
            top = int(open(self.dir + '/sshd.pid').read())
            out, todo = [], [top]
            while todo:
                p = todo.pop()
                out.append(p)
                todo += [c for c in children(p) if cmdline(c).startswith('sshd')]
            return out
        return [p for p, cmd in self._all() if cmd.startswith(('sshd', self.farm.sshd))]

    def _sshd_kill(self, listener=True):
        pids = self._sshd_pids()
        first = pids[0] if self.plain else next((p for p in pids if '[listener]' in cmdline(p) or cmdline(p).startswith(self.farm.sshd)), None)
        for p in pids:
            if listener or p != first:
                try:
                    os.kill(p, signal.SIGKILL)
                except OSError:
                    pass

    def drop_connections(self):
        """All SSH connections to it break; it goes on taking new ones, and what they started goes on if it does not mind."""
        self._sshd_kill(listener=False)

    def stop_sshd(self):
        """No SSH any more; the machine and what runs there go on."""
        if self.plain:
            self._sshd_kill()
            self.proc.stdin.close()
            self.proc.wait()
        else:
            self._sshd_kill()

    def start_sshd(self, wait=True):
        if self.plain:
            self.boot(wait=False)
        else:
            self.inside(self.farm.sshd, '-f', '/mnt/sshd_config', '-E', '/mnt/sshd.log')
        if wait:
            self.wait_up()

    # --- faults ---------------------------------------------------------------------------------------------------------
    def inside(self, *argv, check=True):
        """A command as root in the node, past its SSH."""
        if self.plain:
            raise Unavailable('faults of the machine need namespaces')
        return sh('nsenter', '-t', str(self.init), '-a', *argv, check=check)

    def _nft(self, text):
        if self.plain or not tool('nft'):
            raise Unavailable('faults of the network need namespaces and nft')
        p = subprocess.run(['nsenter', '-t', str(self.init), '-n', tool('nft'), '-f', '-'], input=text, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            raise Unavailable('nft: ' + p.stdout)

    def _drop(self, match_in, match_out):
        self._nft('table inet farm\ndelete table inet farm\ntable inet farm {\n'
                  ' chain in { type filter hook input priority 0; iif lo accept; %s drop; }\n'
                  ' chain out { type filter hook output priority 0; oif lo accept; %s drop; }\n}\n' % (match_in, match_out))

    def cut(self, who=None):
        """Silence: packets are lost both ways. who: only those from and to this address (GATEWAY: us)."""
        self._drop('ip saddr %s' % who if who else '', 'ip daddr %s' % who if who else '')

    def loss(self, percent):
        m = 'numgen random mod 100 < %d' % percent
        self._drop(m, m)

    def unplug(self):
        """The cable is pulled out on our side: it can be known at once."""
        if self.plain:
            raise Unavailable('faults of the network need namespaces')
        sh('ip', 'link', 'set', self.cable, 'down')

    def heal(self):
        if not self.plain:
            sh('ip', 'link', 'set', self.cable, 'up')
            if tool('nft'):
                self._nft('table inet farm\ndelete table inet farm\n')

    def read_only(self, on=True):
        self.inside('mount', '-o', 'remount,bind,' + ('ro' if on else 'rw'), self.home)

    def fill_disk(self):
        """Nothing more fits into its home (home_mib)."""
        assert self.opts['home_mib']
        self.inside('sh', '-c', 'dd if=/dev/zero of=%s/.fill bs=64k 2>/dev/null; dd if=/dev/zero of=%s/.fill2 bs=512 2>/dev/null; :' % (self.home, self.home))

    def empty_disk(self):
        self.inside('rm', '-f', self.home + '/.fill', self.home + '/.fill2')

    # --- looking ----------------------------------------------------------------------------------------------------------
    def path(self, rel=''):
        """Where a file of its home is to be seen from here; while it is up."""
        base = self.dir + '/home' if self.plain or not self.opts['home_mib'] else '/proc/%d/root%s' % (self.init, self.home)
        return base + ('/' + rel if rel else '')

    def ssh_argv(self, *command):
        return ['ssh', '-F', 'none', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'LogLevel=ERROR',
                '-o', 'IdentitiesOnly=yes', '-o', 'KexAlgorithms=curve25519-sha256', '-i', self.key, '-p', str(self.port), '%s@%s' % (self.user, self.host), *command]

    def run(self, command, check=True, timeout=60):
        p = subprocess.run(self.ssh_argv(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=timeout)
        if check and p.returncode:
            raise AssertionError('%s: %s: %d: %s%s' % (self.name, command, p.returncode, p.stdout, p.stderr))
        return p.stdout

    def _all(self):
        ns = os.readlink('/proc/%d/ns/pid' % self.init)
        out = []
        for pid in os.listdir('/proc'):
            if pid.isdigit():
                try:
                    if os.readlink('/proc/%s/ns/pid' % pid) == ns:
                        out.append((int(pid), cmdline(int(pid))))
                except OSError:
                    pass
        return out

    def processes(self):
        """What runs there beside the machine's own: (pid as numbered here, command line)."""
        out = []
        if self.plain:
            mark = ('FARM_NODE=' + self.dir + '\0').encode()
            for pid in os.listdir('/proc'):
                if pid.isdigit() and int(pid) != os.getpid():
                    try:
                        if mark in open('/proc/%s/environ' % pid, 'rb').read() and not cmdline(int(pid)).startswith('sshd'):
                            out.append((int(pid), cmdline(int(pid))))
                    except OSError:
                        pass
            return out
        for pid, cmd in self._all():
            try:
                if os.stat('/proc/%d' % pid).st_uid == UID and cmd and not cmd.startswith('sshd'):
                    out.append((pid, cmd))
            except OSError:
                pass
        return out

    def left(self):
        """What is there that was not at first: files of the home and /tmp, lines of authorized_keys, processes; as lines of text."""
        out = ['process %d: %s' % p for p in self.processes()]
        base = self.path()
        own = {'.ssh', '.cache', '.config', '.local', '.hushlogin'} | {n.split('/')[0] for n in self.opts['rc']}
        out += ['~/' + n for n in sorted(os.listdir(base)) if n not in own]
        keys = open(base + '/.ssh/authorized_keys').read()
        if keys != open(self.farm.key + '.pub').read():
            out.append('authorized_keys:\n' + keys)
        out += ['~/.ssh/' + n for n in os.listdir(base + '/.ssh') if n != 'authorized_keys']
        if not self.plain:
            shared = {d.split('/')[2] for d in self.opts['share'] if d.startswith('/tmp/')}
            out += ['/tmp/' + n for n in os.listdir('/proc/%d/%s/tmp' % (self.init, 'root')) if n not in shared]
        return out


class Farm:
    """n nodes, up. Options as in DEFAULTS for all, and in `each` for one: {index: {option: value}}. one_host_key: all have the same, which
    is quicker to make. Raises Unavailable where there can be none."""

    def __init__(self, n, plain=None, each=None, one_host_key=False, boot=True, **opts):
        self.nodes, self.dir = [], None
        self.sshd = tool('sshd')
        if not self.sshd or not tool('ssh') or not tool('ssh-keygen'):
            raise Unavailable('there is no OpenSSH server here')
        if plain is None:
            plain = bool(os.environ.get('FARM_PLAIN')) or can_isolate() is not None
        elif not plain and can_isolate() is not None:
            raise Unavailable(can_isolate())
        self.plain = plain
        if plain:
            shell = pwd.getpwuid(os.getuid()).pw_shell or '/bin/sh'
            if os.path.basename(shell) in ('nologin', 'false') or not os.access(shell, os.X_OK):
                raise Unavailable('the user of this test has no login shell')
            if os.geteuid() == 0:
                os.makedirs('/run/sshd', exist_ok=True)
            self._places()
        else:
            enter_network()
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix='skytop-farm-'))
        os.chmod(self.dir, 0o755)
        self.key = self.dir + '/id_ed25519'
        try:
            sh('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'farm', '-f', self.key)
            for i in range(n):
                self.nodes.append(Node(self, i, dict(opts, **(each or {}).get(i, {}))))
            making = []
            for node in self.nodes:
                if one_host_key and node.i:
                    for t in node.opts['host_keys']:
                        for end in ('', '.pub'):
                            shutil.copy('%s/host_%s%s' % (self.nodes[0].dir, t, end), node.dir)
                else:
                    making += node.new_host_keys(wait=one_host_key)
            for p in making:
                p.wait()
            for i in range(0, n if boot else 0, 10):  # not all at once: they would only be in each other's way
                for node in self.nodes[i:i + 10]:
                    node.boot(wait=False)
                for node in self.nodes[i:i + 10]:
                    node.wait_up()
            if plain and boot and os.geteuid() and subprocess.call(self.nodes[0].ssh_argv('exit 0'), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
                raise Unavailable('the user of this test may not log in: is the account locked?')
        except BaseException:
            self.close()
            raise

    def _places(self):
        self.port = random.randrange(23400, 24000)
        self.net = '127.%d.%d.' % (random.randrange(16, 250), random.randrange(1, 250))
        with socket.socket() as s:
            try:
                s.bind((self.net + '1', 0))
            except OSError:  # a system with one loopback address
                self.net = None

    def address(self, i):
        if self.net:
            return self.net + str(1 + i), self.port
        while True:
            self.port += 1
            with socket.socket() as s:
                try:
                    s.bind(('127.0.0.1', self.port))
                    return '127.0.0.1', self.port
                except OSError:
                    pass

    def pool_yaml(self, name='farm', nodes=None):
        out = '%s:\n  user: %s\n  identity_file: %s\n  hosts:\n' % (name, self.nodes[0].user, self.key)
        for n in nodes or self.nodes:
            out += '    - {ip: %s%s}\n' % (n.host, '' if n.port == 22 else ', port: %d' % n.port)
        return out

    def close(self):
        for n in self.nodes:
            try:
                n.kill()
            except OSError:
                pass
        if self.dir:
            shutil.rmtree(self.dir, ignore_errors=True)
            self.dir = None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def command_line():
    import argparse
    p = argparse.ArgumentParser(description='Run a command with a farm of sshd.')
    p.add_argument('--gpus', type=int, default=0)
    p.add_argument('--plain', action='store_true', default=None)
    p.add_argument('nodes', type=int)
    p.add_argument('command', nargs=argparse.REMAINDER)
    a = p.parse_args()
    with Farm(a.nodes, gpus=a.gpus, plain=a.plain) as farm:
        home = farm.dir + '/skytop'
        os.makedirs(home + '/config')
        write(home + '/config/ssh_pools.yaml', farm.pool_yaml())
        env = dict(os.environ, FARM=farm.dir, FARM_KEY=farm.key, SKYTOP_HOME=home, FARM_HOSTS=' '.join(n.host for n in farm.nodes))
        for n in farm.nodes:
            print('%s  ssh -i %s -p %d %s@%s' % (n.name, n.key, n.port, n.user, n.host), file=sys.stderr)
        rc = subprocess.call(a.command or ['sh'], env=env)
        if os.environ.get('SKYTOP'):
            subprocess.call([os.environ['SKYTOP'], 'engine', 'stop'], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return rc


if __name__ == '__main__':
    sys.exit(command_line())
