#!/usr/bin/env python3
"""AWS's public price list into the catalog, for whoever has no keys: a small server has its index and files, in their real form (some columns, lines
about the file, quotes, terms, markets). What is fetched, what is not fetched again, what stays, and what a broken connection costs. TAP."""
import csv, http.server, io, json, os, re, shutil, sqlite3, subprocess, sys, tempfile, threading

SKYTOP = os.environ['SKYTOP']
HEAD = '''"FormatVersion","v1.0"
"Disclaimer","This pricing list is for informational purposes only. All prices are subject to the additional terms included in the pricing pages on http://aws.amazon.com."
"Publication Date","2025-09-12T22:53:08Z"
"Version","20250912225308"
"OfferCode","AmazonEC2"
'''
COLUMNS = ('SKU,OfferTermCode,RateCode,TermType,PriceDescription,EffectiveDate,StartingRange,EndingRange,Unit,PricePerUnit,Currency,RelatedTo,LeaseContractLength,'
           'PurchaseOption,OfferingClass,Product Family,serviceCode,Location,Location Type,Instance Type,Current Generation,Instance Family,vCPU,Physical Processor,'
           'Clock Speed,Memory,Storage,Network Performance,Processor Architecture,Storage Media,Volume Type,Max Volume Size,Max IOPS/volume,'
           'Max IOPS Burst Performance,Max throughput/volume,Provisioned,Tenancy,EBS Optimized,Operating System,License Model,Group,Group Description,Transfer Type,'
           'From Location,From Location Type,To Location,To Location Type,usageType,operation,AvailabilityZone,CapacityStatus,ClassicNetworkingSupport,'
           'Dedicated EBS Throughput,ECU,Elastic Graphics Type,Enhanced Networking Supported,From Region Code,GPU,GPU Memory,Instance,Instance Capacity - 10xlarge,'
           'instanceSKU,Intel AVX2 Available,Intel AVX Available,Intel Turbo Available,MarketOption,Normalization Size Factor,Physical Cores,Pre Installed S/W,'
           'Processor Features,Product Type,Region Code,Resource Type,serviceName,SnapshotArchiveFeeType,To Region Code,Volume API Name,VPCNetworkingSupport').split(',')
BASE = {'TermType': 'OnDemand', 'Unit': 'Hrs', 'Currency': 'USD', 'Tenancy': 'Shared', 'Operating System': 'Linux', 'Pre Installed S/W': 'NA', 'CapacityStatus': 'Used',
        'MarketOption': 'OnDemand', 'Product Family': 'Compute Instance', 'serviceCode': 'AmazonEC2', 'Location': 'US East (N. Virginia)', 'Current Generation': 'Yes',
        'PriceDescription': '$0.10 per On Demand Linux "shared" instance, an hour', 'SKU': '2223B6PCG6QAUYY6', 'OfferTermCode': 'JRTCKXETXF', 'RateCode': 'X.Y.Z'}


def line(instance, price, vcpus=4, memory='16 GiB', gpus='', **more):
    row = dict(BASE, **{'Instance Type': instance, 'PricePerUnit': '%.10f' % price, 'vCPU': str(vcpus), 'Memory': memory, 'GPU': gpus})
    row.update({k.replace('_', ' '): v for k, v in more.items()})
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator='\n').writerow([row.get(c, '') for c in COLUMNS])
    return out.getvalue().replace(',""', ',')


def file(*lines):
    return (HEAD + ','.join('"%s"' % c for c in COLUMNS) + '\n' + ''.join(lines)).encode()


