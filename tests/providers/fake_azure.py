#!/usr/bin/env python3
"""A small Azure on loopback for tests: tokens, subscriptions, resource groups, networks, machines with their cards and addresses, operations that take a
while, quotas, prices, sizes, paging, and all that goes wrong: stockouts, throttling, lost replies, reclaims.

    fake_azure.py [--spec compute.json] [--port N]      prints "PORT" and serves until its stdin ends

How it is told what to do is in fake_http.py. With --spec, every request to Microsoft.Compute is checked against Azure's own description of it; what
does not fit is refused, and kept in state.violations."""
import base64
import json
import os
import re
import sys
import time
from urllib.parse import urlencode

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_http import Refusal, World, serve  # noqa: E402

SUB = 'sub-1'
REGIONS = ['eastus', 'westus2', 'westeurope']
SIZES = {  # name: vCPUs, GiB, GPUs, family, $ an hour
    'Standard_D4s_v5': (4, 16, 0, 'standardDSv5Family', 0.192), 'Standard_D4ps_v5': (4, 16, 0, 'standardDPSv5Family', 0.154),
    'Standard_NC4as_T4_v3': (4, 28, 1, 'standardNCASv3_T4Family', 0.526), 'Standard_NC24ads_A100_v4': (24, 220, 1, 'StandardNCADSA100v4Family', 3.673),
    'Standard_ND96isr_H100_v5': (96, 1900, 8, 'standardNDSH100v5Family', 98.32), 'Standard_NV36ads_A10_v5': (36, 440, 1, 'StandardNVADSA10v5Family', 3.2),
    'Standard_ND96isr_MI300X_v5': (96, 1850, 8, 'standardNDISv5MI300XFamily', 48.0), 'Standard_NX9_v9': (9, 9, 1, 'standardNXFamily', 1.0),
}


def refusal(status, code, message, **more):
    return Refusal(status, {'error': dict({'code': code, 'message': message}, **more)})


def no_group(name):
    return refusal(404, 'ResourceGroupNotFound', f"Resource group '{name}' could not be found.")


