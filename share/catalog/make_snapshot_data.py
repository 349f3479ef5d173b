#!/usr/bin/env python3
"""Make the price data that come with skytop (share/catalog/*.prices) from collected public figures.

usage: make_snapshot_data.py SHARED [OUT]

SHARED holds catalog/licensed/{aws,azure,gcp}/vms.csv, catalog/spot_advisor.csv, catalog/egress.csv and
reference/neocloud_offers.csv; OUT is this file's folder. Not part of the build: it is run by hand when the
figures are collected anew, and what it writes is kept in the repository. What is in the figures and what
is not is said in README.md beside this file.

Only facts are taken over: who sells what, where, at what price, according to whom, on which day.
"""
import csv, os, re, sys
from collections import OrderedDict, defaultdict

WIDTH = 150

# CPU machines that people use; everything with an accelerator is taken as well.
AWS_FAMILIES = set('''t3 t3a t4g m5 m6i m6id m6a m6g m7i m7i-flex m7a m7g m8g c5 c6i c6id c6a c6g c7i c7a c7g c8g
    r5 r6i r6id r6a r6g r7i r7a r7g r8g i4i x2idn'''.split())
GCP_FAMILIES = set('e2 n1 n2 n2d n4 c3 c4 c4a t2d t2a m3'.split())
AZURE_SIZES = re.compile(r'Standard_(B\d+ms|B\d+s_v2|D\d+(s|as|ds|ads|ps)_v5|D\d+(s|as|ps)_v6|E\d+(s|as|ds|ads)_v5|E\d+s_v6|'
                         r'F\d+s_v2|F\d+as_v6|L\d+s_v3|(NC|ND|NV|NG|NP|NCC)\d+.*)$')

# What the tables of reference/ call a cloud, and what skytop and SkyPilot call it.
CLOUD_NAMES = {'digitalocean': 'do'}

# Left out: prices in another currency, auction floors, and figures that stand for no cloud.
LEFT_OUT = {
    'seeweb': 'euro prices', 'scaleway': 'euro prices', 'ovhcloud': 'currency not stated',
    'mithril': 'auction floors', 'provider': 'no cloud',
}
# An older table, taken only for clouds that no newer source has.
OLD_TABLE = 'the-full-stack/website'


def number(text):
    """Shortest decimal with at most six places; '' for nothing."""
    text = str(text).strip()
    if text in ('', 'nan', 'NaN'):
        return ''
    s = '%.6f' % float(text)
    return s.rstrip('0').rstrip('.')


def escape(text):
    return ''.join('%%%02X' % b if chr(b) in ' \t,:=/~%+' or b < 33 else chr(b) if b < 127 else '%%%02X' % b
                   for b in text.encode('utf-8'))


class Prices:
    """One cloud: sources → types → places at a price."""

    def __init__(self, cloud, zone_join):
        self.cloud, self.zone_join = cloud, zone_join
        self.sources = OrderedDict()    # (name, date, flags) → types → (price, spot, reclaim) → region → zones

    def add(self, source, machine, region, zone, price, spot, reclaim=''):
        types = self.sources.setdefault(source, OrderedDict())
        prices = types.setdefault(machine, OrderedDict())
        zones = prices.setdefault((price, spot, reclaim), OrderedDict()).setdefault(region, [])
        if zone and zone not in zones:
            zones.append(zone)

    def zone_suffix(self, region, zone):
        join = {'+': '', '-': '-'}.get(self.zone_join)
        if join is None:
            return escape(zone)
        assert zone.startswith(region + join) and len(zone) == len(region + join) + 1, (region, zone)
        return zone[-1]

    def entries(self, prices):
        for (price, spot, reclaim), regions in prices.items():
            places = []
            for region, zones in regions.items():
                suffixes = sorted(self.zone_suffix(region, z) for z in zones)
                places.append(escape(region) + (':' + ('' if self.zone_join in '+-' else '+').join(suffixes) if zones else ''))
            yield ','.join(places) + '=' + price + ('/' + spot if spot else '') + ('~' + reclaim if reclaim else '')

    def write(self, out):
        out.write('cloud\t%s\t%s\n' % (self.cloud, self.zone_join))
        for (name, date, flags), types in self.sources.items():
            out.write(('source\t%s\t%s\t%s' % (name, date, flags)).rstrip('\t') + '\n')
            for machine, prices in types.items():
                out.write('type\t%s\n' % '\t'.join(machine).rstrip('\t'))
                line = ''
                for e in self.entries(prices):
                    if line and len(line) + len(e) > WIDTH:
                        out.write(line + '\n')
                        line = ''
                    line += '\t' + e
                out.write(line + '\n')


