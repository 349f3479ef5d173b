#!/usr/bin/env python3
"""A cluster's life (launch, exec, stop, start, down) on the simulated cloud, in which one call to the cloud goes wrong: the first, then the
second, and so on until no call is left, in every way in which calls go wrong. Commands may fail; but nothing may be lost track of: what the
cloud has is what `skytop status` shows, `down` ends it all, and no node, process, or open bill is left. TAP. SKYTOP_TORTURE=1 tries every way
at every call, otherwise some at some.
"""
import json, os, sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'run'))
from engine_test import Home  # noqa

CLOUD = '''version: 1
boot_ms: 20
stop_ms: 20
terminate_ms: 20
regions: [{name: east, zones: [east-a, east-b]}]
types: [{name: small, vcpus: 8, mem_gib: 32, price: 0.30, spot: 0.10}]
'''
WAYS = [
    'error: network', 'lost_reply: true', 'crash: true', 'crash: true, lost_reply: true', 'error: capacity', 'error: throttled', 'error: timeout',
    'error: quota', 'error: credentials', 'error: conflict', 'error: not_found', 'error: failed', 'lost_reply: true, error: timeout',
    'after_nodes: 1, error: capacity', 'after_nodes: 1, crash: true', 'hang_ms: 700', 'error: network, times: 5, every: 1',
]


def nodes(h):
    d = h.dir + '/state/sim/nodes'
    return sorted(os.listdir(d)) if os.path.isdir(d) else []


def life(h):
    """Returns what the commands said; each may have failed."""
    said = []
    for args in (['launch', '-y', '-c', 'k', '--infra', 'sim', '--num-nodes', '2', 'echo one >> "$HOME/ran"'], ['exec', 'k', 'echo two >> "$HOME/ran"'],
                 ['stop', '-y', 'k'], ['start', 'k'], ['down', '-y', 'k']):
        rc, out, err = h.run(*args)
        said.append('%s: %d %s' % (args[0], rc, err[-300:] if rc else ''))
    return said


def calm(h):
    h.wait('requests to end', lambda: not h.json('requests'), 60)


def check(h, said):
    calm(h)
    seen = h.json('status', '-r')
    have = nodes(h)
    assert seen or not have, 'nodes that status does not show: %s' % have
    for _ in range(3):  # what one failure spoilt may be mended by asking again
        for c in h.json('status'):
            h.run('down', '-y', c['name'])
        calm(h)
    assert h.json('status') == [], 'a cluster that does not go: %s' % h.json('status')
    assert not nodes(h), 'nodes are left: %s' % nodes(h)
    assert all(not r['running'] for r in h.json('cost')['clusters']), 'a bill is open: %s' % h.json('cost')
    assert not [p for p in h.processes() if marked(p)], 'processes of nodes are left'


def marked(pid):
    try:
        return b'SKYTOP_NODE_ID=sim-' in open('/proc/%d/environ' % pid, 'rb').read()
    except OSError:
        return False


def calls(h):
    return sum(json.load(open(h.dir + '/state/sim/sim.json'))['calls'].values())


def trial(n, way):
    """The n-th call goes wrong (0: none). Returns why it failed, or None, and the number of calls."""
    rule = '' if not n else 'failures: [{verb: "*", %s%s}]\n' % (way, '' if 'every' in way else ', nth: %d' % n)
    h = Home(sim=CLOUD + rule)
    why, count, said = None, 0, []
    try:
        said = life(h)
        if not n:
            assert all(' 0 ' in s for s in said), said
        count = calls(h)
        check(h, said)
    except Exception as e:  # noqa: that is the failure
        why = '%s\n%s' % (e, '\n'.join(said))
    try:
        h.close()
    except Exception as e:  # noqa
        why = why or str(e)
    return why, count


def main():
    why, count = trial(0, '')
    every = os.environ.get('SKYTOP_TORTURE') == '1'
    if every:
        plan = [(n, way) for n in range(1, count + 1) for way in WAYS]
    else:  # every sixth way, each at another call, and what is most easily lost track of
        plan = [(1 + i * (count - 1) // len(WAYS[::6]), way) for i, way in enumerate(WAYS[::6])] + [(n, WAYS[1]) for n in range(3, count + 1, 12)]
    print('1..%d' % (1 + len(plan)))
    print('%sok 1 - a life of %d calls in which nothing goes wrong' % ('not ' if why else '', count))
    bad = [why] if why else []
    if why:
        print('# ' + why.replace('\n', '\n# '))
    with ThreadPoolExecutor(int(os.environ.get('SKYTOP_TORTURE_JOBS', '4'))) as pool:
        for i, ((n, way), (why, _)) in enumerate(zip(plan, pool.map(lambda p: trial(*p), plan)), 2):
            print('%sok %d - call %d: %s' % ('not ' if why else '', i, n, way))
            if why:
                bad.append(why)
                print('# ' + why.replace('\n', '\n# '))
            sys.stdout.flush()
    sys.exit(1 if bad else 0)


main()