class Cloud(World):
    def fresh(self):
        self.groups, self.vms, self.cards, self.addresses, self.nsgs, self.vnets = {}, {}, {}, {}, {}, {}
        self.operations = {}  # id → [when it ends, effect, error or None, ended]
        self.log = []
        self.free = []  # addresses that machines get; made up when there are none left
        self.keys = {}  # address → authorized_keys of the real machine behind it
        self.stockout = set()  # "region" or "region/size": found out while it is made
        self.sold_out = set()  # the same, refused at once
        self.limits = {'cores': 500, 'lowPriorityCores': 500}
        self.actions, self.not_actions = ['*'], []
        self.identity, self.asked = True, []  # has the machine, or the app, one; what tokens were asked for
        self.registered, self.thumbprint = 'Registered', None
        self.subscriptions = [{'subscriptionId': SUB, 'displayName': 'One', 'state': 'Enabled'}, {'subscriptionId': 'sub-2', 'displayName': 'Two', 'state': 'Disabled'}]

    # --- operations
    def begin(self, effect, error=None, seconds=None):
        name = f'op-{next(self.count)}'
        self.operations[name] = [time.time() + (self.op_s if seconds is None else seconds), effect, self.spoilt or error, False]
        return name

    def settle(self):
        now = time.time()
        for op in list(self.operations.values()):
            if not op[3] and op[0] <= now:
                op[3] = True
                op[1](op[2])

    # --- groups
    def group(self, name):
        g = self.groups.get(name.lower())
        if not g:
            raise no_group(name)
        return g

    def drop_group(self, key):
        for (g, name) in [k for k in self.vms if k[0] == key]:
            self.drop_vm(g, name)
        for table in (self.nsgs, self.vnets):
            for k in [k for k in table if k[0] == key]:
                del table[k]
        self.groups.pop(key, None)

    # --- machines
    def address(self, vm):
        if not self.free:
            return f'203.0.113.{next(self.count) % 250 + 1}'
        address = self.free.pop(0)
        if address in self.keys:  # as the agent in the machine would
            with open(self.keys[address], 'w', encoding='utf-8') as f:
                f.write(vm['properties']['osProfile']['linuxConfiguration']['ssh']['publicKeys'][0]['keyData'] + '\n')
        return address

    def drop_vm(self, group, name):
        vm = self.vms.pop((group, name), None)
        card = self.cards.pop((group, name), None)
        ip = self.addresses.pop((group, name), None)
        if vm and card and ip and ip['properties']['ipAddress'] in self.keys:
            self.free.append(ip['properties']['ipAddress'])

    def used(self, region, what):
        n = 0
        for vm in self.vms.values():
            cores, _, _, family, _ = SIZES[vm['properties']['hardwareProfile']['vmSize']]
            spot = vm['properties'].get('priority') == 'Spot'
            if vm['location'] == region and vm['x-power'] != 'deallocated':
                n += cores if (what == 'lowPriorityCores' and spot) or (not spot and what in ('cores', family)) else 0
        return n

    def over_quota(self, region, size, spot):
        cores, _, _, family, _ = SIZES[size]
        for what in ['lowPriorityCores'] if spot else [family, 'cores']:
            limit = self.limits.get(what, 100)
            if self.used(region, what) + cores > limit:
                raise refusal(409, 'OperationNotAllowed', f'Operation could not be completed as it results in exceeding approved {what} Cores quota. Additional details - '
                              f'Location: {region}, Current Limit: {limit}, Current Usage: {self.used(region, what)}, Additional Required: {cores}')

    def put_vm(self, group, name, body, base):
        g, key = self.group(group), (group.lower(), name.lower())
        if g['properties']['provisioningState'] == 'Deleting':
            raise refusal(409, 'ResourceGroupBeingDeleted', f"The resource group '{group}' is in deprovisioning state and cannot perform this operation.")
        region, p = body['location'], body['properties']
        size, spot = p['hardwareProfile']['vmSize'], p.get('priority') == 'Spot'
        if region not in REGIONS:
            raise refusal(400, 'LocationNotAvailableForResourceType', f"The provided location '{region}' is not available for resource type")
        if size not in SIZES:
            raise refusal(400, 'InvalidParameter', f"The value {size} provided for the VM size is not valid.", target='vmSize')
        tags = body.get('tags', {})
        if len(tags) > 50 or any(len(v) > 256 or re.search(r'[<>%&\\?/]', k) for k, v in tags.items()):
            raise refusal(400, 'InvalidTagValue', 'a tag is too long or too many')
        if f'{region}/{size}' in self.sold_out or region in self.sold_out:
            raise refusal(409, 'SkuNotAvailable', f"The requested VM size '{size}' is currently not available in location '{region}'.")
        card = p['networkProfile']['networkInterfaceConfigurations'][0]
        nsg, subnet = card['properties']['networkSecurityGroup']['id'], card['properties']['ipConfigurations'][0]['properties']['subnet']['id']
        if (group.lower(), nsg.split('/')[-1]) not in self.nsgs or (group.lower(), subnet.split('/')[-3]) not in self.vnets:
            raise refusal(400, 'InvalidResourceReference', f'{nsg} or {subnet} referenced by resource {name} was not found')
        if p['storageProfile']['osDisk']['diskSizeGB'] < 30 or not p['osProfile']['linuxConfiguration']['ssh']['publicKeys']:
            raise refusal(400, 'InvalidParameter', 'the disk is smaller than the image')
        if spot and p.get('evictionPolicy') not in ('Delete', 'Deallocate'):
            raise refusal(400, 'InvalidParameter', 'evictionPolicy')
        there = self.vms.get(key)
        if there and there['x-made'] != 'failed':
            if there['properties']['hardwareProfile'] != p['hardwareProfile']:
                raise refusal(409, 'PropertyChangeNotAllowed', "Changing property 'hardwareProfile' is not allowed.")
            there['tags'] = tags
            return 200, public(there), {}
        self.over_quota(region, size, spot)
        error = None
        if region in self.stockout or f'{region}/{size}' in self.stockout:
            error = {'code': 'AllocationFailed', 'message': 'Allocation failed. We do not have sufficient capacity for the requested VM size in this region.'}
        # Ids come back in other letters than they were given.
        ident = f'/subscriptions/{SUB}/resourceGroups/{group.upper()}/providers/Microsoft.Compute/virtualMachines/{name}'
        vm = {'id': ident, 'name': name, 'type': 'Microsoft.Compute/virtualMachines', 'location': region, 'tags': tags, 'x-power': '', 'x-made': 'creating', 'x-body': body,
              'properties': dict(p, vmId=str(next(self.count)), provisioningState='Creating')}
        self.vms[key] = vm

        def made(e):
            if key not in self.vms:
                return
            vm['x-made'] = 'failed' if e else 'succeeded'
            vm['properties']['provisioningState'] = 'Failed' if e else 'Succeeded'
            if not e:
                vm['x-power'] = 'running'
                self.connect(key, vm, card)
        op = self.begin(made, error)
        return 201, public(vm), {'Azure-AsyncOperation': f'{base}/subscriptions/{SUB}/providers/Microsoft.Compute/locations/{region}/operations/{op}?api-version=2021-11-01',
                                 'Retry-After': '1'}

    def connect(self, key, vm, card):
        net = f'/subscriptions/{SUB}/resourceGroups/{key[0]}/providers/Microsoft.Network'
        ip = {'primary': True, 'privateIPAddress': f'10.77.0.{next(self.count) % 250 + 4}'}
        wish = card['properties']['ipConfigurations'][0]['properties'].get('publicIPAddressConfiguration')
        if wish:
            self.addresses[key] = {'id': f'{net}/publicIPAddresses/{wish["name"]}', 'name': wish['name'], 'properties': {'ipAddress': self.address(vm)}}
            ip['publicIPAddress'] = {'id': f'{net}/publicIPAddresses/{wish["name"]}'.replace('resourceGroups', 'resourcegroups')}
        self.cards[key] = {'id': f'{net}/networkInterfaces/{card["name"]}', 'name': card['name'],
                           'properties': {'virtualMachine': {'id': vm['id'].lower()}, 'ipConfigurations': [{'name': 'ip', 'properties': ip}]}}

    def vm(self, group, name):
        self.group(group)
        if (group.lower(), name.lower()) not in self.vms:
            raise refusal(404, 'ResourceNotFound', f"The Resource 'Microsoft.Compute/virtualMachines/{name}' under resource group '{group}' was not found.")
        return self.vms[group.lower(), name.lower()]

    def reclaim(self, name):
        """Azure takes a spot machine back."""
        for (g, n), vm in list(self.vms.items()):
            if n == name.lower() and vm['properties'].get('priority') == 'Spot':
                if vm['properties']['evictionPolicy'] == 'Delete':
                    self.drop_vm(g, n)
                else:
                    vm['x-power'] = 'deallocated'
                self.log.append({'operationName': {'value': 'Microsoft.Compute/virtualMachines/evictSpotVM/action'}, 'resourceId': vm['id'].upper(), 'x-group': g,
                                 'eventTimestamp': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())})


    def tell_reclaim(self, a):
        self.reclaim(a['name'])

    def tell_power(self, a):
        """A machine is shut down from inside, or whatever else."""
        for (_, n), vm in self.vms.items():
            if n == a['name']:
                vm['x-power'] = a['power']

    def beside(self, q):
        """What a machine, or an app, asks for the token of its identity."""
        metadata, version = q.path.startswith('/metadata'), q.query.get('api-version')
        if (q.headers.get('Metadata') != 'true' or version != ['2018-02-01']) if metadata else (q.headers.get('X-IDENTITY-HEADER') != 'sesame' or version != ['2019-08-01']):
            return 400, {'error': 'invalid_request', 'error_description': 'Required metadata header not specified'}
        if not self.identity or q.query.get('client_id', ['mine']) != ['mine']:
            return 400, {'error': 'invalid_request', 'error_description': 'Identity not found'}
        self.asked.append(q.query['resource'][0])
        return 200, {'access_token': self.new_token('eyJ.vm.'), 'expires_on': str(int(time.time()) + 3000), 'token_type': 'Bearer'}

    # --- answers
    def state(self):
        return {'asked': self.asked, 'vms': list(self.vms.values()), 'groups': self.groups, 'cards': len(self.cards), 'addresses': len(self.addresses), 'nsgs': list(self.nsgs.values())}

    def validated(self, path):
        return path if '/Microsoft.Compute/' in path and '/operations/' not in path and not path.endswith('/skus') else None

    def answer(self, q):
        if re.fullmatch('/[^/]+/oauth2/v2.0/token', q.path):
            return token(q)
        if q.path in ('/metadata/identity/oauth2/token', '/app/token'):
            return self.beside(q)
        if q.path == '/api/retail/prices':
            return 200, prices(q.query, q.base)
        if q.bearer() not in self.tokens and q.bearer() != 'cli-token':
            raise refusal(401, 'ExpiredAuthenticationToken', 'The access token expiry UTC time is earlier than current UTC time.')
        if 'api-version' not in q.query:
            raise refusal(400, 'MissingApiVersionParameter', 'The api-version query parameter is required for all requests.')
        if q.path == '/subscriptions':
            return 200, {'value': self.subscriptions}
        stem = f'/subscriptions/{SUB}'
        if not q.path.startswith(stem):
            raise refusal(404, 'SubscriptionNotFound', 'The subscription could not be found.')
        if self.validated(q.path):
            # But what links to next pages have, which is not described.
            self.described(q, lambda text: refusal(400, 'BadRequest', text), re.sub(r'&%24skiptoken=\d+', '', q.url))
        for method, pattern, f in ROUTES:
            found = pattern.match(q.path[len(stem):])
            if method == q.method and found:
                reply = f(*found.groups(), q)
                return reply if isinstance(reply, tuple) else (200, reply)
        raise refusal(404, 'ResourceNotFound', f'{q.path} is not there')