def gpu_memory(info):
    m = re.search(r"'SizeInMiB': (\d+)", info)
    return number(int(m.group(1)) / 1024) if m else ''


def machine_of(row):
    """instance, accelerator, count, GiB of one accelerator, vCPUs, GiB."""
    accel = row['AcceleratorName']
    return (row['InstanceType'], accel, number(row['AcceleratorCount']) if accel else '',
            gpu_memory(row['GpuInfo']) if accel else '', number(row['vCPUs']), number(row['MemoryGiB']))


def read(path):
    with open(path, newline='', encoding='utf-8') as f:
        return list(csv.DictReader(f))


def reclaim_table(shared):
    """(region, type) → upper end of the band of reclaims a month in percent; 100: more than 20."""
    upper = {'0': '5', '1': '10', '2': '15', '3': '20', '4': '100'}
    return {(r['Region'], r['InstanceType']): upper[r['InterruptionBand']]
            for r in read(shared + '/catalog/spot_advisor.csv') if r['OS'] == 'Linux'}


def aws(shared):
    reclaim = reclaim_table(shared)
    p = Prices('aws', '+')
    newer = ('AWS price list (by karpenter-provider-aws); spot: estimate from Spot Advisor of 2025-06-28', '2026-07-20',
             'spot-estimated')
    older = ('AWS price list (by aws-price-watcher, ec2.shop); spot: estimate from Spot Advisor of 2025-06-28', '2025-06-13',
             'spot-estimated')
    for r in read(shared + '/catalog/licensed/aws/vms.csv'):
        t, region = r['InstanceType'], r['Region']
        if not r['AcceleratorName'] and t.split('.')[0] not in AWS_FAMILIES:
            continue
        fresh = (region == 'us-east-1' and '.metal' not in t) or region.startswith('us-gov-')
        p.add(newer if fresh else older, machine_of(r), region, r['AvailabilityZone'], number(r['Price']), number(r['SpotPrice']),
              reclaim.get((region, t), '') if r['SpotPrice'] else '')
    return p


def azure(shared):
    p = Prices('azure', '+')
    source = ('Azure retail prices (by karpenter-provider-azure)', '2026-06-18', '')
    for r in read(shared + '/catalog/licensed/azure/vms.csv'):
        if not r['AcceleratorName'] and not AZURE_SIZES.match(r['InstanceType']):
            continue
        p.add(source, machine_of(r), r['Region'], '', number(r['Price']), number(r['SpotPrice']))
    return p


def gcp(shared):
    p = Prices('gcp', '-')
    machines = ('GCP price list (by google-cloud-pricing-cost-calculator)', '2026-07-30', '')
    tpus = ('GCP price list, TPUs (by gpuhunt)', '2024-12-23', '')
    attached = ('GCP price list, GPUs for N1 (by kubernetes/autoscaler)', '2026-06-22', '')
    for r in read(shared + '/catalog/licensed/gcp/vms.csv'):
        t = r['InstanceType']
        if t and not r['AcceleratorName'] and t.split('-')[0] not in GCP_FAMILIES:
            continue
        if t == 'f1-micro' or t == 'g1-small':
            continue
        source = machines if t else tpus if r['AcceleratorName'].startswith('tpu-') else attached
        p.add(source, machine_of(r), r['Region'], r['AvailabilityZone'], number(r['Price']), number(r['SpotPrice']))
    return p


