#!/usr/bin/env python3
"""Where a launch goes when a place refuses it: how far each refusal reaches, that nothing is left of an attempt when the next one begins, what
ends a launch, and rounds without end. TAP."""
import os, signal, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cloud import Refused, main, offer  # noqa

PLACES = [offer('r1', 'r1-a', price=1000000), offer('r1', 'r1-b', price=1100000), offer('r2', 'r2-a', price=1200000), offer('r2', 'r2-b', price=1300000)]
MORE = PLACES + [offer('r1', 'r1-a', 'gpu2', price=1250000)]


def refuse(home, **zones):
    """zones: r1_a=('capacity', 'place')… What is asked for there is refused so; and while anything of an earlier attempt is there, the test fails."""
    home.asked, home.overlaps = [], []

    def check(body):
        where = body['zone'] or body['region']
        if not home.asked or home.asked[-1] != (where, body['instance_type']):
            home.overlaps += [n['zone'] for n in home.cloud.nodes.values() if n['status'] != 'TERMINATED' and n['zone'] != body['zone']]
            home.asked.append((where, body['instance_type']))
        how = zones.get(where.replace('-', '_'))
        if how and body['node']['rank'] == how[2] if how and len(how) > 2 else how:
            raise Refused(how[0], how[1], message='no %s today' % where)
    home.cloud.refuse = [check]


def tried(home):
    assert not home.overlaps, home.overlaps
    return [w for w, _ in home.asked]


def attempts(home):
    return [(e['data']['where'], e['data']['code'], e['data']['scope']) for e in home.json('events') if e['kind'] == 'provision.failed']


def the_next_zone(home):
    refuse(home, r1_a=('capacity', 'place'))
    rc, out, err = home.launch('--', 'echo there')
    assert rc == 0 and 'there' in out, (out, err)
    assert tried(home) == ['r1-a', 'r1-b'], home.asked
    assert 'r1-a' in err and 'no r1-a today' in err, err  # told live
    assert attempts(home) == [('akash r1-a gpu1', 'capacity', 'place')], attempts(home)
    # the next launch knows; another machine type is not blocked
    refuse(home)
    assert home.launch('-d', name='y')[0] == 0
    assert tried(home) == ['r1-b'], home.asked


def a_whole_region(home):
    refuse(home, r1_a=('quota', 'region'))
    rc, out, err = home.launch('-d')
    assert rc == 0, err
    assert tried(home) == ['r2-a'] or tried(home) == ['r1-a', 'r2-a'], home.asked
    assert [w for w in home.asked][-1] == ('r2-a', 'gpu1'), home.asked


def a_region_for_every_machine(home):
    refuse(home, r1_a=('unsupported', 'region_all'), r2_a=('capacity', 'region'))
    rc, out, err = home.launch('-d')
    assert rc == 3, (rc, err)
    assert tried(home) == ['r1-a', 'r2-a'], home.asked  # neither r1-b nor gpu2 in r1-a
    assert 'no r1-a today' in err and 'no r2-a today' in err, err


def a_region_for_this_machine(home):
    refuse(home, r1_a=('capacity', 'region'), r2_a=('capacity', 'region'))
    home.cloud.refuse.append(lambda b: None)
    rc, out, err = home.launch('-d')
    assert home.asked[:3] == [('r1-a', 'gpu1'), ('r2-a', 'gpu1'), ('r1-a', 'gpu2')], home.asked


def the_account(home):
    refuse(home, r1_a=('credentials', 'place'))
    rc, out, err = home.launch('-d')
    assert rc == 4, (rc, err)
    assert tried(home) == ['r1-a'], home.asked
    # it was mended: nothing is remembered against it
    refuse(home)
    assert home.launch('-d')[0] == 0
    assert tried(home) == ['r1-a']


def the_task(home):
    refuse(home, r1_a=('capacity', 'task'))
    rc, out, err = home.launch('-d', '--retry-until-up')
    assert rc == 3 and 'no r1-a today' in err, (rc, err)
    assert tried(home) == ['r1-a'], home.asked
    refuse(home, r1_a=('invalid', 'place'), r1_b=('invalid', 'place'))
    rc, out, err = home.launch('-d', name='z')
    assert rc == 2 and tried(home) in (['r1-b'], ['r1-a']), (rc, err, home.asked)
    assert home.json('status') == []


def half_of_it(home):
    """Two nodes, the second refused: the first is ended before the next place is tried."""
    refuse(home, r1_a=('capacity', 'place', 1), r1_b=('capacity', 'place', 1))
    rc, out, err = home.launch('-d', '--num-nodes', '2')
    assert rc == 0, err
    assert tried(home) == ['r1-a', 'r1-b', 'r2-a'], home.asked
    assert home.cloud.made == 4 and len(home.cloud.alive()) == 2, home.cloud.nodes


def gone_before_it_was_up(home):
    refuse(home)

    def dies(n):
        n['status'] = 'PENDING'
        n['reach'] = None
        if n['zone'] == 'r1-a':
            n.update(status='TERMINATED', reason='ZONE_RESOURCE_POOL_EXHAUSTED')
        else:
            home.cloud._boot(n)
            n['status'] = 'RUNNING'
    home.cloud.on_create = dies
    rc, out, err = home.launch('-d')
    assert rc == 0 and 'ZONE_RESOURCE_POOL_EXHAUSTED' in err, err
    assert tried(home) == ['r1-a', 'r1-b']