CLOUD = Cloud()


def public(o):
    return {k: v for k, v in o.items() if not k.startswith('x-')}


def view(vm):
    out = [{'code': f'ProvisioningState/{vm["x-made"]}', 'level': 'Info'}]
    if vm['x-power']:
        out.append({'code': f'PowerState/{vm["x-power"]}', 'level': 'Info'})
    return dict(public(vm), properties=dict(vm['properties'], instanceView={'statuses': out}))


def listed(q, items):
    start = int(q.query.get('$skiptoken', ['0'])[0])
    out = {'value': items[start:start + CLOUD.page]}
    if start + CLOUD.page < len(items):
        out['nextLink'] = f'{q.base}{q.path}?' + urlencode(dict({k: v[0] for k, v in q.query.items()}, **{'$skiptoken': start + CLOUD.page}))
    return out


# (method, pattern of the path behind /subscriptions/S, function of groups, then the request)
ROUTES = []


def route(method, pattern):
    def keep(f):
        ROUTES.append((method, re.compile(pattern + '$', re.I), f))
        return f
    return keep


G = r'/resourceGroups/([^/]+)'
C, N = '/providers/Microsoft.Compute', '/providers/Microsoft.Network'


@route('GET', '')
def _subscription(q):
    return CLOUD.subscriptions[0]


