#!/usr/bin/env python3
"""Money: what cost and spend say of a ledger that is given a past, budgets that warn and refuse, and that simulated money is kept apart."""
import os, sys
try:
    import sqlite3
except ImportError:
    sqlite3 = None
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import Skip, main  # noqa

SIM = '''version: 1
seed: 1
boot_ms: 50
regions:
  - {name: east, zones: [east-a]}
types:
  - {name: small, vcpus: 8, mem_gib: 32, price: 0.30, spot: 0.10}
'''
HOUR = 3600 * 1000


def launch(h, name, *more):
    h.ok('launch', '-y', '-d', '-c', name, '--infra', 'sim', *more, 'true')


def rewrite(h, sql, *args):
    """The past is written into the ledger while no engine looks."""
    if not sqlite3:
        raise Skip('this Python has no sqlite3')
    h.ok('engine', 'stop')
    db = sqlite3.connect(h.dir + '/state/state.db')
    db.execute(sql, args)
    db.commit()
    db.close()


def the_figures_of_a_past(h):
    launch(h, 'k')
    h.ok('autostop', 'k', '--cancel')
    rewrite(h, 'UPDATE ledger SET started_at = started_at - ?', 10 * HOUR * 1000)
    r = h.json('cost')
    s, c = r['spend'], r['clusters'][0]
    assert r['simulated'] and s['simulated'] and c['simulated'], r
    assert s['now_uusd_h'] == 300000 and c['now_uusd_h'] == 300000, s
    assert abs(c['cost_uusd'] - 3000000) < 30000, c  # ten hours at 30 cents
    assert c['running'] and c['name'] == 'k' and c['num_nodes'] == 1, c
    # The month is at least today, and no more than all of it; the projection goes on from there at the present rate.
    assert 0 < s['today_uusd'] <= s['month_uusd'] <= c['cost_uusd'] + 1000, s
    p = s['projection']
    left = (p['ends_at'] - r['at']) / HOUR
    assert abs(p['uusd'] - s['month_uusd'] - 300000 * left) < 1000, (p, left)
    assert p['low_uusd'] <= p['uusd'] <= p['high_uusd'] and 'present rate' in p['method'], p
    # Sums by whatever are the whole; hours before the ledger are gaps, not 0.
    for by in ('cloud', 'project', 'user'):
        assert sum(g['month_uusd'] for g in r['by'][by]) == s['month_uusd'], r['by']
    assert r['by']['cloud'][0]['name'] == 'sim'
    assert len(r['hours']) == 24 and r['hours'][0] is None and r['hours'][22] == 300000, r['hours']
    assert len(r['days']) == 30 and r['days'][0] is None
    ch = r['changes'][0]
    assert ch['why'] == 'launched' and 'launched 10 hr' in ch['text'] and abs(ch['diff_uusd'] - c['cost_uusd']) < 1000, ch
    # The same in text.
    out = h.ok('cost')
    assert 'COST/hr' in out and '(simulated)' in out and '3.00' in out, out
    err = h.run('cost')[2]
    assert 'end of the month ~$' in err and 'simulated: no money' in err, err
    assert 'sim ' in h.ok('cost', '--by', 'cloud') and 'launched' in h.ok('cost', '--changes')
    # Stopped: the disk (256 GiB) goes on costing, as an estimate.
    h.ok('stop', '-y', 'k')
    r = h.json('cost')
    c = r['clusters'][0]
    assert not c['running'] and c['stopped'] and c['disk_uusd_h'] == 28054 and c['estimated'], c
    assert r['spend']['now_uusd_h'] == 28054 and r['spend']['estimated'], r['spend']
    assert 'disk ~$0.0281/h' in h.ok('cost')
    k = h.json('status')[0]
    assert k['rate_uusd_h'] == 28054 and k['rate_estimated'] and k['total_uusd_h'] == 300000, k
    assert '~0.0281' in h.ok('status')
    assert h.json('cost', '--days', '1')['clusters'] and r['changes'][0]['why'] == 'launched'
    rewrite(h, "UPDATE ledger SET started_at = started_at - ? WHERE kind = 'disk'", 100 * HOUR * 1000)
    c, before = h.json('cost')['clusters'][0], c
    assert abs(c['disks_uusd'] - 2805400) < 3000 and c['duration_ms'] == before['duration_ms'], (before, c)  # no machine time
    assert abs(c['cost_uusd'] - before['cost_uusd'] - 2805400) < 3000, c
    # Started again, it is the machine that is paid for; and of a disk whose price nobody knows the cost is not known.
    h.ok('start', 'k')
    assert h.json('cost')['spend']['now_uusd_h'] == 300000 and h.json('cost')['clusters'][0]['running']
    h.ok('stop', '-y', 'k')
    rewrite(h, "UPDATE ledger SET price_uusd_h = NULL WHERE kind = 'disk' AND ended_at = 0")
    c = h.json('cost')['clusters'][0]
    assert c['disk_uusd_h'] is None and c['cost_uusd'] is None and c['known']['cost_uusd'] >= before['cost_uusd'], c
    assert 'what its disk costs is not known' in h.ok('cost') and '+' in h.ok('cost').split('\n')[1], h.ok('cost')
    # Its end says what it cost in all, or what is known of it.
    end = h.json('down', '-y', 'k')[0]
    assert end['cost_uusd'] is None and end['known_uusd'] >= before['cost_uusd'] and end['simulated'] and end['estimated'], end
    launch(h, 'm')
    err = h.run('down', '-y', 'm')[2]
    assert 'down m: done; it cost $0.' in err and 'in all (simulated: no money)' in err, err


