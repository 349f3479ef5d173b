#!/usr/bin/env python3
"""What a cloud refuses to end: it is seen, counted and tried again for as long as it takes, and no other place is tried meanwhile. TAP."""
import os, signal, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cloud import Refused, main, offer  # noqa

PLACES = [offer('r1', 'r1-a', price=1000000), offer('r2', 'r2-a', price=1200000)]


def half(home):
    """The second of two nodes is refused, and the first cannot be ended."""
    def check(body):
        if body['node']['rank'] == 1:
            raise Refused('capacity', message='no more of them')
    home.cloud.refuse = [check]


def launch_half(home, held):
    half(home)
    home.cloud.held = held
    rc, out, err = home.launch('-d', '--num-nodes', '2')
    assert rc != 0 and 'no more of them' in err and 'not to be ended' in err and 'skytop down x' in err and '--purge x' in err, (rc, err)
    assert [n['zone'] for n in home.cloud.nodes.values()] == ['r1-a'], home.cloud.nodes  # no other place was tried
    return err


def left_request(home):
    rs = [r for r in home.json('requests') if r['verb'] == 'down' and r['why'] == 'left']
    assert len(rs) <= 1, rs
    return rs[0] if rs else None


def refused_for_ever(home):
    err = launch_half(home, (403, 'credentials'))
    c = home.wait('its reason', lambda: [c for c in home.json('status') if 'could not be ended' in (c['reason'] or '')])[0]
    assert c['status'] == 'INIT' and 'skytop down x' in c['reason'] and 'trying again' in c['progress'], c
    failed = [r for r in home.json('requests', '--all') if r['verb'] == 'launch'][0]
    out = home.ok('requests', str(failed['id']))
    assert 'not to be ended' in out and '\x1b[5m' not in out, out  # what a cloud says does nothing to a terminal
    # Money: the machine that is there is counted, though no create ever answered for it.
    first = home.json('status')[0]['cost_uusd']
    home.wait('more cost', lambda: (home.json('status')[0]['cost_uusd'] or 0) > (first or 0))
    found = home.json('sweep', 'akash')['machines']
    assert [(m['kind'], m['cluster'], m['adoptable']) for m in found] == [('ending', 'x', False)], found
    assert 'could not be ended' in home.ok('sweep', 'akash', env={'COLUMNS': '200'}), found
    told = [e for e in home.json('events') if e['kind'] == 'cluster.left']
    assert len(told) == 1 and told[0]['level'] == 'error' and '--purge x' in told[0]['text'], told
    # Nothing can be done with it but ending it.
    for words in (['launch', '-y', '-d', '-c', 'x', '--infra', 'akash', '--gpus', 'H100:1'], ['start', '-y', 'x'], ['stop', '-y', 'x']):
        rc, out, err = home.run(*words)
        assert rc == 1 and 'is being ended' in err, (words, rc, err)
    # The engine dies, and goes on with it.
    left = left_request(home)
    for pid in home.engine_pids():
        os.kill(pid, signal.SIGKILL)
    home.wait('the same request', lambda: (left_request(home) or {}).get('id') == left['id'])
    # A person's down fails as well, says so, and hands it back; two of them, too.
    n = len(home.cloud.wants('POST /terminate'))
    for p in [home.start('down', '-y', 'x') for _ in range(2)]:
        out, err = p.communicate(timeout=60)
        assert p.returncode == 4 and b'not to be ended' in err, (p.returncode, err)
    assert len(home.cloud.wants('POST /terminate')) > n + 1
    again = home.wait('another request', lambda: left_request(home))
    assert again['id'] > left['id'], (left, again)
    # It is cancelled: nobody else would end the machine.
    home.ask('cancel', id=again['id'])
    assert home.wait('one more', lambda: left_request(home))['id'] > again['id']
    # Mended: it goes by itself, or at once when asked for.
    home.cloud.held = None
    assert home.run('down', '-y', 'x')[0] == 0
    assert home.json('status') == [] and not home.cloud.alive() and left_request(home) is None


def by_itself(home):
    launch_half(home, (409, 'conflict'))
    home.cloud.held = None
    home.wait('its end', lambda: home.json('status') == [], 40)
    assert not home.cloud.alive()
    done = [r for r in home.json('requests', '--all') if r['verb'] == 'down']
    assert [r['state'] for r in done] == ['SUCCEEDED'], done


def ended_by_hand(home):
    launch_half(home, (409, 'conflict'))
    home.wait('a pause of more than a moment', lambda: 'trying again in 20s' in (home.json('status')[0]['progress'] or ''), 40)
    home.cloud.held = None
    rc, out, err = home.run('sweep', 'akash', '--destroy', '-y')
    assert rc == 0 and 'could not end here' in err, (rc, out, err)
    home.wait('its end', lambda: home.json('status') == [], 10)
    assert not home.cloud.alive()


def forgotten(home):
    launch_half(home, (500, 'failed'))
    rc, out, err = home.run('down', '-y', '--purge', 'x')
    assert rc == 0 and home.json('status') == [] and left_request(home) is None, (rc, out, err)
    found = home.json('sweep', 'akash')['machines']
    assert len(found) == 1 and found[0]['cluster'] == 'x', found  # still there, and shown as what nobody knows
    home.cloud.held = None
    home.ok('sweep', 'akash', '--destroy', '-y')
    assert not home.cloud.alive()


def late_and_refused(home):
    """A machine comes after its attempt was given up, and the cloud does not end it at first."""
    seen = []

    def check(body):
        seen.append(body)
        raise Refused('capacity', message='none')
    home.cloud.refuse = [check]
    assert home.launch('-d')[0] == 3
    home.cloud.refuse, home.cloud.held = [], (409, 'conflict')
    home.cloud._make(seen[0])
    told = home.wait('the refusal', lambda: [e for e in home.json('events') if e['kind'] == 'node.late' and e['level'] == 'error'])
    assert 'tried again' in told[0]['text'], told
    assert [m['kind'] for m in home.json('sweep', 'akash')['machines']] == ['late']
    home.cloud.held = None
    home.wait('its end', lambda: not home.cloud.alive(), 40)


main([(f.__name__.replace('_', ' '), f, {'offers': PLACES}) for f in (refused_for_ever, by_itself, ended_by_hand, forgotten, late_and_refused)], side_by_side=5)