@route('GET', '/providers/(Microsoft.Compute|Microsoft.Network)')
def _api(name, q):
    return {'namespace': name, 'registrationState': CLOUD.registered}


@route('GET', '/providers/Microsoft.Authorization/permissions')
def _permissions(q):
    return {'value': [{'actions': CLOUD.actions, 'notActions': CLOUD.not_actions}]}


@route('GET', '/resourcegroups')
def _groups(q):
    return listed(q, [public(g) for _, g in sorted(CLOUD.groups.items())])


@route('PUT', G)
def _put_group(name, q):
    there = CLOUD.groups.get(name.lower())
    if there and there['properties']['provisioningState'] == 'Deleting':
        raise refusal(409, 'ResourceGroupBeingDeleted', f"The resource group '{name}' is in deprovisioning state and cannot perform this operation.")
    if there and there['location'] != q.body['location']:
        raise refusal(409, 'InvalidResourceGroupLocation', f"The Resource group '{name}' already exists in location '{there['location']}'.")
    if q.body['location'] not in REGIONS:
        raise refusal(400, 'LocationNotAvailableForResourceGroup', f"The provided location '{q.body['location']}' is not available for resource group.")
    CLOUD.groups[name.lower()] = {'id': f'/subscriptions/{SUB}/resourceGroups/{name}', 'name': name, 'location': q.body['location'], 'tags': q.body.get('tags', {}),
                                  'properties': {'provisioningState': 'Succeeded'}}
    return (200 if there else 201), CLOUD.groups[name.lower()], {}