def date_of(as_of):
    """(date, flags): the day, or the year's first day where only the year is known."""
    m = re.search(r'(20\d\d-\d\d-\d\d)', as_of)
    if m:
        return m.group(1), ''
    m = re.match(r'(20\d\d)-(\d\d)\b', as_of)
    if m:
        return m.group(1) + '-' + m.group(2) + '-01', ''
    year = '2025-01-01' if re.match(r'v[67] ', as_of) else '2026-01-01'
    return year, 'date-unknown'


def source_of(row):
    """A name for people, with what they must know about the price."""
    s, a = row['source'], row['as_of']
    date, flags = date_of(a)
    m = re.search(r'vendor page https?://(?:www\.)?([^/)]+)', s)
    if m:
        who = m.group(1) + ' (by gpu-pricing)'
    elif s.startswith('skypilot-org/skypilot-catalog'):
        who = 'SkyPilot catalog ' + re.search(r'catalogs/(v\d)', s).group(1)
    elif s.startswith('skypilot-org/skypilot PR'):
        who = 'billing API (SkyPilot PR 9829)'
    elif s.startswith('anycloud-sh/catalog'):
        who = 'anycloud catalog'
    elif s.startswith('dstackai/gpuhunt'):
        who = 'gpuhunt'
    elif s.startswith('PrimeIntellect-ai'):
        who = 'Prime CLI test data'
    elif s.startswith(OLD_TABLE):
        who = 'The Full Stack cloud GPU table'
    else:
        who = 'published price list, second-hand'
    caveats = []
    for word, text in (('billed separately', 'GPU alone'), ('compute only', 'without storage and IPv4'), ('GPU rate only', 'GPU alone'),
                       ('statistic over offers', 'statistic over offers'), ('marketplace prices', 'marketplace'),
                       ('tier=marketplace', 'marketplace'), ('tier=community', 'community cloud'), ('cheapest live offer', 'cheapest offer of the day'),
                       ('broker offer', 'broker'), ('aggregator', 'broker')):
        if word in a and text not in caveats:
            caveats.append(text)
    return (who + (': ' + ', '.join(caveats) if caveats else ''), date, flags)


def first_number(text):
    m = re.match(r'\d+(\.\d+)?', text)
    return number(m.group(0)) if m else ''


# SkyPilot names these after the board only on RunPod.
PLAIN_NAMES = {'H100-SXM': 'H100', 'A100-80GB-SXM': 'A100-80GB'}