def until_it_is_up(home):
    """All refuse; some seconds later one does not."""
    refuse(home, r1_a=('capacity', 'place'), r1_b=('capacity', 'place'), r2_a=('capacity', 'place'), r2_b=('capacity', 'place'))
    p = home.start('launch', '-y', '-d', '-c', 'x', '--gpus', 'H100:1', '--infra', 'akash', '--retry-until-up')
    home.wait('the end of the first round', lambda: any(e['kind'] == 'launch.retry' for e in home.json('events')))
    first = tried(home)
    assert first == ['r1-a', 'r1-b', 'r2-a', 'r2-b'], first
    refuse(home, r1_a=('capacity', 'place'))
    for pid in home.engine_pids():
        os.kill(pid, signal.SIGKILL)  # another goes on with it, and who waits goes on waiting
    out, err = p.communicate(timeout=60)
    assert p.returncode == 0, err
    assert tried(home) == ['r1-a', 'r1-b'], home.asked  # from the start, whatever was refused
    # What was held against a place is over when machines were had there.
    assert home.json('launch', '--dryrun', '--gpus', 'H100:1', '--infra', 'akash')['plan'][0]['zone'] == 'r1-b'


def all_failed_lately(home):
    """Where there is nothing else, what failed for others is tried again rather than refused unseen."""
    refuse(home, r1_a=('capacity', 'place'), r1_b=('capacity', 'place'), r2_a=('capacity', 'place'), r2_b=('capacity', 'place'))
    assert home.launch('-d')[0] == 3
    refuse(home, r1_a=('capacity', 'place'))
    rc, out, err = home.launch('-d')
    assert rc == 0 and 'have failed lately: tried again' in err, (rc, err)
    assert tried(home) == ['r1-a', 'r1-b'], home.asked


def no_quota(home):
    """Places without room are told and not tried; one whose quota is not known is."""
    rooms = {'r1': 0, 'r2': None}
    home.cloud.quota = lambda c: {'room': rooms[c['region']], 'name': 'GPUS', 'limit': 4, 'used': 4 if rooms[c['region']] == 0 else None}
    refuse(home)
    rc, out, err = home.launch('-d')
    assert rc == 0, err
    table = [line.split() for line in err.split('\n') if 'gpu1' in line and 'CPU' not in line]
    assert [(w[-2:] == ['no', 'quota']) for w in table[:2]] == [True, False], err  # dearer ones come after it
    assert 'no quota: GPUS, limit 4, used 4; nor 1 more place of this kind' in err, err
    assert tried(home) == ['r2-a'], home.asked
    told = [e for e in home.json('events') if e['kind'] == 'launch.no_quota']
    assert [e['text'] for e in told] == ['no quota: akash gpu1 r1: GPUS, limit 4, used 4; not tried'] and told[0]['data']['limit'] == 4, told
    asked = home.cloud.wants('POST /quota')
    assert asked and {c['region'] for c in asked[0]['candidates']} == {'r1', 'r2'}, asked
    # A dry run asks nobody: what is known will do, with its age.
    n = len(home.cloud.wants('POST /quota'))
    plan = home.json('launch', '--dryrun', '--gpus', 'H100:1', '--infra', 'akash')
    marks = [(c['zone'], (c.get('no_quota') or {}).get('used')) for c in plan['candidates'][0]]
    assert marks == [('r1-a', 4), ('r1-b', 4), ('r2-a', None), ('r2-b', None)] and plan['plan'][0]['zone'] == 'r2-a', plan
    rows = [(c['zone'], c['chosen'], c.get('more')) for c in plan['summary'][0]]
    assert rows == [('r1-a', False, 1), ('r2-a', True, None)], rows
    assert len(home.cloud.wants('POST /quota')) == n
    # as many nodes as there is room for
    rooms.update(r1=1, r2=1)
    rc, out, err = home.launch('-d', '--num-nodes', '2', name='y')
    assert rc == 3 and 'no quota for what fits: akash gpu1 r1: GPUS, limit 4' in err and 'of the fake cloud at its desk' in err, (rc, err)
    assert home.launch('-d', name='z')[0] == 0
    assert home.asked[-1] == ('r1-a', 'gpu1'), home.asked
    # a cloud that says nothing holds nothing up
    home.cloud.quota = None
    home.ok('down', '-y', 'z')
    assert home.launch('-d', name='w')[0] == 0


def a_cap_for_spot(home):
    refuse(home)
    with open(home.dir + '/t.yaml', 'w') as f:
        f.write('resources: {infra: akash, accelerators: H100, use_spot: true, max_hourly_cost: 0.8}\n')
    assert home.run('launch', '-y', '-d', '-c', 'x', home.dir + '/t.yaml')[0] == 0
    sent = home.cloud.wants('POST /nodes')[0]
    assert sent['use_spot'] and sent['spot_cap_uusd_h'] == 800000 and sent['max_price_uusd_h'] is None, sent


main([(f.__name__.replace('_', ' '), f, {'offers': MORE if f in (a_region_for_every_machine, a_region_for_this_machine) else PLACES})
      for f in (the_next_zone, a_whole_region, a_region_for_every_machine, a_region_for_this_machine, the_account, the_task, half_of_it,
                gone_before_it_was_up, until_it_is_up, all_failed_lately, no_quota, a_cap_for_spot)], side_by_side=3)