@route('DELETE', G)
def _delete_group(name, q):
    CLOUD.group(name)['properties']['provisioningState'] = 'Deleting'
    op = CLOUD.begin(lambda e: CLOUD.drop_group(name.lower()))
    return 202, None, {'Location': f'{q.base}/subscriptions/{SUB}/operationresults/{op}?api-version=2021-04-01', 'Retry-After': '1'}


@route('GET', '/operationresults/([^/]+)')
def _result(op, q):
    return (200, None, {}) if CLOUD.operations[op][3] else (202, None, {'Location': f'{q.base}{q.path}?api-version=2021-04-01'})


@route('GET', C + '/locations/[^/]+/operations/([^/]+)')
def _operation(op, q):
    _, _, error, ended = CLOUD.operations[op]
    if not ended:
        return {'name': op, 'status': 'InProgress'}
    return {'name': op, 'status': 'Failed', 'error': error} if error else {'name': op, 'status': 'Succeeded'}


@route('PUT', G + N + '/networkSecurityGroups/([^/]+)')
def _put_nsg(g, name, q):
    CLOUD.group(g)
    ports = [r['properties']['priority'] for r in q.body['properties']['securityRules']]
    if len(ports) != len(set(ports)):
        raise refusal(400, 'SecurityRuleConflict', 'two rules have one priority')
    CLOUD.nsgs[g.lower(), name] = dict(q.body, id=q.path, name=name)
    return 201, {'id': q.path, 'properties': {'provisioningState': 'Updating'}}, {
        'Azure-AsyncOperation': f'{q.base}/subscriptions/{SUB}{C}/locations/x/operations/{CLOUD.begin(lambda e: None)}?api-version=1'}


@route('GET', G + N + '/(?:networkSecurityGroups|virtualNetworks)/([^/]+)')
def _thing(g, name, q):
    return {'id': q.path, 'properties': {'provisioningState': 'Succeeded'}}


@route('PUT', G + N + '/virtualNetworks/([^/]+)')
def _put_vnet(g, name, q):
    CLOUD.group(g)
    CLOUD.vnets[g.lower(), name] = dict(q.body, id=q.path, name=name)
    return 201, {'id': q.path, 'properties': {'provisioningState': 'Updating'}}, {}


@route('GET', G + C + '/virtualMachines')
def _vms_of(g, q):
    CLOUD.group(g)
    return listed(q, [public(v) for (group, _), v in sorted(CLOUD.vms.items()) if group == g.lower()])


@route('GET', C + '/virtualMachines')
def _vms(q):
    alone = q.query.get('statusOnly') == ['true']
    return listed(q, [view(v) if alone else public(v) for _, v in sorted(CLOUD.vms.items())])


def things(table, g):
    if g:
        CLOUD.group(g)
    return [v for (group, _), v in sorted(table.items()) if not g or group == g.lower()]