def neoclouds(shared):
    rows = [r for r in read(shared + '/reference/neocloud_offers.csv')
            if r['provider'] not in LEFT_OUT and r['provider'] not in ('aws', 'azure', 'gcp')]
    lambda_regions = sorted({r['Region'] for r in read(shared + '/catalog/lambda/vms.csv')})
    newer = {r['provider'] for r in rows if not r['source'].startswith(OLD_TABLE)}
    clouds, seen, seen_gpus = OrderedDict(), set(), {}
    for r in sorted(rows, key=lambda r: (r['provider'], rank(r))):
        if r['source'].startswith(OLD_TABLE) and r['provider'] in newer:
            continue
        cloud = CLOUD_NAMES.get(r['provider'], r['provider'])
        accel = r['accelerator'] if cloud == 'runpod' else PLAIN_NAMES.get(r['accelerator'], r['accelerator'])
        count = number(r['count']) if accel else ''
        named = r['instance_type'] and not r['source'].startswith('tardellirs') and r['instance_type'] != 'rate-card-per-gpu'
        instance = r['instance_type'].split(' (')[0] if named else '%sx_%s' % (count, accel)
        tier = re.search(r'tier=([a-z-]+)', r['as_of'])
        if tier and tier.group(1) in ('community', 'secure', 'prototyping', 'production', 'marketplace'):
            instance += '_' + tier.group(1).upper()
        machine = (instance, accel, count, number(r['gpu_mem_gib']) if accel else '', first_number(r['vcpus']),
                   first_number(r['memory_gib']))
        price, spot = number(r['price']), number(r['spot_price'])
        if price == '0':
            price = ''
        if spot in ('0', price):
            spot = ''
        if not price and not spot:
            continue
        regions = lambda_regions if cloud == 'lambda' and r['region'] in ('*', '') else ['' if r['region'] == '*' else r['region']]
        for region in regions:
            # Better sources stand first: the same offer from a worse one is not wanted, nor the same GPU without the name
            # of its machine, or from years before. A marketplace's list has many machines of one description.
            key = (cloud, machine[:3], region, r['zone'], bool(price), bool(spot))
            gpu = (cloud, accel, count, rank(r))
            if (key in seen and r['provider'] not in ('vast', 'lium')) or covered(gpu, seen_gpus, named):
                continue
            seen.add(key)
            seen_gpus.setdefault(gpu[:3], set()).add((gpu[3], bool(named)))
            clouds.setdefault(cloud, Prices(cloud, '=')).add(source_of(r), machine, region, r['zone'], price, spot)
    return clouds


def covered(gpu, seen_gpus, named):
    better = {n for rank_, n in seen_gpus.get(gpu[:3], ()) if rank_ < gpu[3]}
    return bool(better) and (gpu[3] >= STALE_RANK or (not named and True in better))


# From here on: lists of versions that are not kept up any more.
STALE_RANK = 8


def rank(r):
    order = ['skypilot-org/skypilot PR', 'PrimeIntellect', 'dstackai/gpuhunt', 'find_string', 'third-party', 'anycloud-sh',
             'skypilot-org/skypilot-catalog catalogs/v8', 'tardellirs', 'skypilot-org/skypilot-catalog', OLD_TABLE]
    for i, prefix in enumerate(order):
        if r['source'].startswith(prefix):
            return i
    return len(order)


HEAD = '''skytop-prices 1
# Made by make_snapshot_data.py; README.md says what each line means. Prices are dollars an hour, Linux, shared machines.
'''


def write(path, prices):
    with open(path, 'w', encoding='utf-8', newline='\n') as out:
        out.write(HEAD)
        for p in prices:
            p.write(out)
    print('%-20s %8d bytes' % (os.path.basename(path), os.path.getsize(path)))


def egress(shared, path):
    groups = OrderedDict()      # source → (cloud, src, from, to, price) → destinations
    for r in read(shared + '/catalog/egress.csv'):
        key = (r['Cloud'], r['SrcRegion'], r['TierFromGB'], r['TierToGB'] or '-', number(r['PricePerGB']))
        groups.setdefault((r['Source'], r['Date']), OrderedDict()).setdefault(key, []).append(r['Dst'])
    with open(path, 'w', encoding='utf-8', newline='\n') as out:
        out.write(HEAD)
        for (name, date), lines in groups.items():
            out.write('source\t%s\t%s\n' % (name, date))
            for (cloud, src, low, high, price), dsts in lines.items():
                out.write('egress\t%s\t%s\t%s\t%s\t%s\t%s\n' % (cloud, src, low, high, price, ' '.join(sorted(dsts))))
    print('%-20s %8d bytes' % (os.path.basename(path), os.path.getsize(path)))


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    shared = sys.argv[1]
    out = sys.argv[2] if len(sys.argv) == 3 else os.path.dirname(os.path.abspath(__file__))
    write(out + '/aws.prices', [aws(shared)])
    write(out + '/azure.prices', [azure(shared)])
    write(out + '/gcp.prices', [gcp(shared)])
    write(out + '/neoclouds.prices', neoclouds(shared).values())
    egress(shared, out + '/egress.prices')


main()
