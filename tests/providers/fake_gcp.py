#!/usr/bin/env python3
"""A small Google Cloud on loopback for tests: tokens, projects, zones, machine types, images, networks, firewall rules, instances with their
disks, operations that take a while, quotas, prices, paging, and all that goes wrong: stockouts, throttling, lost replies, reclaims.

    fake_gcp.py [--spec compute.json] [--port N]      prints "PORT" and serves until its stdin ends

How it is told what to do is in fake_http.py. With --spec, every request and every reply is checked against Google's own description of the API; what
does not fit is refused, and kept in state.violations."""
import base64
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_http import Refusal, World, serve  # noqa: E402

PROJECT = 'proj-1'
ZONES = ['us-central1-a', 'us-central1-b', 'us-central1-c', 'europe-west4-a', 'europe-west4-b']
TYPES = {  # name: vCPUs, MiB, accelerator, how many
    'e2-standard-4': (4, 16384, None, 0), 'e2-micro': (2, 1024, None, 0), 'n2-standard-8': (8, 32768, None, 0),
    'n1-standard-4': (4, 15360, None, 0), 'n1-standard-8': (8, 30720, None, 0), 'n1-highmem-96': (96, 638976, None, 0),
    'g2-standard-4': (4, 16384, 'nvidia-l4', 1), 'g2-standard-24': (24, 98304, 'nvidia-l4', 2),
    'a2-highgpu-1g': (12, 87040, 'nvidia-tesla-a100', 1), 'a2-highgpu-8g': (96, 696320, 'nvidia-tesla-a100', 8),
    'a2-ultragpu-1g': (12, 174080, 'nvidia-a100-80gb', 1), 'a3-highgpu-1g': (26, 239616, 'nvidia-h100-80gb', 1),
    'a3-highgpu-8g': (208, 1916928, 'nvidia-h100-80gb', 8), 'a3-ultragpu-8g': (224, 3022848, 'nvidia-h200-141gb', 8),
    'a4-highgpu-8g': (224, 4063232, 'nvidia-b200', 8), 't2a-standard-4': (4, 16384, None, 0),
}
ONLY_IN = {'a3-ultragpu-8g': ['europe-west4-b'], 'a4-highgpu-8g': ['us-central1-b'], 't2a-standard-4': ['us-central1-a', 'europe-west4-a']}
ATTACHABLE = {'nvidia-tesla-t4': 4, 'nvidia-tesla-v100': 8, 'nvidia-tesla-t4-vws': 4}
FAMILIES = ['ubuntu-os-accelerator-images/ubuntu-accelerator-2404-amd64-with-nvidia-580', 'deeplearning-platform-release/common-cu129-ubuntu-2204-nvidia-580',
            'ubuntu-os-cloud/ubuntu-2404-lts-amd64', 'ubuntu-os-cloud/ubuntu-2404-lts-arm64']
METRIC = {'nvidia-l4': 'NVIDIA_L4_GPUS', 'nvidia-tesla-a100': 'NVIDIA_A100_GPUS', 'nvidia-a100-80gb': 'NVIDIA_A100_80GB_GPUS', 'nvidia-tesla-t4': 'NVIDIA_T4_GPUS'}
NAME = re.compile(r'[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$')
LABEL = re.compile(r'[a-z0-9_-]{0,63}$')


def refusal(status, reason, message, word=None):
    error = {'code': status, 'message': message, 'errors': [{'message': message, 'domain': 'global', 'reason': reason}]}
    return Refusal(status, {'error': dict(error, status=word) if word else error})


def not_found(path):
    return refusal(404, 'notFound', f"The resource '{path}' was not found")


def stamp(t):
    return time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(t - 8 * 3600)) + '.%03d-08:00' % (t % 1 * 1000)