@route('GET', '(?:' + G + ')?' + N + '/networkInterfaces')
def _cards(g, q):
    return listed(q, things(CLOUD.cards, g))


@route('GET', '(?:' + G + ')?' + N + '/publicIPAddresses')
def _addresses(g, q):
    return listed(q, things(CLOUD.addresses, g))


@route('PUT', G + C + '/virtualMachines/([^/]+)')
def _put_vm(g, name, q):
    return CLOUD.put_vm(g, name, q.body, q.base)


@route('PUT', G + C + '/virtualMachines/([^/]+)/extensions/([^/]+)')
def _extension(g, name, extension, q):
    vm, p = CLOUD.vm(g, name), q.body['properties']
    if vm['x-made'] != 'succeeded' or vm['x-power'] != 'running':
        raise refusal(409, 'OperationNotAllowed', f"Cannot modify extensions in the VM '{name}' when the VM is not running.")
    if (p['publisher'], p['type']) != ('Microsoft.HpcCompute', extension):
        raise refusal(404, 'ExtensionNotFound', f"The VM extension '{extension}' was not found.")
    vm.setdefault('x-extensions', []).append(extension)
    op = CLOUD.begin(lambda e: None)
    return 201, {'id': q.path, 'properties': dict(p, provisioningState='Creating')}, {
        'Azure-AsyncOperation': f'{q.base}/subscriptions/{SUB}{C}/locations/{vm["location"]}/operations/{op}?api-version=2021-11-01', 'Retry-After': '1'}


def change(q, vm, on_the_way, then, error=None, before=None):
    vm['x-power'] = on_the_way

    def effect(e):
        if not vm.get('x-gone') and vm['x-power'] == on_the_way:
            vm['x-power'] = before if e else then
    op = CLOUD.begin(effect, error)
    return 202, None, {'Azure-AsyncOperation': f'{q.base}/subscriptions/{SUB}{C}/locations/{vm["location"]}/operations/{op}?api-version=2021-11-01', 'Retry-After': '1'}


@route('POST', G + C + '/virtualMachines/([^/]+)/deallocate')
def _deallocate(g, name, q):
    vm = CLOUD.vm(g, name)
    return change(q, vm, 'deallocating', 'deallocated') if vm['x-power'] != 'deallocated' else (200, None, {})


@route('POST', G + C + '/virtualMachines/([^/]+)/start')
def _start(g, name, q):
    vm = CLOUD.vm(g, name)
    if vm['x-power'] == 'running':
        return 200, None, {}
    error = {'code': 'AllocationFailed', 'message': 'Allocation failed.'} if vm['location'] in CLOUD.stockout else None
    return change(q, vm, 'starting', 'running', error, 'deallocated')


@route('DELETE', G + C + '/virtualMachines/([^/]+)')
def _delete_vm(g, name, q):
    vm = CLOUD.vm(g, name)
    vm['x-made'] = 'deleting'
    op = CLOUD.begin(lambda e: CLOUD.drop_vm(g.lower(), name.lower()))
    return 202, None, {'Azure-AsyncOperation': f'{q.base}/subscriptions/{SUB}{C}/locations/{vm["location"]}/operations/{op}?api-version=2021-11-01', 'Retry-After': '1'}


@route('GET', C + '/locations/([^/]+)/usages')
def _usages(region, q):
    if region not in REGIONS:
        raise refusal(400, 'NoRegisteredProviderFound', f"No registered resource provider found for location '{region}'")
    names = sorted({'cores', 'lowPriorityCores'} | {s[3] for s in SIZES.values()})
    return listed(q, [{'unit': 'Count', 'name': {'value': n, 'localizedValue': n}, 'currentValue': CLOUD.used(region, n), 'limit': CLOUD.limits.get(n, 100)} for n in names])