def an_unknown_price_is_no_zero(h):
    launch(h, 'k')
    rewrite(h, 'UPDATE ledger SET price_uusd_h = NULL')
    r = h.json('cost')
    assert r['clusters'][0]['cost_uusd'] is None and r['spend']['now_uusd_h'] is None and r['spend']['known']['now_uusd_h'] == 0, r
    err = h.run('cost')[2]
    assert 'now $-/h, today $-' in err and 'nobody knows' in err, err


def a_budget_warns_and_refuses(h):
    assert h.json('budget') == [] and 'budget set' in h.run('budget')[2]
    h.refused(2, 'budget', 'set')
    h.refused(2, 'budget', 'set', '--', '-5')
    h.refused(2, 'budget', 'set', 'much')
    launch(h, 'k')
    # It may be the first hour of a month: this month's past is what there is of it.
    rewrite(h, 'UPDATE ledger SET price_uusd_h = 1000000000')  # $1000 an hour
    h.json('status')
    b = h.json('budget', 'set', '--simulated', '0.02', '--block')
    assert b[0]['simulated'] and b[0]['month_uusd'] == 20000 and b[0]['block'], b
    reached = lambda: [e for e in h.json('events', '-l', '200') if e['kind'] == 'budget.reached']
    last = h.wait('the budget to be used up', lambda: [e for e in reached() if e['data']['percent'] == 100])
    assert 'budget' in last[0]['text'] and last[0]['level'] == 'error' and 'launches are refused' in last[0]['text'], last
    # Each is said once.
    said = [e['data']['percent'] for e in reached()]
    assert len(said) == len(set(said)), said
    err = h.refused(5, 'launch', '-y', '-c', 'two', '--infra', 'sim', 'true')
    assert 'used up' in err and 'skytop budget set AMOUNT' in err and '--no-block' in err, err
    rows = h.json('requests', '--all')
    assert not [r for r in rows if r['cluster'] == 'two'], 'it was written down though it was refused'
    # What runs goes on, and takes jobs; what does not cost simulated money does not count.
    h.ok('exec', '-d', 'k', 'true')
    h.ok('launch', '-y', '-d', '-c', 'here', '--infra', 'local', 'true')
    h.ok('stop', '-y', 'k')
    h.refused(5, 'start', 'k')
    s = h.json('cost')['spend']
    assert s['budget_left_uusd'] == 0 and s['budget']['percent'] >= 100, s
    # It survives the engine; raised, launches pass.
    h.ok('engine', 'stop')
    h.refused(5, 'start', 'k')
    h.ok('budget', 'set', '--simulated', '1000000')
    assert h.json('budget')[0]['block']  # stays as it was
    h.ok('start', 'k')
    h.ok('budget', 'clear', '--simulated')
    assert h.json('budget') == []
    h.refused(1, 'budget', 'clear')


def simulated_money_is_kept_apart(h):
    launch(h, 'pretend')
    h.ok('launch', '-y', '-d', '-c', 'real', '--infra', 'local', 'true')
    assert h.json('cost')['simulated']  # this machine costs nothing: that is no real money
    rewrite(h, "UPDATE ledger SET price_uusd_h = 2000000 WHERE provider = 'local'")
    r = h.json('cost')
    assert not r['simulated'] and r['spend']['now_uusd_h'] == 2000000, r['spend']
    assert r['spend']['apart']['now_uusd_h'] == 300000, r['spend']
    assert [g['name'] for g in r['by']['cloud']] == ['local']
    assert {c['name']: c['simulated'] for c in r['clusters']} == {'pretend': True, 'real': False}
    assert all(c['name'] == 'real' for c in r['changes'])
    assert 'apart from that, simulated: now $0.3000/h' in h.run('cost')[2]


main([
    ('the figures of a past', the_figures_of_a_past, {'sim': SIM}),
    ('an unknown price is no zero', an_unknown_price_is_no_zero, {'sim': SIM}),
    ('a budget warns and refuses', a_budget_warns_and_refuses, {'sim': SIM}),
    ('simulated money is kept apart', simulated_money_is_kept_apart, {'sim': SIM}),
])