def unit_price(nanos):
    return {'currencyCode': 'USD', 'units': str(nanos // 10**9), 'nanos': nanos % 10**9}


def sku(description, group, usage, nanos, regions, family='Compute', unit='h'):
    return {'skuId': '%04X' % (hash(description) & 0xffff), 'description': description, 'serviceRegions': regions,
            'category': {'resourceFamily': family, 'resourceGroup': group, 'usageType': usage, 'serviceDisplayName': 'Compute Engine'},
            'pricingInfo': [{'pricingExpression': {'usageUnit': unit, 'tieredRates': [{'startUsageAmount': 0, 'unitPrice': unit_price(nanos)}]}}]}


def all_skus():
    us, eu = ['us-central1'], ['europe-west4']
    out = []
    for spot, usage, cut in (('', 'OnDemand', 1), ('Spot Preemptible ', 'Preemptible', 4)):
        for family, core, ram in (('N1 Predefined Instance', 31611000, 4237000), ('N2 Instance', 31611000, 4237000), ('E2 Instance', 21811590, 2923530),
                                  ('G2 Instance', 24988000, 2927000), ('A2 Instance', 31611000, 4237000), ('A3 Instance', 29371000, 2550000),
                                  ('A3Ultra Instance', 30000000, 2600000), ('T2A Arm Instance', 35000000, 4700000)):
            for regions in (us, eu):
                out.append(sku(f'{spot}{family} Core running in X', 'CPU', usage, core // cut, regions))
                out.append(sku(f'{spot}{family} Ram running in X', 'RAM', usage, ram // cut, regions, unit='GiBy.h'))
        for gpu, nanos in (('Nvidia L4 GPU', 560040000), ('Nvidia Tesla A100 GPU', 2933908000), ('Nvidia Tesla A100 80GB GPU', 3928000000),
                           ('Nvidia H100 80GB GPU', 9796552000), ('Nvidia H200 141GB GPU', 10000000000), ('Nvidia Tesla T4 GPU', 350000000),
                           ('Nvidia Tesla V100 GPU', 2480000000)):
            for regions in (us, eu):
                out.append(sku(f'{spot}{gpu} running in X', 'GPU', usage, nanos // cut, regions))
    # Its spot line says OnDemand, as Google's does.
    out.append(sku('A4 Nvidia B200 (1 gpu slice) running in Iowa', 'GPU', 'OnDemand', 16000000000, us))
    out.append(sku('Spot Preemptible A4 Nvidia B200 (1 gpu slice) running in Iowa', 'GPU', 'OnDemand', 8000000000, us))
    out.append(sku('SSD backed Local Storage', 'LocalSSD', 'OnDemand', 80000000, us + eu, 'Storage', 'GiBy.mo'))
    out.append(sku('SSD backed Local Storage attached to Spot Preemptible VMs', 'LocalSSD', 'Preemptible', 40000000, us + eu, 'Storage', 'GiBy.mo'))
    # All this is none of ours.
    for noise in ('Commitment v1: A2 Cpu in Iowa for 1 Year', 'A2 Instance Core running in Iowa Reserved', 'Sole Tenancy Premium for A2 Instance Core',
                  'Custom Instance Core',
                  'DWS Calendar Mode A3 Instance Core running in Iowa', 'N2 Custom Instance Core running in Iowa', 'Network Internet Egress from Iowa'):
        out.append(sku(noise, 'CPU', 'OnDemand', 1, us))
    return out


class Cloud(World):
    def fresh(self):
        self.instances, self.operations, self.firewalls, self.networks = {}, {}, {}, {}
        self.effects = {}  # operation → what happens at its end
        self.tokens, self.unreachable = {'fixed'}, set()
        self.reservations = {}  # project → zone → those in it
        self.account, self.only_robots = True, False  # has the machine one; of tokens
        self.free = []  # that machines get; made up when there are none left
        self.keys = {}  # address → authorized_keys of the real machine behind it
        self.denied = set()  # permissions
        self.stockout = set()  # "zone" or "zone/type"
        self.limits = {'GPUS_ALL_REGIONS': 64.0, 'CPUS_ALL_REGIONS': 500.0}
        self.regional = {m: 16.0 for m in METRIC.values()}
        self.regional.update({'PREEMPTIBLE_' + m: 16.0 for m in METRIC.values()})
        self.regional.update({'CPUS': 240.0, 'N2_CPUS': 100.0})
        self.add_network('default')
        for name, allowed, ranges in (('default-allow-ssh', [{'IPProtocol': 'tcp', 'ports': ['22']}], ['0.0.0.0/0']),
                                      ('default-allow-internal', [{'IPProtocol': 'all'}], ['10.128.0.0/9'])):
            self.firewalls[name] = {'kind': 'compute#firewall', 'name': name, 'network': self.url('global/networks/default'), 'direction': 'INGRESS', 'priority': 65534,
                                    'sourceRanges': ranges, 'allowed': allowed, 'disabled': False}

    @staticmethod
    def url(path, project=PROJECT):
        return f'https://www.googleapis.com/compute/v1/projects/{project}/{path}'

    def add_network(self, name):
        self.networks[name] = {'kind': 'compute#network', 'name': name, 'autoCreateSubnetworks': True, 'selfLink': self.url(f'global/networks/{name}'),
                               'subnetworks': [self.url(f'regions/{r}/subnetworks/{name}') for r in sorted({z[:-2] for z in ZONES})]}

    # --- operations
    def operation(self, kind, target, scope, effect, error=None, seconds=None):
        """Begin one; effect(error) happens at its end."""
        name = f'operation-{next(self.count)}'
        now = time.time()
        op = {'kind': 'compute#operation', 'id': str(10**18 + next(self.count)), 'name': name, 'operationType': kind, 'targetLink': self.url(target), 'status': 'RUNNING',
              'progress': 0, 'user': 'me@example.com', 'insertTime': stamp(now), 'startTime': stamp(now), 'selfLink': self.url(f'{scope}/operations/{name}')}
        if scope.startswith('zones/'):
            op['zone'] = self.url(scope)
        self.operations[name] = op
        self.effects[name] = (now + (self.op_s if seconds is None else seconds), effect, self.spoilt or error)
        return op

    def settle(self):
        now = time.time()
        for name in [n for n, (at, _, _) in self.effects.items() if at <= now]:
            _, effect, error = self.effects.pop(name)
            op = self.operations[name]
            op.update(status='DONE', progress=100, endTime=stamp(now))
            if error:
                op['error'] = {'errors': error}
                op['httpErrorStatusCode'] = 503
                op['httpErrorMessage'] = 'SERVICE UNAVAILABLE'
            effect(error)

    # --- instances
    def address(self, instance):
        if not self.free:
            return f'203.0.113.{next(self.count) % 250 + 1}'
        address = instance.get('x-address')  # one that is started again is the machine that it was
        address = self.free.pop(self.free.index(address) if address in self.free else 0)
        instance['x-address'] = address
        lines = [i['value'] for i in instance['metadata'].get('items', []) if i['key'] == 'ssh-keys']
        if address in self.keys:  # as the agent in the machine would
            with open(self.keys[address], 'w', encoding='utf-8') as f:
                f.write(''.join(line.split(':', 1)[1] + '\n' for line in lines))
        return address

    def give_back(self, instance):
        for access in instance['networkInterfaces'][0]['accessConfigs']:
            address = access.pop('natIP', None)
            if address in self.keys:
                self.free.append(address)

    def gpus(self, body, kind):
        out = {}
        if TYPES[kind][2]:
            out[TYPES[kind][2]] = TYPES[kind][3]
        for a in body.get('guestAccelerators', []):
            name = a['acceleratorType'].split('/')[-1]
            if not kind.startswith('n1-') or a['acceleratorCount'] > ATTACHABLE.get(name, 0):
                raise refusal(400, 'invalid', f'[{a["acceleratorCount"]}, 0] accelerators of type {name} cannot be attached to {kind}')
            out[name] = a['acceleratorCount']
        return out

    def usage(self, region, metric):
        n = 0
        for (zone, _), i in self.instances.items():
            spot = i['scheduling'].get('provisioningModel') == 'SPOT'
            if region and not zone.startswith(region) or i['status'] == 'TERMINATED':
                continue
            for name, count in i['x-gpus'].items():
                if metric == 'GPUS_ALL_REGIONS' or metric == ('PREEMPTIBLE_' if spot else '') + METRIC.get(name, '?'):
                    n += count
        return float(n)

    def over_quota(self, region, gpus, spot):
        for name, n in gpus.items():
            metric = ('PREEMPTIBLE_' if spot else '') + METRIC.get(name, '')
            if metric in self.regional and self.usage(region, metric) + n > self.regional[metric]:
                return f"Quota '{metric}' exceeded.  Limit: {self.regional[metric]} in region {region}."
            if self.usage(None, 'GPUS_ALL_REGIONS') + n > self.limits['GPUS_ALL_REGIONS']:
                return f"Quota 'GPUS_ALL_REGIONS' exceeded.  Limit: {self.limits['GPUS_ALL_REGIONS']} globally."
        return None

    def insert(self, zone, body):
        name, kind = body.get('name', ''), body['machineType'].split('/')[-1]
        target = f'zones/{zone}/instances/{name}'
        if not NAME.match(name):
            raise refusal(400, 'invalid', f"Invalid value for field 'resource.name': '{name}'")
        if kind not in TYPES or zone not in ONLY_IN.get(kind, ZONES):
            raise refusal(400, 'invalid', f"Invalid value for field 'resource.machineType': '{body['machineType']}'. "
                          f"Machine type with name 'machineTypes/{kind}' does not exist in zone '{zone}'.")
        for k, v in body.get('labels', {}).items():
            if not LABEL.match(k) or not LABEL.match(v) or not k[:1].isalpha():
                raise refusal(400, 'invalid', f"Invalid value for field 'labels': '{k}={v}'")
        if (zone, name) in self.instances:
            raise refusal(409, 'alreadyExists', f"The resource 'projects/{PROJECT}/{target}' already exists")
        gpus = self.gpus(body, kind)
        how = dict(body.get('scheduling', {}))
        spot = how.get('provisioningModel') == 'SPOT'
        if gpus and how.get('onHostMaintenance') != 'TERMINATE':
            raise refusal(400, 'invalid', 'Instances with guest accelerators do not support live migration.')
        if spot and how.get('automaticRestart', True):
            raise refusal(400, 'invalid', 'Automatic restart must be off for spot instances.')
        disk = body['disks'][0]
        if int(disk['initializeParams']['diskSizeGb']) < 10:
            raise refusal(400, 'invalid', 'Requested disk size cannot be smaller than the image size (10 GB)')
        network = body['networkInterfaces'][0]['network'].split('/')[-1]
        if network not in self.networks:
            raise not_found(f'projects/{PROJECT}/global/networks/{network}')
        if kind.startswith(('a3-', 'a4-')) and body['networkInterfaces'][0].get('nicType') != 'GVNIC':
            raise refusal(400, 'invalid', f'{kind} needs a network interface of type GVNIC')
        error = None
        if zone in self.stockout or f'{zone}/{kind}' in self.stockout:
            error = [{'code': 'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS',
                      'message': f"The zone 'projects/{PROJECT}/zones/{zone}' does not have enough resources available to fulfill the request."}]
        quota = self.over_quota(zone[:-2], gpus, spot)
        if quota:
            error = [{'code': 'QUOTA_EXCEEDED', 'message': quota}]
        now = stamp(time.time())
        instance = {'kind': 'compute#instance', 'id': str(10**18 + next(self.count)), 'name': name, 'zone': self.url(f'zones/{zone}'), 'status': 'PROVISIONING',
                    'machineType': self.url(f'zones/{zone}/machineTypes/{kind}'), 'labels': body.get('labels', {}), 'metadata': body.get('metadata', {}),
                    'tags': body.get('tags', {}), 'scheduling': how, 'creationTimestamp': now, 'lastStartTimestamp': now, 'selfLink': self.url(target),
                    'disks': [{'boot': True, 'autoDelete': disk['autoDelete'], 'type': 'PERSISTENT', 'diskSizeGb': disk['initializeParams']['diskSizeGb'],
                               'source': self.url(f'zones/{zone}/disks/{name}')}] + [{'type': 'SCRATCH'}] * (kind == 'a3-highgpu-8g'),
                    'networkInterfaces': [{'network': self.url(f'global/networks/{network}'), 'networkIP': f'10.128.0.{next(self.count) % 250 + 2}',
                                           'accessConfigs': body['networkInterfaces'][0].get('accessConfigs', [])}],
                    'x-gpus': gpus, 'x-disk': disk['initializeParams'], 'x-body': body}
        self.instances[zone, name] = instance

        def made(error):
            if error:
                self.instances.pop((zone, name), None)
            elif (zone, name) in self.instances:
                self.up(instance)
        return self.operation('insert', target, f'zones/{zone}', made, error)

    def up(self, instance):
        instance['status'] = 'RUNNING'
        instance['lastStartTimestamp'] = stamp(time.time())
        for access in instance['networkInterfaces'][0]['accessConfigs']:
            access['natIP'] = self.address(instance)

    def down(self, instance):
        instance['status'] = 'TERMINATED'
        self.give_back(instance)

    def get(self, zone, name):
        if (zone, name) not in self.instances:
            raise not_found(f'projects/{PROJECT}/zones/{zone}/instances/{name}')
        return self.instances[zone, name]

    def delete(self, zone, name):
        self.get(zone, name)['status'] = 'STOPPING'
        return self.operation('delete', f'zones/{zone}/instances/{name}', f'zones/{zone}',
                              lambda e: e or (zone, name) in self.instances and self.give_back(self.instances.pop((zone, name))))

    def stop(self, zone, name, query):
        i = self.get(zone, name)
        if i['disks'][-1]['type'] == 'SCRATCH' and query.get('discardLocalSsd') != ['true']:
            raise refusal(400, 'badRequest', 'VM has a Local SSD attached but an undefined value for `discard-local-ssd`.')
        if i['status'] in ('RUNNING', 'STAGING', 'PROVISIONING'):
            i['status'] = 'STOPPING'
            return self.operation('stop', f'zones/{zone}/instances/{name}', f'zones/{zone}', lambda e: (zone, name) in self.instances and self.down(i))
        return self.operation('stop', f'zones/{zone}/instances/{name}', f'zones/{zone}', lambda e: None)

    def start(self, zone, name):
        i = self.get(zone, name)
        error = None
        if zone in self.stockout:
            error = [{'code': 'ZONE_RESOURCE_POOL_EXHAUSTED', 'message': f"The zone '{zone}' does not have enough resources available to fulfill the request."}]
        elif i['status'] == 'TERMINATED':
            i['status'] = 'STAGING'
        return self.operation('start', f'zones/{zone}/instances/{name}', f'zones/{zone}',
                              lambda e: self.down(i) if e else (zone, name) in self.instances and i['status'] != 'STOPPING' and self.up(i), error)

    def reclaim(self, name):
        """Google takes a spot machine back."""
        for (zone, n), i in list(self.instances.items()):
            if n == name and i['scheduling'].get('provisioningModel') == 'SPOT':
                (self.give_back if i['scheduling'].get('instanceTerminationAction') == 'DELETE' else self.down)(i)
                if i['scheduling'].get('instanceTerminationAction') == 'DELETE':
                    del self.instances[zone, n]
                self.operation('compute.instances.preempted', f'zones/{zone}/instances/{n}', f'zones/{zone}', lambda e: None, seconds=0)


    def tell_reclaim(self, a):
        self.reclaim(a['name'])

    def tell_networks(self, a):
        """Only these networks are left, without any rule."""
        self.networks.clear()
        self.firewalls.clear()
        for name in a['names']:
            self.add_network(name)

    # --- tokens for other tokens
    def metadata(self, q):
        if q.headers.get('Metadata-Flavor') != 'Google':
            return 403, 'Missing Metadata-Flavor:Google header.'
        if q.path.endswith('/project/project-id'):
            return 200, PROJECT
        if q.path.endswith('/instance/service-accounts/default/token') and self.account:
            return 200, {'access_token': self.new_token('ya29.vm.'), 'expires_in': 3000, 'token_type': 'Bearer'}
        return 404, 'not found'

    def impersonate(self, q):
        name = re.fullmatch('/v1/projects/-/serviceAccounts/([^/]+):generateAccessToken', q.path).group(1)
        if name != 'robot@p.iam.gserviceaccount.com' or not q.body['scope'][0].endswith('/cloud-platform') or not q.body['lifetime'].endswith('s'):
            raise refusal(403, 'IAM_PERMISSION_DENIED', "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist).", 'PERMISSION_DENIED')
        if self.only_robots:  # nobody else's tokens are taken by what follows
            self.tokens.clear()
        until = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + int(q.body['lifetime'][:-1])))
        return 200, {'accessToken': self.new_token('ya29.robot.'), 'expireTime': until}

    # --- answers
    def state(self):
        return {'instances': list(self.instances.values()), 'firewalls': self.firewalls, 'networks': sorted(self.networks)}

    def validated(self, path):
        return path[len('/compute/v1'):] if path.startswith('/compute/v1/') else None

    def answer(self, q):
        if q.path == '/token':
            return token(q.form)
        if q.path.startswith('/computeMetadata/v1/'):
            return self.metadata(q)
        if q.path == '/v1/token':
            return exchange(q.form)
        if q.path == '/subject':  # what vouches for an external account elsewhere
            return (200, {'id': 'subject'}) if q.headers.get('X-Ask') == 'nicely' else (403, 'ask nicely')
        if q.bearer() not in self.tokens:
            raise refusal(401, 'authError', 'Request had invalid authentication credentials.', 'UNAUTHENTICATED')
        if q.path.endswith(':generateAccessToken'):
            return self.impersonate(q)
        if q.path == f'/v1/projects/{PROJECT}:testIamPermissions':
            return 200, {'permissions': [p for p in q.body['permissions'] if p not in self.denied]}
        if q.path.startswith('/v1/services/6F81-5844-456A/skus'):
            return 200, skus(q.query)
        if not q.path.startswith('/compute/v1/'):
            raise not_found(q.path)
        self.described(q, lambda text: refusal(400, 'badRequest', text))
        return 200, compute(q.method, q.path[len('/compute/v1/'):], q.query, q.body)


CLOUD = Cloud()


def public(instance):
    return {k: v for k, v in instance.items() if not k.startswith('x-')}


def paged(items, query):
    """(one page, token of the next or None)"""
    start = int(query.get('pageToken', ['0'])[0] or 0)
    size = min(int(query.get('maxResults', ['500'])[0]), CLOUD.page)
    return items[start:start + size], str(start + size) if start + size < len(items) else None


def plain_list(kind, items, query):
    page, token = paged(items, query)
    out = {'kind': kind, 'items': page}
    if token:
        out['nextPageToken'] = token
    return out


def aggregated(kind, inner, by_zone, query):
    flat = [(z, i) for z in sorted(by_zone) for i in by_zone[z]]
    page, token = paged(flat, query)
    out = {'kind': kind, 'items': {f'zones/{z}': {inner: []} for z in ZONES}}
    for z, i in page:
        out['items'][f'zones/{z}'][inner].append(i)
    for z in CLOUD.unreachable:
        if query.get('returnPartialSuccess') != ['true']:
            raise refusal(503, 'backendError', f'zone {z} is unreachable')
        out['items'][f'zones/{z}'] = {inner: [], 'warning': {'code': 'UNREACHABLE', 'message': 'cannot be reached', 'data': [{'key': 'scope', 'value': f'zones/{z}'}]}}
    for scope in out['items'].values():
        if not scope[inner] and 'warning' not in scope:
            scope['warning'] = {'code': 'NO_RESULTS_ON_PAGE', 'message': 'There are no results for scope on this page.'}
    if token:
        out['nextPageToken'] = token
    return out


def wanted(query):
    """A filter of the one form that is understood: FIELD="VALUE", several joined by AND."""
    text = query.get('filter', [''])[0]
    tests = []
    for one in re.split(r'\s+AND\s+', text) if text else []:
        m = re.fullmatch(r'\(?\s*(labels\.)?([\w-]+)\s*=\s*"([^"]*)"\s*\)?', one)
        if not m:
            raise refusal(400, 'invalid', f"Invalid value for field 'filter': '{text}'")
        tests.append(m.groups())
    return lambda o: all((o.get('labels', {}) if labels else o).get(k) == v for labels, k, v in tests)


def quotas(limits, usage):
    return [{'metric': m, 'limit': v, 'usage': usage(m)} for m, v in sorted(limits.items())]


def machine_type(zone, name):
    cpus, mib, acc, n = TYPES[name]
    out = {'kind': 'compute#machineType', 'name': name, 'guestCpus': cpus, 'memoryMb': mib, 'zone': zone, 'isSharedCpu': name == 'e2-micro'}
    if acc:
        out['accelerators'] = [{'guestAcceleratorType': acc, 'guestAcceleratorCount': n}]
    return out


def types_of(zone):
    return [machine_type(zone, t) for t in sorted(TYPES) if zone in ONLY_IN.get(t, ZONES)]


# (method, pattern of the path behind /compute/v1/, function of groups, query, body)
ROUTES = []


def route(method, pattern):
    def keep(f):
        ROUTES.append((method, re.compile(pattern + '$'), f))
        return f
    return keep


P = r'projects/([^/]+)'
Z = P + r'/zones/([^/]+)'


@route('GET', P)
def _project(p, query, body):
    return {'kind': 'compute#project', 'name': p, 'quotas': quotas(CLOUD.limits, lambda m: CLOUD.usage(None, m))}


@route('GET', P + '/regions')
def _regions(p, query, body):
    rows = [{'kind': 'compute#region', 'name': r, 'quotas': quotas(CLOUD.regional, lambda m, r=r: CLOUD.usage(r, m))} for r in sorted({z[:-2] for z in ZONES})]
    return plain_list('compute#regionList', rows, query)


@route('GET', P + '/regions/([^/]+)')
def _region(p, r, query, body):
    if r not in {z[:-2] for z in ZONES}:
        raise not_found(f'projects/{p}/regions/{r}')
    return {'kind': 'compute#region', 'name': r, 'quotas': quotas(CLOUD.regional, lambda m: CLOUD.usage(r, m))}


@route('GET', P + '/zones')
def _zones(p, query, body):
    return plain_list('compute#zoneList', [{'kind': 'compute#zone', 'name': z, 'status': 'UP'} for z in ZONES], query)


@route('GET', Z + '/machineTypes/([^/]+)')
def _type(p, z, t, query, body):
    if t not in TYPES or z not in ONLY_IN.get(t, ZONES):
        raise not_found(f'projects/{p}/zones/{z}/machineTypes/{t}')
    return machine_type(z, t)


@route('GET', P + '/aggregated/machineTypes')
def _types(p, query, body):
    return aggregated('compute#machineTypeAggregatedList', 'machineTypes', {z: types_of(z) for z in ZONES}, query)


@route('GET', P + '/aggregated/acceleratorTypes')
def _accelerators(p, query, body):
    rows = {z: [{'kind': 'compute#acceleratorType', 'name': n, 'maximumCardsPerInstance': c, 'zone': z} for n, c in sorted(ATTACHABLE.items())] for z in ZONES[:3]}
    return aggregated('compute#acceleratorTypeAggregatedList', 'acceleratorTypes', rows, query)


@route('GET', P + '/global/images/family/([^/]+)')
def _family(p, f, query, body):
    if f'{p}/{f}' not in FAMILIES:
        raise not_found(f'projects/{p}/global/images/family/{f}')
    return {'kind': 'compute#image', 'name': f'{f}-v1', 'family': f, 'diskSizeGb': '20',
            'selfLink': f'https://www.googleapis.com/compute/v1/projects/{p}/global/images/{f}-v1'}


@route('GET', P + '/global/images/([^/]+)')
def _image(p, n, query, body):
    if n != 'mine':
        raise not_found(f'projects/{p}/global/images/{n}')
    return {'kind': 'compute#image', 'name': n, 'diskSizeGb': '700', 'selfLink': f'https://www.googleapis.com/compute/v1/projects/{p}/global/images/{n}'}


@route('GET', P + '/global/networks/([^/]+)')
def _network(p, n, query, body):
    if n not in CLOUD.networks:
        raise not_found(f'projects/{p}/global/networks/{n}')
    return CLOUD.networks[n]


@route('POST', P + '/global/networks')
def _make_network(p, query, body):
    if body['name'] in CLOUD.networks:
        raise refusal(409, 'alreadyExists', f"The resource 'projects/{p}/global/networks/{body['name']}' already exists")
    return CLOUD.operation('insert', f'global/networks/{body["name"]}', 'global', lambda e: CLOUD.add_network(body['name']))


@route('GET', P + '/global/firewalls')
def _firewalls(p, query, body):
    return plain_list('compute#firewallList', [CLOUD.firewalls[n] for n in sorted(CLOUD.firewalls)], query)


@route('POST', P + '/global/firewalls')
def _make_firewall(p, query, body):
    if body['name'] in CLOUD.firewalls:
        raise refusal(409, 'alreadyExists', f"The resource 'projects/{p}/global/firewalls/{body['name']}' already exists")
    if body['network'].split('/')[-1] not in CLOUD.networks:
        raise not_found(f'projects/{p}/{body["network"]}')
    CLOUD.firewalls[body['name']] = dict(body, kind='compute#firewall', network=CLOUD.url(body['network']), disabled=False)
    return CLOUD.operation('insert', f'global/firewalls/{body["name"]}', 'global', lambda e: None)


def _firewall_there(p, n):
    if n not in CLOUD.firewalls:
        raise not_found(f'projects/{p}/global/firewalls/{n}')


@route('GET', P + '/global/firewalls/([^/]+)')
def _firewall(p, n, query, body):
    _firewall_there(p, n)
    return CLOUD.firewalls[n]


@route('PATCH', P + '/global/firewalls/([^/]+)')
def _patch_firewall(p, n, query, body):
    _firewall_there(p, n)
    CLOUD.firewalls[n].update(body, network=CLOUD.url(body['network']))
    return CLOUD.operation('patch', f'global/firewalls/{n}', 'global', lambda e: None)


@route('DELETE', P + '/global/firewalls/([^/]+)')
def _drop_firewall(p, n, query, body):
    _firewall_there(p, n)
    return CLOUD.operation('delete', f'global/firewalls/{n}', 'global', lambda e: CLOUD.firewalls.pop(n, None))


@route('GET', P + '/aggregated/reservations')
def _reservations(p, query, body):
    rows = {z: [dict(r, kind='compute#reservation', zone=CLOUD.url(f'zones/{z}')) for r in rs] for z, rs in CLOUD.reservations.get(p, {}).items()}
    return aggregated('compute#reservationAggregatedList', 'reservations', rows, query)


@route('GET', P + '/aggregated/instances')
def _instances(p, query, body):
    fits, rows = wanted(query), {}
    for (zone, name), i in sorted(CLOUD.instances.items()):
        if fits(i) and zone not in CLOUD.unreachable and p == PROJECT:
            rows.setdefault(zone, []).append(public(i))
    return aggregated('compute#instanceAggregatedList', 'instances', rows, query)


@route('GET', Z + '/instances/([^/]+)')
def _instance(p, z, n, query, body):
    return public(CLOUD.get(z, n))


@route('POST', Z + '/instances')
def _insert(p, z, query, body):
    if z not in ZONES:
        raise not_found(f'projects/{p}/zones/{z}')
    return CLOUD.insert(z, body)


@route('DELETE', Z + '/instances/([^/]+)')
def _delete(p, z, n, query, body):
    return CLOUD.delete(z, n)


@route('POST', Z + '/instances/([^/]+)/start')
def _start(p, z, n, query, body):
    return CLOUD.start(z, n)


@route('POST', Z + '/instances/([^/]+)/stop')
def _stop(p, z, n, query, body):
    return CLOUD.stop(z, n, query)


@route('GET', Z + '/operations')
def _operations(p, z, query, body):
    fits = wanted(query)
    rows = [o for o in CLOUD.operations.values() if o.get('zone', '').endswith('/' + z) and fits(o)]
    return plain_list('compute#operationList', rows[::-1], query)


@route('GET', P + '/(?:zones/[^/]+|global)/operations/([^/]+)')
def _operation(p, n, query, body):
    if n not in CLOUD.operations:
        raise not_found(f'projects/{p}/operations/{n}')
    return CLOUD.operations[n]


def compute(method, path, query, body):
    for m, pattern, f in ROUTES:
        found = pattern.match(path)
        if m == method and found:
            return f(*found.groups(), query, body)
    raise not_found(path)


def token(form):
    kind = form.get('grant_type', [''])[0]
    if kind == 'refresh_token':
        if form.get('refresh_token') != ['good']:
            return 400, {'error': 'invalid_grant', 'error_description': 'Token has been expired or revoked.'}
    else:
        part = form['assertion'][0].split('.')[1]
        claims = json.loads(base64.urlsafe_b64decode(part + '=' * (-len(part) % 4)))
        ok = kind.endswith('jwt-bearer') and claims['scope'].endswith('/cloud-platform') and claims['exp'] - claims['iat'] == 3600
        if not ok or abs(claims['iat'] - time.time()) > 300:
            return 400, {'error': 'invalid_grant', 'error_description': 'Invalid JWT: Token must be a short-lived token.'}
    return 200, {'access_token': CLOUD.new_token('ya29.'), 'expires_in': 3599, 'token_type': 'Bearer'}


def exchange(form):
    """Google's security token service."""
    want = {'grant_type': 'urn:ietf:params:oauth:grant-type:token-exchange', 'requested_token_type': 'urn:ietf:params:oauth:token-type:access_token',
            'subject_token_type': 'urn:ietf:params:oauth:token-type:jwt', 'scope': 'https://www.googleapis.com/auth/cloud-platform'}
    wrong = [k for k, v in want.items() if form.get(k) != [v]]
    if wrong or not form.get('audience', [''])[0].startswith('//iam.googleapis.com/') or form.get('subject_token') != ['subject']:
        return 400, {'error': 'invalid_grant', 'error_description': 'The given credential is rejected by the attribute condition. ' + ', '.join(wrong)}
    return 200, {'access_token': CLOUD.new_token('ya29.sts.'), 'issued_token_type': want['requested_token_type'], 'token_type': 'Bearer', 'expires_in': 3599}


def skus(query):
    rows = all_skus()
    start, size = int(query.get('pageToken', ['0'])[0] or 0), min(int(query.get('pageSize', ['5000'])[0]), CLOUD.page)
    return {'skus': rows[start:start + size], 'nextPageToken': str(start + size) if start + size < len(rows) else ''}


if __name__ == '__main__':
    serve(CLOUD, prefix='/compute/v1')