@route('GET', C + '/skus')
def _skus(q):
    region = re.fullmatch("location eq '(.*)'", q.query['$filter'][0]).group(1)
    rows = []
    for name, (cores, gib, gpus, family, _) in sorted(SIZES.items()) if region in REGIONS else ():
        none = [{'type': 'Location', 'reasonCode': 'NotAvailableForSubscription'}] if f'{region}/{name}' in CLOUD.sold_out else []
        caps = {'vCPUs': cores, 'MemoryGB': gib, 'GPUs': gpus}
        rows.append({'resourceType': 'virtualMachines', 'name': name, 'family': family, 'locations': [region], 'restrictions': none,
                     'capabilities': [{'name': k, 'value': str(v)} for k, v in caps.items()]})
    return listed(q, rows + [{'resourceType': 'disks', 'name': 'Premium_LRS'}])


@route('GET', '/providers/Microsoft.Insights/eventtypes/management/values')
def _log(q):
    m = re.fullmatch(r"eventTimestamp ge '[-0-9T:]+Z' and resourceGroupName eq '(.*)'", q.query['$filter'][0])
    return listed(q, [public(e) for e in CLOUD.log if e['x-group'] == m.group(1).lower()])


def prices(query, base):
    m = re.fullmatch(r"serviceName eq 'Virtual Machines' and priceType eq 'Consumption' and armRegionName eq '(.*)'", query['$filter'][0])
    rows = []
    for name, (_, _, _, _, usd) in sorted(SIZES.items()) if m.group(1) in REGIONS else ():
        short = name[len('Standard_'):].replace('_', ' ')
        for sku, product, price in ((short, 'Virtual Machines X Series', usd), (short + ' Spot', 'Virtual Machines X Series', usd / 4),
                                    (short, 'Virtual Machines X Series Windows', usd * 2), (short + ' Low Priority', 'Virtual Machines X Series', usd / 5),
                                    (short, 'X Series Cloud Services', usd / 10), (short, 'Virtual Machines X Series', 0)):
            rows.append({'armSkuName': name, 'armRegionName': m.group(1), 'retailPrice': price, 'unitPrice': price, 'unitOfMeasure': '1 Hour', 'skuName': sku,
                         'meterName': sku, 'productName': product, 'type': 'Consumption', 'serviceName': 'Virtual Machines'})
    start = int(query.get('$skip', ['0'])[0])
    out = {'Items': rows[start:start + CLOUD.page], 'Count': len(rows[start:start + CLOUD.page]), 'NextPageLink': None}
    if start + CLOUD.page < len(rows):
        out['NextPageLink'] = f'{base}/api/retail/prices?' + urlencode({'$filter': query['$filter'][0], '$skip': start + CLOUD.page})
    return out


def part(text):
    return json.loads(base64.urlsafe_b64decode(text + '=' * (-len(text) % 4)))


def signed(assertion, q):
    """Is it what a certificate's owner says? That it is rightly signed is for test_jwt.c."""
    header, claims = (part(p) for p in assertion.split('.')[:2])
    fits = header == {'alg': 'RS256', 'typ': 'JWT', 'x5t': CLOUD.thumbprint} and claims['iss'] == claims['sub'] == q.form['client_id'][0]
    return fits and claims['aud'] == q.base + q.path and claims['exp'] - claims['nbf'] == 600 and claims['jti']


def token(q):
    form, scope = q.form, q.form.get('scope', [''])[0]
    CLOUD.asked.append(scope)
    ok = form.get('grant_type') == ['client_credentials'] and re.fullmatch(r'https://management\.(azure\.com|usgovcloudapi\.net|chinacloudapi\.cn)/\.default', scope)
    said = form.get('client_assertion', [''])[0]
    proven = form.get('client_secret') == ['good'] or said == 'assertion' or (said.count('.') == 2 and signed(said, q))
    if not ok or not proven or bool(said) != ('client_assertion_type' in form):
        return 401, {'error': 'invalid_client', 'error_description': 'AADSTS7000215: Invalid client secret provided.'}
    return 200, {'access_token': CLOUD.new_token('eyJ.'), 'expires_in': 3599, 'token_type': 'Bearer'}


if __name__ == '__main__':
    serve(CLOUD, closed=True)
