#!/usr/bin/env python3
"""Real price lists, imported, against a plain loop over their lines: every price, size and place. They lie beside the checkout
(or in $SKYTOP_SHARED) and are no part of it; without them the test is skipped."""
import csv, os, shutil, sqlite3, subprocess, sys, tarfile, tempfile

SKYTOP = os.environ['SKYTOP']
shared = os.environ.get('SKYTOP_SHARED') or os.path.join(os.environ.get('top_srcdir', '.'), '..', 'shared')
count = failed = 0


def ok(name, problems):
    global count, failed
    count += 1
    print('%sok %d - %s' % ('not ' if problems else '', count, name))
    for line in problems[:10]:
        print('# %s' % line)
    failed += bool(problems)


def micro(text):
    text = (text or '').strip()
    if text in ('', 'nan', 'NaN'):
        return None
    whole, _, part = text.partition('.') if 'e' not in text.lower() else ('%.9f' % float(text)).partition('.')
    v = int(whole or 0) * 1000000 + int((part + '000000')[:6])
    return v + (1 if len(part) > 6 and part[6] >= '5' else 0)


def lower(a, b):
    return b if a is None else a if b is None else min(a, b)


def expected(path, cloud):
    """(type, accelerator count, region, zone, vcpus, memory) → (price, spot), as a plain reading of the file has it."""
    zones = {}
    folder = os.path.dirname(path)
    for name in sorted(os.listdir(folder)):
        if name.startswith('az_mappings'):
            zones = {r['AvailabilityZone']: r['AvailabilityZoneName'] for r in csv.DictReader(open(os.path.join(folder, name)))}
    out = {}
    for r in csv.DictReader(open(path, newline='', encoding='utf-8')):
        if not r['InstanceType']:
            continue
        accel = r['AcceleratorName']
        memory = micro(r['MemoryGiB'])
        key = (r['InstanceType'], micro(r['AcceleratorCount']) if accel else 0, r['Region'],
               zones.get(r.get('AvailabilityZone') or '', r.get('AvailabilityZone') or ''), micro(r['vCPUs']),
               None if memory is None else (memory * 1024 + 500000) // 1000000)
        price, spot = micro(r['Price']) or None, micro(r['SpotPrice']) or None
        old = out.get(key)
        if old:
            price, spot = lower(old[0], price), lower(old[1], spot)
        out[key] = (price, spot)
    return out


QUERY = '''SELECT t.instance_type, t.accel_count_micro, p.region, p.zone, o.price_uusd_h, o.spot_uusd_h, t.vcpus_micro, t.mem_mib, t.accelerator
    FROM offer o JOIN type t ON t.id = o.type JOIN place p ON p.id = o.place WHERE t.cloud = ? AND o.gone_at_ms IS NULL'''
GPU_FAMILIES = ('a2-', 'a3-', 'a4-', 'g2-', 'g4-')


def compare(db, path, cloud):
    want, problems, seen = expected(path, cloud), [], set()
    attached = 0
    for t, n, region, zone, price, spot, vcpus, mem, accel in db.execute(QUERY, (cloud,)):
        key = (t, n, region, zone, vcpus, mem)
        if cloud == 'gcp' and key not in want:
            attached += 1       # an accelerator and its machine: checked below
            continue
        seen.add(key)
        if want.get(key) != (price, spot):
            problems.append('%s: want %s, got %s' % (key, want.get(key), (price, spot)))
    for key in want:
        if key not in seen and not (cloud == 'gcp' and key[0].startswith(GPU_FAMILIES) and key[1] == 0):
            problems.append('%s is missing' % (key,))
    return problems, len(seen), attached


def sums(db, path):
    """Every accelerator of Google's that was attached costs what it and its machine cost."""
    hosts, accels, problems = {}, {}, []
    for r in csv.DictReader(open(path, newline='', encoding='utf-8')):
        place = (r['Region'], r['AvailabilityZone'])
        if not r['InstanceType']:
            accels[(r['AcceleratorName'], micro(r['AcceleratorCount'])) + place] = (micro(r['Price']), micro(r['SpotPrice']))
        elif not r['AcceleratorName']:
            hosts[(r['InstanceType'],) + place] = (micro(r['Price']), micro(r['SpotPrice']))
    n = 0
    for t, k, region, zone, price, spot, vcpus, mem, accel in db.execute(QUERY, ('gcp',)):
        a = accels.get((accel, k, region, zone))
        if a is None:
            continue
        h = (0, 0) if t == 'TPU-VM' else hosts.get((t, region, zone))
        if h is None:
            continue
        n += 1
        want = tuple(x + y if x is not None and y is not None and (y or t == 'TPU-VM' or i == 0) and x else None
                     for i, (x, y) in enumerate(zip(a, h)))
        if (price, spot) != want:
            problems.append('%s with %d µ %s in %s: want %s, got %s' % (t, k, accel, zone, want, (price, spot)))
    return problems, n


def run(home, *args):
    return subprocess.run([SKYTOP] + list(args), env=dict(os.environ, SKYTOP_HOME=home), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)


def try_lists(tmp, name, folder, at_least):
    home = os.path.join(tmp, name)
    p = run(home, 'catalog', 'import', folder)
    ok('%s: imported' % name, [] if p.returncode == 0 else [p.stderr.decode()])
    db = sqlite3.connect('file:%s/cache/catalog.db?mode=ro' % home, uri=True)
    total = 0
    for cloud in sorted(os.listdir(folder)):
        path = os.path.join(folder, cloud, 'vms.csv')
        if not os.path.exists(path):
            continue
        problems, n, attached = compare(db, path, cloud)
        total += n + attached
        ok('%s: %s, %d offers as they stand' % (name, cloud, n), problems)
        if cloud == 'gcp':
            problems, n = sums(db, path)
            ok('%s: gcp, %d sums' % (name, n), problems if n or problems else ['none at all'])
    ok('%s: nothing was left out' % name, [] if total >= at_least else ['%d offers' % total])
    problems = [str(r) for r in db.execute('PRAGMA integrity_check') if r != ('ok',)]
    ok('%s: the database is sound' % name, problems)
    db.close()


def main():
    catalog = os.path.join(shared, 'catalog')
    recorded = os.path.join(shared, 'conformance', 'catalog_v8.tar.gz')
    if not os.path.isdir(catalog) or not os.path.exists(recorded):
        print('1..0 # SKIP no price lists in %s' % shared)
        return
    tmp = tempfile.mkdtemp(prefix='skytop-lists-')
    try:
        with tarfile.open(recorded) as t:
            t.extractall(tmp + '/recorded')
        try_lists(tmp, 'recorded', tmp + '/recorded/v8', 40000)
        big = tmp + '/big'
        for cloud in sorted(os.listdir(catalog)):
            if os.path.exists('%s/%s/vms.csv' % (catalog, cloud)):
                os.makedirs('%s/%s' % (big, cloud))
                shutil.copy('%s/%s/vms.csv' % (catalog, cloud), '%s/%s/vms.csv' % (big, cloud))
        try_lists(tmp, 'collected', big, 136000)
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    print('1..%d' % count)


main()
sys.exit(1 if failed else 0)
