#!/usr/bin/env python3
"""The life of a cluster on a cloud over HTTP, while each request in turn fails, is dropped, is answered too late, or is done and its reply lost;
and while the engine is killed after each commit. Whatever happens: exactly the wanted machines exist, and none other. TAP.
SKYTOP_TORTURE=1 tries all of it, otherwise some."""
import os, sys, time
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cloud import FAKE, Home, offer  # noqa

OFFERS = [offer('r1', 'r1-a', price=1000000), offer('r2', 'r2-a', price=1200000)]
TORTURE = bool(os.environ.get('SKYTOP_TORTURE'))


def settle(home):
    """All requests have ended; the engine may be dying, or coming back."""
    end = time.time() + 90
    while time.time() < end:
        rc, out, err = home.run('requests', '--json')
        if rc == 0 and out.strip() == '[]':
            return
        time.sleep(0.05)
    raise AssertionError('requests do not end: %d %s %s' % (rc, out, err))


def seen(home, verb):
    for _ in range(100):
        try:
            return [r for r in home.json('requests', '--all') if r['verb'] == verb]
        except AssertionError:
            time.sleep(0.1)
    raise AssertionError('the engine does not answer')


def ask(home, verb, *args):
    """Give an order until it is accepted; how it ended."""
    for _ in range(6):
        before = len(seen(home, verb))
        said = home.run(verb, *args)
        settle(home)
        now = seen(home, verb)
        if len(now) > before:
            return max(now, key=lambda r: r['id'])
    raise AssertionError('%s is not accepted: %r' % (verb, said))


def states(home):
    return [(c['name'], c['status']) for c in home.json('status')]


def wanted(home, status):
    """The cluster is so, and its two machines are; none other is."""
    has = home.cloud.alive()
    assert [(n, s) for n, _, s in has] == [('k', status)] * 2 and [r for _, r, _ in has] == [0, 1], 'machines: %r' % has


def life(home):
    for _ in range(4):
        r = ask(home, 'launch', '-y', '-d', '-c', 'k', '--gpus', 'H100:1', '--infra', 'akash', '--num-nodes', '2')
        if r['state'] == 'SUCCEEDED':
            break
        if states(home):  # it could not be cleaned: said, kept, and taken down by hand
            ask(home, 'down', '-y', 'k')
        assert home.cloud.alive() == [], 'after a launch that failed (%s): %r' % (r['error'], home.cloud.alive())
    assert states(home) == [('k', 'UP')], states(home)
    wanted(home, 'RUNNING')
    for verb, status, machines in (('stop', 'STOPPED', 'STOPPED'), ('start', 'UP', 'RUNNING')):
        for _ in range(15):  # as long as the stretch lasts
            if ask(home, verb, '-y', 'k')['state'] == 'SUCCEEDED':
                break
        assert states(home) == [('k', status)], states(home)
        wanted(home, machines)
    for _ in range(15):
        # A down whose answers were all lost may have done it; then the cloud, when it is asked, says that nothing is left.
        if not states(home) or ask(home, 'down', '-y', 'k')['state'] == 'SUCCEEDED':
            break
    assert states(home) == [], states(home)
    assert home.cloud.alive() == [], home.cloud.alive()
    assert all(not row['running'] for row in home.json('cost')['clusters'])


def one(name, faults=None, crash=None):
    home = Home(OFFERS)
    why = None
    home.cloud.faults = faults or {}
    try:
        if crash:
            home.run('engine', '--crash-at-commit', str(crash), '--idle-exit-ms', '60000')
        life(home)
    except Exception as e:  # noqa: the case fails, and says why
        log = home.dir + '/state/engine.log'
        why = '%s: %s\n%s\n%s' % (type(e).__name__, e, '\n'.join(home.cloud.log), open(log).read()[-2000:] if os.path.exists(log) else '')
    count = home.cloud.count
    try:
        home.close()
    except Exception as e:  # noqa
        why = why or str(e)
    return name, why, count


def tell(i, name, why):
    print('%sok %d - %s' % ('not ' if why else '', i, name))
    if why:
        print('\n'.join('# ' + line for line in why.split('\n')))
    sys.stdout.flush()


def main():
    if not os.path.exists(FAKE):
        print('1..0 # SKIP there is no ' + FAKE)
        return
    name, why, count = one('nothing happens')
    kinds = ('error', 'busy', 'drop', 'lost', 'hang')
    todo = [('request %d: %s' % (n, k), {n: k}, None) for n in range(1, count + 1) for k in kinds]
    # a stretch of them: more than any retry gets over (errors that are final are met a request at a time, and waited out between clean-ups)
    todo += [('requests %d to %d: %s' % (n, n + len_, k), dict.fromkeys(range(n, n + len_ + 1), k), None)
             for n in range(2, count + 1) for k, len_ in (('drop', 30), ('lost', 30), ('error', 5))]
    if not TORTURE:
        some = [(i * 13) % len(todo) for i in range(3)]
        todo = [todo[i] for i in sorted(set(some))]
    todo += [('killed after commit %d' % n, None, n) for n in (range(1, 70) if TORTURE else (12, 32))]
    print('1..%d' % (1 + len(todo)))
    tell(1, name, why)
    with ThreadPoolExecutor(int(os.environ.get('SKYTOP_TEST_JOBS', '3'))) as pool:
        for i, r in enumerate(pool.map(lambda t: one(*t), todo), 2):
            tell(i, r[0], r[1])


main()
