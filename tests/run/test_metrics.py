#!/usr/bin/env python3
"""Metrics: measures of a head and of a worker, figures of what was stored, a restart that keeps them, and a file that is damaged."""
import os, re, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from engine_test import main  # noqa

MEASURES = {'gpu', 'gpu-mem', 'cpu', 'mem', 'disk', 'net'}


def figures(answer):
    return {f['name']: f for f in answer['figures']}


def nothing_yet(h):
    r = h.json('metrics')
    f = figures(r)
    assert r['nodes'] == [] and r['measure'] == 'gpu' and r['step_ms'] == 5000, r
    assert len(f) >= 15 and all(x['title'] and x['unit'] and x['explain'].endswith('.') for x in f.values()), f
    assert f['clusters_up']['value'] == 0 and f['jobs_ended']['value'] == 0, f
    for name in ('job_success', 'queue_wait_p50', 'launch_p95', 'recoveries', 'gpu_use', 'silence_max'):
        assert f[name]['value'] is None, (name, f[name])  # unknown is not 0
    assert f['engine_rss']['value'] > 100000 and f['state_bytes']['value'] > 0, f
    rc, out, err = h.run('metrics')
    assert rc == 0 and 'no nodes' in err and 'job success' in out, (out, err)
    assert 'nope' in h.refused(1, 'metrics', 'nope')
    h.refused(2, 'metrics', '--measure', 'tea')


def what_they_mean(h):
    told = h.json('metrics', '--explain')
    assert {m['name'] for m in told['measures']} == MEASURES, told
    assert [(f['name'], f['explain']) for f in told['figures']] == [(f['name'], f['explain']) for f in h.json('metrics')['figures']]
    assert 'queue_wait_p95' in h.ok('metrics', '--explain')


def of_a_cluster(h):
    h.ok('launch', '-y', '-c', 'k', '--infra', 'local', 'true')
    h.run('exec', 'k', 'false')
    h.run('launch', '-y', '-c', 'x', '--infra', 'local', '--gpus', 'B200:64', 'true')

    def heard():
        n = h.json('metrics', 'k', '--measure', 'mem')['nodes'][0]
        return n if n['now']['mem'] is not None else None
    n = h.wait('a status', heard, 30)
    assert n['cluster'] == 'k' and n['rank'] == 0 and set(n['now']) == MEASURES and n['heard_at'], n
    assert 0 < n['now']['mem'] <= 100 and 0 < n['now']['disk'] <= 100, n
    # What goes over the network is known from the second status on, where there is a way out of this machine at all.
    outside = [line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]]
    if [i for i in outside if not re.match('lo$|veth|docker|br-|virbr', i)]:
        n = h.wait('the network', lambda: next((n for n in h.json('metrics', 'k')['nodes'] if n['now']['net'] is not None), None), 30)
        assert 0 <= n['now']['net'] <= 100, n
    n = h.json('metrics', 'k', '--measure', 'mem')['nodes'][0]
    assert len(n['series']) == 120 and n['series'][0] is None and any(v is not None for v in n['series'][-3:]), n['series'][-5:]
    f = figures(h.json('metrics'))
    assert f['clusters_up']['value'] == 1 and f['nodes_up']['value'] == 1, f
    text = h.ok('metrics')
    assert 'HEARD' in text and 'queue wait, median' in text, text
    # Another engine: what was known is known still, and figures come from what is stored.
    h.ok('engine', 'stop')
    path = h.dir + '/state/metrics.rings'
    assert os.path.getsize(path) > 1000
    n = h.json('metrics', 'k', '--measure', 'mem', '--span', '6h')['nodes'][0]
    assert len(n['series']) == 360 and any(v is not None for v in n['series'][-3:]), n['series'][-5:]
    f = figures(h.json('metrics'))
    assert f['jobs_ended']['value'] == 2 and f['job_success']['value'] == 50.0, (f['jobs_ended'], f['job_success'])
    assert f['launch_p50']['value'] > 0 and f['launch_p50']['by_provider'] == {'local': f['launch_p50']['value']}, f['launch_p50']
    assert f['queue_wait_p50']['value'] is not None and f['job_time_p50']['value'] is not None
    assert f['log_bytes']['value'] >= 0 and f['requests_open']['value'] == 0
    # Damaged: put aside, and begun anew.
    h.ok('engine', 'stop')
    with open(path, 'r+b') as file:
        file.seek(700)
        file.write(b'\xff\xfe')
    n = h.json('metrics', 'k', '--measure', 'mem', '--span', '7d')['nodes'][0]
    assert len(n['series']) in (0, 672) and all(v is None for v in n['series'][:-1]), n
    assert os.path.exists(path + '.damaged')


def of_a_worker(h):
    h.ok('launch', '-y', '-d', '-c', 'w', '--infra', 'local', '--num-nodes', '2', 'true')

    def heard():
        n = h.json('metrics', 'w', '--measure', 'cpu')['nodes']
        return len(n) == 2 and n[1]['now']['cpu'] is not None
    h.wait('the status of a worker', heard, 60)
    # Gone, it stays to be seen for what it did, over another engine too, and counts for nothing.
    h.ok('down', '-y', 'w')

    def gone(span):
        return [n['rank'] for n in h.json('metrics', 'w', '--measure', 'cpu', '--span', span)['nodes'] if n['status'] == 'GONE' and n['now']['cpu'] is None]
    h.wait('its past', lambda: gone('10m') == [0, 1], 20)
    h.ok('engine', 'stop')
    h.wait('its past after a restart', lambda: gone('7d') == [0, 1], 20)
    f = figures(h.json('metrics'))
    assert f['nodes_up']['value'] == 0 and f['gpus']['value'] == 0, f


main([
    ('nothing yet', nothing_yet, {}),
    ('what they mean', what_they_mean, {}),
    ('of a cluster, over restarts', of_a_cluster, {}),
    ('of a worker', of_a_worker, {}),
])
