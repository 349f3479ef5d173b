#!/usr/bin/env python3
"""The farm does what tests believe it does: real servers, real faults, nothing left. TAP."""
import os, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from farm import Farm, Unavailable, can_isolate  # noqa


def silent(node):
    try:
        node.run('true', timeout=1.5)
    except subprocess.TimeoutExpired:
        return True
    return False


def servers(plain):
    each = {1: {'skew_s': 3600, 'missing': ('tar',), 'rc': {'.bashrc': 'echo noise\n'}}}
    with Farm(2, plain=plain, gpus=2, each=each) as farm:
        a, b = farm.nodes
        assert a.run('echo $HOME; nvidia-smi -L').split('\n')[:2] == [a.home, 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-00000000-0000-0000-0000-000000000000)']
        assert a.run('nvidia-smi --query-gpu=index,memory.total --format=csv,noheader,nounits') == '0, 81559\n1, 81559\n'
        out = b.run('date +%s; command -v tar || echo none').split()
        assert out[-1] == 'none' and 3590 < int(out[-2]) - time.time() < 3610, out
        if not plain:
            assert out[0] == 'noise', out
        assert a.left() == [] and b.left() == [], (a.left(), b.left())
        a.run('touch "$HOME/file"; nohup sleep 60 >/dev/null 2>&1 &')
        assert len(a.left()) == 2 and a.left()[1] == '~/file' and 'sleep 60' in a.left()[0], a.left()
        a.drop_connections()
        assert a.run('echo there') == 'there\n'
        a.stop_sshd()
        assert subprocess.call(a.ssh_argv('true'), stderr=subprocess.DEVNULL) == 255
        a.start_sshd()
        assert len(a.left()) == 2, a.left()
        a.reboot()
        assert a.left() == ['~/file'], a.left()
        folder = farm.dir
    assert not os.path.exists(folder)


def machines():
    with Farm(2, each={1: {'home_mib': 4}}) as farm:
        a, b = farm.nodes
        boot = a.run('cat /proc/sys/kernel/random/boot_id; hostname')
        a.reboot()
        again = a.run('cat /proc/sys/kernel/random/boot_id; hostname')
        assert boot != again and boot.split()[1] == again.split()[1] == 'node0', (boot, again)
        a.read_only()
        assert a.run('touch x 2>/dev/null || echo no') == 'no\n'
        a.read_only(False)
        b.fill_disk()
        assert b.run('echo x >x 2>/dev/null || echo no') == 'no\n'
        b.empty_disk()
        assert b.run('echo x >x && echo yes') == 'yes\n'
        a.cut()
        assert silent(a) and not silent(b)
        a.heal()
        a.loss(5)
        assert a.run('echo lossy') == 'lossy\n'
        a.heal()


def main():
    cases = [('servers on loopback addresses', lambda: servers(True))]
    if can_isolate():
        print('# no machines of their own: %s' % can_isolate())
    else:
        cases += [('servers on machines of their own', lambda: servers(False)), ('faults of machines', machines)]
    print('1..%d' % len(cases))
    bad = 0
    for i, (name, fn) in enumerate(cases, 1):
        try:
            fn()
            print('ok %d - %s' % (i, name))
        except Unavailable as e:
            print('ok %d - %s # SKIP %s' % (i, name, e))
        except Exception as e:  # noqa
            bad += 1
            print('not ok %d - %s\n# %s' % (i, name, repr(e).replace('\n', '\n# ')))
    sys.exit(1 if bad else 0)


main()