# What has to be passed over: other terms, systems, tenancies, software, capacity, markets, and what costs nothing.
NOISE = [line('g6.xlarge', 0.001, **{'TermType': 'Reserved'}), line('g6.xlarge', 0.002, Operating_System='Windows'), line('g6.xlarge', 0.003, Tenancy='Dedicated'),
         line('g6.xlarge', 0.004, CapacityStatus='UnusedCapacityReservation'), line('g6.xlarge', 0.005, MarketOption='CapacityBlock'), line('g6.xlarge', 0),
         line('g6.xlarge', 0.006, **{'Pre Installed S/W': 'SQL Web'}), line('g6.xlarge', 0.007, Unit='Quantity'), line('g6.xlarge', 0.008, Currency='CNY'),
         line('', 0.12, **{'Product Family': 'Storage'})]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_GET(self):
        s = self.server
        kind = re.match(r'/offers/v1.0/aws/AmazonEC2/(\w+)/(?:([\w-]+)/)?(region_index.json|index.csv)$', self.path)
        body = b''
        if kind and kind[3] == 'region_index.json':
            body = json.dumps({'formatVersion': 'v1.0', 'publicationDate': '2025-09-12T22:53:08Z', 'regions': {
                r: {'regionCode': r, 'currentVersionUrl': '/offers/v1.0/aws/AmazonEC2/%s/%s/index.json' % (v, r)} for r, v in s.versions.items()}}).encode()
        elif kind and s.versions.get(kind[2]) == kind[1]:
            body = s.files[kind[2]]
        asked = re.match(r'bytes=(\d+)-(\d+)$', self.headers.get('Range', ''))
        s.asked.append((kind[2] if kind else self.path, asked and int(asked[1])))
        part = body[int(asked[1]):int(asked[2]) + 1] if asked else body
        self.send_response(404 if not body else 206 if asked else 200)
        if asked and body:
            self.send_header('Content-Range', 'bytes %s-%d/%d' % (asked[1], int(asked[1]) + len(part) - 1, len(body)))
        self.send_header('Content-Length', str(len(part)))
        self.end_headers()
        if kind and kind[2] in s.hang:
            s.hang[kind[2]].wait(30)
            self.close_connection = True
            return
        if kind and s.cut.pop(kind[2], None):
            self.wfile.write(part[:len(part) * 2 // 3])
            self.close_connection = True
            return
        self.wfile.write(part)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.versions, self.files, self.asked, self.cut, self.hang = {}, {}, [], {}, {}
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def took(self):
        out, self.asked = [a for a in self.asked if a[0]], []
        return out


class Case:
    def __init__(self, server):
        self.dir, self.server = tempfile.mkdtemp(prefix='skytop-prices-'), server
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('AWS_')}
        self.env.update(SKYTOP_HOME=self.dir, HOME=self.dir + '/user', AWS_ENDPOINT_URL='http://127.0.0.1:%d' % server.server_address[1], AWS_EC2_METADATA_DISABLED='true')
        os.makedirs(self.dir + '/user')

    def run(self, *args):
        # 64 MB for all that it allocates
        p = subprocess.run(['sh', '-c', 'ulimit -d 65536; exec "$@"', 'sh', SKYTOP, *args], env=self.env, capture_output=True, text=True, timeout=120)
        return p.returncode, p.stdout, p.stderr

    def update(self, *args):
        rc, out, err = self.run('catalog', 'update', '--live', '--json', *args)
        return rc, json.loads(out) if out else None, err

    def rows(self, where):
        """{(type, region, zone): (price, spot)} of the catalog."""
        rc, path, _ = self.run('catalog', 'path')
        db = sqlite3.connect('file:%s?mode=ro' % path.strip(), uri=True)
        found = db.execute('SELECT t.instance_type, p.region, p.zone, o.price_uusd_h, o.spot_uusd_h FROM offer o JOIN type t ON o.type = t.id JOIN place p ON'
                           " o.place = p.id WHERE t.cloud = 'aws' AND o.gone_at_ms IS NULL AND " + where).fetchall()
        db.close()
        return {r[:3]: r[3:] for r in found}


count = failed = 0


def ok(name, good, about=''):
    global count, failed
    count += 1
    failed += not good
    print('%sok %d - %s' % ('' if good else 'not ', count, name))
    if not good:
        print('\n'.join('# ' + str(part) for part in str(about).splitlines()))
    sys.stdout.flush()


def main():
    server = Server()
    c = Case(server)
    c.run('offers', '--json', 'L4')  # the catalog is made from the prices that came with the program
    before = c.rows('1')
    east = {k: v for k, v in before.items() if k[1] == 'us-east-1'}
    l4 = {k: v for k, v in east.items() if k[0] == 'g6.xlarge'}
    assert l4 and any(v[1] for v in l4.values())

    def listed(region, *lines):
        """All that the catalog has there, at its prices, but for these."""
        other = {csv.reader([text]).__next__()[COLUMNS.index('Instance Type')] for text in lines}
        return file(*NOISE, *[line(t, v / 1e6) for t, v in {k[0]: v[0] for k, v in before.items() if k[1] == region and v[0]}.items() if t not in other], *lines)
    server.versions = {'us-east-1': '20250912225308', 'us-west-2': '20250912225308', 'us-east-1-wl1-chi1': '20250912225308'}
    server.files = {'us-east-1': listed('us-east-1', line('m6i.large', 0), line('g6.xlarge', 0.7777, gpus='1'), line('m7i.large', 0.11, 2, '8 GiB'), line('p5.48xlarge', 44.5, 192, '2,048 GiB', '8'),
                                      line('g6e.new', 9, 8, '64 GiB', '3'), line('m7i.3xlarge', 0.6, 12, '48 GiB'), line('zz9.large', 1), line('g99.large', 1, gpus='1')),
                    'us-west-2': listed('us-west-2', line('g6.xlarge', 0.8888, gpus='1'))[:-1]}

    rc, report, err = c.update('aws')
    took = server.took()
    now = c.rows('1')
    ok('both regions are fetched, and what is no region is not', rc == 0 and [a[0] for a in took] == ['us-east-1', 'us-west-2'], (rc, report, err, took))
    ok('prices on demand are new in every zone, and spot prices are what they were',
       {k: v for k, v in now.items() if k[:2] == ('g6.xlarge', 'us-east-1')} == {k: (777700, v[1]) for k, v in l4.items()}, now)
    ok('a last line without an end counts', {v[0] for k, v in now.items() if k[:2] == ('g6.xlarge', 'us-west-2')} == {888800})
    elsewhere = {k: v for k, v in before.items() if k[1] not in ('us-east-1', 'us-west-2')}
    ok('other regions are as they were', elsewhere == {k: v for k, v in now.items() if k[1] not in ('us-east-1', 'us-west-2')} and len(elsewhere) > 1000)
    ok('what is no longer sold on demand there is gone', not [k for k in now if k[:2] == ('m6i.large', 'us-east-1')] and [k for k in before if k[:2] == ('m6i.large', 'us-east-1')])
    ok('new machines with accelerators, and sizes of families that are known, are there without a zone',
       now.get(('g6e.new', 'us-east-1', '')) == (9000000, None) and now.get(('m7i.3xlarge', 'us-east-1', '')) == (600000, None))
    ok('other families, and accelerators that nobody knows, are not', not [k for k in now if k[0] in ('zz9.large', 'g99.large')])
    rc, out, err = c.run('offers', '--json', '--all', 'L40S', '--infra', 'aws/us-east-1')
    shape = [o for o in json.loads(out)['offers'] if o['instance_type'] == 'g6e.new'] if rc == 0 else []
    ok('with what they are', shape and shape[0]['accelerator_count'] == 3 and shape[0]['memory_gib'] == 64, (rc, out[:900], err))

    rc, report, err = c.update('aws')
    ok('nothing new: no file is fetched', rc == 0 and report['clouds'][0]['unchanged'] and not server.took() and c.rows('1') == now, (rc, report, err))
    server.versions['us-west-2'] = '20251001000000'
    server.files['us-west-2'] = listed('us-west-2', line('g6.xlarge', 0.9, gpus='1'))
    server.cut['us-west-2'] = True
    rc, report, err = c.update('aws')
    took = server.took()
    ok('a new version of one region: that file alone, and from the last line on when the connection breaks',
       rc == 0 and [a[0] for a in took] == ['us-west-2'] * 2 and took[0][1] == 0 and took[1][1] > 10000 and
       {v[0] for k, v in c.rows('1').items() if k[:2] == ('g6.xlarge', 'us-west-2')} == {900000}, (rc, report, err, took))

    server.versions.update({'us-east-1': '20251101000000', 'us-west-2': '20251101000000'})
    server.files.update({'us-east-1': b'<html>no list</html>' * 50, 'us-west-2': listed('us-west-2', line('g6.xlarge', 0.95, gpus='1'))})
    rc, report, err = c.update('aws')
    server.took()
    now = c.rows("t.instance_type = 'g6.xlarge'")
    ok('a region that cannot be read keeps its prices and is named; the other one is taken', rc == 1 and 'us-east-1/index.csv has no column' in err and
       {v[0] for k, v in now.items() if k[1] == 'us-east-1'} == {777700} and {v[0] for k, v in now.items() if k[1] == 'us-west-2'} == {950000}, (rc, report, err, now))
    rc, report, err = c.update('aws')
    ok('and is asked for again the next time', [a[0] for a in server.took()] == ['us-east-1'])
    server.files['us-east-1'] = file(line('g6.xlarge', 0.5, gpus='1'))
    rc, report, err = c.update('aws')
    now = c.rows("p.region = 'us-east-1'")
    ok('a list that is suddenly short ends no offers', rc == 1 and 'us-east-1: only 1 types where there were' in err and len(now) > 500 and
       {v[0] for k, v in now.items() if k[0] == 'g6.xlarge'} == {777700}, (rc, report, err, len(now)))
    rc, report, err = c.update('--force', 'aws')
    ok('unless it is to', rc == 0 and len(c.rows("p.region = 'us-east-1'")) < 10, (rc, report, err))
    server.took()

    # Large: several ranges, and memory that does not grow with it.
    big = line('c7i.large', 0.1, 2, '4 GiB', TermType='Reserved', usageType='y' * 2000)
    server.versions['us-east-1'] = '20251201000000'
    server.files['us-east-1'] = file(*[big] * (70 * 1024 * 1024 // len(big)), line('g6.xlarge', 0.51, gpus='1'))
    rc, report, err = c.update('aws')
    took = server.took()
    ok('a file of 70 MB comes in three ranges, with less than 64 MB of memory', rc == 0 and len(took) == 3 and
       {v[0] for k, v in c.rows("t.instance_type = 'g6.xlarge'").items() if k[1] == 'us-east-1'} == {510000}, (rc, report, err, took))

    # No time left: what came whole counts, and the rest is asked for the next time.
    server.versions.update({'us-east-1': '20260101000000', 'us-west-2': '20260101000000'})
    server.files.update({r: listed(r, line('g6.xlarge', 0.61, gpus='1')) for r in ('us-east-1', 'us-west-2')})
    server.hang['us-west-2'] = threading.Event()
    rc, report, err = c.update('--timeout', '2', 'aws')
    server.hang.pop('us-west-2').set()
    now = c.rows("t.instance_type = 'g6.xlarge'")
    ok('out of time: regions that came whole are taken, the rest is said to be missing', rc == 1 and 'not all of its offers came in time' in err and
       {v[0] for k, v in now.items() if k[1] == 'us-east-1'} == {610000} and {v[0] for k, v in now.items() if k[1] == 'us-west-2'} == {950000}, (rc, report, err, now))
    server.took()
    rc, report, err = c.update('aws')
    ok('and comes the next time, alone', rc == 0 and [a[0] for a in server.took()] == ['us-west-2'], (rc, report, err))

    server.shutdown()
    server.server_close()
    rc, report, err = c.update('aws')
    ok('nobody there: nothing changes, and it is said', rc == 1 and "AWS's public price list" in err, (rc, report, err))
    shutil.rmtree(c.dir)
    print('1..%d' % count)
    sys.exit(1 if failed else 0)


main()
