#!/usr/bin/env python3
"""Logs over real SSH: connections that die, a network that is away for a while, the logs of ranks from their nodes."""
import os, random, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from bed import Bed, engine_test  # noqa

TORTURE = bool(os.environ.get('SKYTOP_TORTURE'))
LOG = '~/.skytop/nodes/*/home/.skytop/jobs/%d/log'


class LogBed(Bed):
    def clean(self, nodes=None):
        """What is left on machines is looked at elsewhere."""


def spool(h, name):
    for folder, _, files in os.walk(h.dir + '/state/logs'):
        if name in files:
            return open(os.path.join(folder, name), 'rb').read()


def dropped_connections(h):
    h.need()
    node = h.nodes[0]
    h.launch('-d', 'i=0; while [ ! -e ~/enough ]; do i=$((i+1)); echo "line $i of many, with some text behind it to make it longer"; [ $((i % 50)) != 0 ] || '
             'sleep 0.03; done; printf "the end"', name='k')
    out = open(h.dir + '/out', 'wb')
    reader = subprocess.Popen([os.environ['SKYTOP'], 'logs', 'k'], env=h.env, stdout=out, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    rng = random.Random(3)
    for n in range(50 if TORTURE else 4):
        had = len(spool(h, '1.log') or b'')
        h.wait('more of the log', lambda: len(spool(h, '1.log') or b'') > had)
        time.sleep((5 if TORTURE else 0) + rng.random() * 0.3)  # one that held for 5 s is made again at once
        node.drop_connections()
    if not h.farm.plain:
        node.cut()
        time.sleep(60 if TORTURE else 2)
        node.heal()
        had = len(spool(h, '1.log'))
        h.wait('more of the log', lambda: len(spool(h, '1.log')) > had, 180)
    node.run('for d in ~/.skytop/nodes/*/home; do touch $d/enough; done')
    _, err = reader.communicate(timeout=90)
    want = node.run('cat ' + LOG % 1).encode()
    assert reader.returncode == 0 and want.endswith(b'the end'), (reader.returncode, err)
    assert spool(h, '1.log') == want and open(h.dir + '/out', 'rb').read() == want
    h.ok('down', '-y', 'k')
    assert h.run('logs', 'k', '--tail', '1')[1] == 'the end'


engine_test.main([
    ('connections that die lose no line and double none', dropped_connections, {}),
], LogBed)
