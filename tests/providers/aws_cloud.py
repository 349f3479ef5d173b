"""AWS on this machine, for tests: moto's server (a public emulator of AWS) behind a small proxy.

moto runs in its auth mode: it verifies signatures and IAM policies. What it does not have is the proxy's: it gives instances addresses that we choose,
answers for public parameters, quotas and prices, makes a launch with a known token no second one, and does to requests what can happen to them: no capacity, no quota, being asked too often, answers
that are lost. Faults are for one EC2 action each, and count down:

    with Cloud(addresses=['127.0.0.1']) as cloud:
        cloud.fault('RunInstances', code='InsufficientInstanceCapacity', status=500, times=1, zone='us-east-1a')
        cloud.env                        # what a client needs, keys and all
        cloud.asked('RunInstances')      # how often it came
"""
import base64, hashlib, hmac, http.client, http.server, json, os, re, shutil, socket, subprocess, sys, tempfile, threading, time, urllib.parse
from xml.etree import ElementTree

POLICY = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Action': ['ec2:*', 'ssm:*', 'sts:*', 'servicequotas:*', 'pricing:*'], 'Resource': '*'}]}
ERROR = '<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r-1</RequestID></Response>'


class Unavailable(Exception):
    pass


def find_moto():
    """The command of moto's server; it is not fetched from anywhere here."""
    path = shutil.which('moto_server')  # (one that does not start ends at once: who starts it sees)
    if path:
        return [path]
    raise Unavailable('moto_server is not on the PATH (pip install "moto[server]")')


def free_port():
    s = socket.socket()
    s.bind(('127.0.0.1', 0))
    port = s.getsockname()[1]
    s.close()
    return port


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind='text/xml'):
        data = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        if self.path.startswith('/rig/'):
            q = urllib.parse.urlparse(self.path)
            return self.answer(200, json.dumps(getattr(self.server.cloud, 'rig_' + q.path[5:])(**dict(urllib.parse.parse_qsl(q.query)))), 'application/json')
        gives = self.keys_place()
        if gives is not None:
            return self.answer(200 if gives else 403, gives or '{"message": "no"}', 'application/json')
        self.handle_one(b'')

    def do_PUT(self):
        good = self.path == '/latest/api/token' and self.headers.get('x-aws-ec2-metadata-token-ttl-seconds')
        self.answer(200 if good else 400, 'METADATA' if good else 'no', 'text/plain')

    def keys_place(self):
        """The services that give keys: of a pod, of a machine, of a login; None: it is none of them, '': it is not to be had so."""
        cloud, path, said = self.server.cloud, urllib.parse.urlparse(self.path).path, self.headers.get
        end = time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(time.time() + 3600))
        keys = {'Code': 'Success', 'AccessKeyId': cloud.key, 'SecretAccessKey': cloud.secret, 'Expiration': end}
        if path == '/pod/keys':
            return json.dumps(keys) if said('Authorization') == 'POD' else ''
        if path.startswith('/latest/meta-data/iam/security-credentials/'):
            return '' if said('x-aws-ec2-metadata-token') != 'METADATA' else 'my-role' if path.endswith('/') else json.dumps(keys) if path.endswith('/my-role') else ''
        if path == '/federation/credentials':
            mine = {'accessKeyId': cloud.key, 'secretAccessKey': cloud.secret, 'expiration': int(time.time() + 3600) * 1000}
            return json.dumps({'roleCredentials': mine}) if said('x-amz-sso_bearer_token') == 'BEARER' and 'role_name=Dev' in self.path else ''
        return None

    def cut(self, late):
        """No answer: the connection ends, or (for the tests' own client) it is as if none had come in time."""
        if late:
            self.wfile.write(b'timeout\r\n\r\n')
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def do_POST(self):
        self.handle_one(self.rfile.read(int(self.headers.get('Content-Length') or 0)))

    def handle_one(self, body):
        cloud, target = self.server.cloud, self.headers.get('X-Amz-Target')
        form = dict(urllib.parse.parse_qsl(body.decode())) if body and not target else {}
        action = (target or '').rsplit('.', 1)[-1] or form.get('Action', self.path)
        region = (re.search(r'Credential=[^/]+/\d+/([^/]+)/', self.headers.get('Authorization', '')) or [None, ''])[1]
        with cloud.lock:
            cloud.log.append((action, region, form))
            fault = cloud.take_fault(action, region, form)
            way = cloud.way_of(self.headers.get('X-Rig-Try'))
        if way in ('error', 'busy'):
            status, code = (500, 'InternalError') if way == 'error' else (503, 'Unavailable')
            return self.answer(status, json.dumps({'__type': code, 'message': 'injected'}) if target else ERROR % (code, 'injected'))
        if way in ('drop', 'hang'):
            return self.cut(way == 'hang')
        if fault and not fault.get('lose'):
            if fault.get('json'):
                return self.answer(fault['status'], json.dumps({'__type': fault['code'], 'message': fault['message']}), 'application/x-amz-json-1.1')
            return self.answer(fault['status'], ERROR % (fault['code'], fault['message']))
        own = cloud.own_answer(action, region, json.loads(body or b'{}') if target else form)
        if own is not None and way:
            return self.cut(way == 'late')
        if own is not None:
            return self.answer(own[0], json.dumps(own[1]), 'application/x-amz-json-1.1')
        status, headers, data = cloud.once(form, self.command, self.path, self.headers, body)
        if fault or way:  # it was done, and nobody hears of it
            return self.cut(way == 'late')
        data = cloud.readdress(data)
        if status == 200:
            cloud.happened(action, form, data.decode('utf-8', 'replace'))
        self.send_response(status)
        for k, v in headers:
            if k.lower() not in ('content-length', 'connection', 'transfer-encoding'):
                self.send_header(k, v)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Who asked may be gone: that is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Cloud:
    def __init__(self, addresses=(), quotas=None, auth=True):
        self.addresses, self.quotas, self.auth = list(addresses), dict(quotas or {}), auth
        self.lock, self.log, self.faults, self.given = threading.Lock(), [], [], {}
        self.prices = {'g6.xlarge': 0.8048, 'p5.48xlarge': 55.04, 't3.micro': 0.0104, 'g4dn.xlarge': 0.526}
        self.machines, self.told = None, set()
        self.image, self.launching, self.launched = None, threading.Lock(), {}
        self.aim, self.arms = {'n': 0, 'way': '', 'seen': 0}, 0

    def __enter__(self):
        command = find_moto()
        self.dir = tempfile.mkdtemp(prefix='skytop-aws-')
        self.moto_port, env = free_port(), dict(os.environ, MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION='true', MOTO_ENABLE_AMI_VALIDATION='true')
        for name in [n for n in env if n.startswith('AWS_')]:
            del env[name]
        env['INITIAL_NO_AUTH_ACTION_COUNT'] = 'inf'
        self.output = open(os.path.join(self.dir, 'moto.log'), 'w')
        self.moto = subprocess.Popen(command + ['-H', '127.0.0.1', '-p', str(self.moto_port)], stdout=self.output, stderr=self.output, env=env)
        self.server = Server(('127.0.0.1', 0), Handler)
        self.server.cloud = self
        self.url = 'http://127.0.0.1:%d' % self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True)
        self.thread.start()
        try:
            self.wait()
            self.set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()
        self.moto.terminate()
        try:
            self.moto.wait(10)
        except subprocess.TimeoutExpired:
            self.moto.kill()
            self.moto.wait()
        self.output.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def wait(self):
        for _ in range(600):
            if self.moto.poll() is not None:
                raise Unavailable('moto_server ends at once: ' + open(os.path.join(self.dir, 'moto.log')).read()[-300:])
            try:
                socket.create_connection(('127.0.0.1', self.moto_port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise Unavailable('moto_server does not listen')

    def admin(self, service, form):
        """An unchecked request, before moto begins to look at signatures."""
        c = http.client.HTTPConnection('127.0.0.1', self.moto_port, timeout=60)
        c.request('POST', '/', urllib.parse.urlencode(form), {'Content-Type': 'application/x-www-form-urlencoded',
                  'Authorization': 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=0' % service})
        r = c.getresponse()
        text = r.read().decode()
        if r.status // 100 != 2:
            raise Unavailable('moto refuses %s: %s' % (form['Action'], text[:200]))
        return text

    def set_up(self):
        iam = {'Version': '2010-05-08', 'UserName': 'tester'}
        self.admin('iam', dict(iam, Action='CreateUser'))
        self.admin('iam', dict(iam, Action='PutUserPolicy', PolicyName='p', PolicyDocument=json.dumps(POLICY)))
        keys = self.admin('iam', dict(iam, Action='CreateAccessKey'))
        self.key = re.search('<AccessKeyId>([^<]+)', keys)[1]
        self.secret = re.search('<SecretAccessKey>([^<]+)', keys)[1].replace('&amp;', '&')
        trust = {'Version': '2012-10-17', 'Statement': [{'Effect': 'Allow', 'Principal': {'AWS': '*'}, 'Action': 'sts:AssumeRole'}]}
        role = self.admin('iam', {'Action': 'CreateRole', 'Version': '2010-05-08', 'RoleName': 'worker', 'AssumeRolePolicyDocument': json.dumps(trust)})
        self.admin('iam', {'Action': 'PutRolePolicy', 'Version': '2010-05-08', 'RoleName': 'worker', 'PolicyName': 'p', 'PolicyDocument': json.dumps(POLICY)})
        self.role = re.search('<Arn>([^<]+)', role)[1]
        images = self.admin('ec2', {'Action': 'DescribeImages', 'Version': '2016-11-15', 'Filter.1.Name': 'name', 'Filter.1.Value.1': '*ubuntu*'})
        found = re.search('<imageId>([^<]+)', images)
        self.image = found[1] if found else 'ami-12c6146b'
        self.env = {'AWS_ENDPOINT_URL': self.url, 'AWS_ACCESS_KEY_ID': self.key, 'AWS_SECRET_ACCESS_KEY': self.secret, 'AWS_REGION': 'us-east-1'}
        if self.auth:
            c = http.client.HTTPConnection('127.0.0.1', self.moto_port, timeout=60)
            c.request('POST', '/moto-api/reset-auth', '0', {'Content-Type': 'text/plain'})
            if c.getresponse().status != 200:
                raise Unavailable('moto has no auth mode')

    # -- what goes wrong --

    def fault(self, action, code='', status=400, message='injected', times=1, lose=False, json=False, **where):
        with self.lock:
            self.faults.append(dict(action=action, code=code, status=status, message=message, times=times, lose=lose, json=json, where=where))

    def take_fault(self, action, region, form):
        for f in self.faults:
            where = f['where']
            fits = f['action'] == action and f['times'] > 0 and where.get('region', region) == region and \
                where.get('type', form.get('InstanceType')) == form.get('InstanceType')
            if fits:
                f['times'] -= 1
                return f
        return None

    # -- of one request, counted from now on: for the tests' own client --

    def rig_arm(self, n, way):
        with self.lock:
            before, self.aim, self.arms = self.aim['seen'], {'n': int(n), 'way': way, 'seen': 0}, self.arms + 1
        if not self.auth and self.arms % 40 == 0:  # machines that ended are kept for ever, and make all slow
            c = http.client.HTTPConnection('127.0.0.1', self.moto_port, timeout=60)
            c.request('POST', '/moto-api/reset', '')
            assert c.getresponse().status == 200
            self.set_up()
            self.launched.clear()
        return {'seen': before}

    def rig_truth(self, regions='us-east-1,us-west-2'):
        """What EC2 has, whatever its clients believe."""
        out = {'machines': [], 'groups': []}
        for region in regions.split(','):
            def items(action, path, **more):
                text = self.signed(region, dict({'Action': action, 'Version': '2016-11-15'}, **more))
                return ElementTree.fromstring(re.sub(' xmlns="[^"]*"', '', text)).findall(path)

            states = {'Filter.1.Value.%d' % k: s for k, s in enumerate(('pending', 'running', 'stopping', 'stopped'), 1)}
            for i in items('DescribeInstances', './/instancesSet/item', **{'Filter.1.Name': 'instance-state-name'}, **states):
                tags = {t.findtext('key'): t.findtext('value') for t in i.findall('tagSet/item')}
                out['machines'].append({'id': region + '/' + i.findtext('instanceId'), 'state': i.findtext('instanceState/name'), 'cluster': tags.get('skytop-cluster'),
                                        'groups': [g.findtext('groupName') for g in i.findall('networkInterfaceSet/item/groupSet/item')]})
            for g in items('DescribeSecurityGroups', './securityGroupInfo/item', **{'Filter.1.Name': 'tag-key', 'Filter.1.Value.1': 'skytop-cluster'}):
                rules = [(p.findtext('fromPort'), p.findtext('toPort')) for p in g.findall('ipPermissions/item')]
                out['groups'].append({'name': g.findtext('groupName'), 'ports': sorted('-'.join(dict.fromkeys(r)) for r in rules)})
        return out

    def way_of(self, tried):
        """What becomes of this request; one that is sent again shares the fate of the first, but where that is to be its only one."""
        self.aim['seen'] += not tried
        if self.aim['seen'] != self.aim['n'] or (tried and self.aim['way'] == 'once'):
            return None
        return self.aim['way']

    def asked(self, action):
        with self.lock:
            return sum(1 for a in self.log if a[0] == action)

    # -- what happens to machines --

    def happened(self, action, form, text):
        """Tells self.machines of it: launch(address, key), stop(address), start(address), end(address)."""
        verb = {'RunInstances': 'launch', 'StopInstances': 'stop', 'StartInstances': 'start', 'TerminateInstances': 'end'}.get(action)
        if not verb or not self.machines:
            return
        key = ''
        if form.get('UserData'):
            data = base64.b64decode(form['UserData']).decode()
            assert data.startswith('#cloud-config\n'), data
            key = json.loads(data.split('\n', 1)[1])['ssh_authorized_keys'][0]
        for iid in dict.fromkeys(re.findall(r'<instanceId>([^<]+)', text)):
            with self.lock:
                address, known = self.given.get(iid), (verb, iid) in self.told
                self.told.add((verb, iid)) if verb in ('launch', 'end') else None
            if address and not known:
                getattr(self.machines, verb)(*([address, key] if verb == 'launch' else [address]))

    def signed(self, region, form):
        """The answer of EC2 to a form, with our keys."""
        body, at = urllib.parse.urlencode(form), time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
        host, kind, names = '127.0.0.1:%d' % self.moto_port, 'application/x-www-form-urlencoded', 'content-type;host;x-amz-date'
        scope = '%s/%s/ec2/aws4_request' % (at[:8], region)
        request = '\n'.join(['POST', '/', '', 'content-type:' + kind, 'host:' + host, 'x-amz-date:' + at, '', names, hashlib.sha256(body.encode()).hexdigest()])
        key = ('AWS4' + self.secret).encode()
        for part in scope.split('/') + ['\n'.join(['AWS4-HMAC-SHA256', at, scope, hashlib.sha256(request.encode()).hexdigest()])]:
            key = hmac.new(key, part.encode(), 'sha256').digest()
        c = http.client.HTTPConnection('127.0.0.1', self.moto_port, timeout=60)
        c.request('POST', '/', body, {'Content-Type': kind, 'Host': host, 'X-Amz-Date': at, 'Authorization':
                  'AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s' % (self.key, scope, names, key.hex())})
        r = c.getresponse()
        text = r.read().decode()
        assert r.status == 200, text
        return text

    def instances(self):
        """{id: state} as moto has them."""
        out = {}
        for region in ('us-east-1', 'us-west-2'):
            text = self.signed(region, {'Action': 'DescribeInstances', 'Version': '2016-11-15'})
            out.update(re.findall(r'(?s)<instanceId>([^<]+)</instanceId>.*?<instanceState>.*?<name>([^<]+)', text))
        return out

    # -- what moto lacks --

    def own_answer(self, action, region, body):
        if action == 'GetParameter':
            return 200, {'Parameter': {'Name': body.get('Name'), 'Value': self.image}}
        if action == 'GetServiceQuota':
            code = body.get('QuotaCode')
            if code in self.quotas:
                return 200, {'Quota': {'QuotaCode': code, 'Value': float(self.quotas[code])}}
            return 400, {'__type': 'NoSuchResourceException', 'message': 'no such quota'}
        if action == 'GetProducts':
            return self.products(body)
        return None

    def products(self, body):
        """The price list, some a page, of self.prices: {type: dollars}."""
        wanted = {f['Field']: f['Value'] for f in body['Filters']}
        start, types = int(body.get('NextToken', '0')), sorted(self.prices)
        rows = [json.dumps({'product': {'attributes': {'instanceType': name, 'regionCode': wanted['regionCode']}},
                            'terms': {'OnDemand': {'A': {'priceDimensions': {'B': {'unit': 'Hrs', 'pricePerUnit': {'USD': '%.10f' % self.prices[name]}}}}}}})
                for name in types[start:start + 3]]
        more = {'NextToken': str(start + 3)} if start + 3 < len(types) else {}
        return 200, dict({'FormatVersion': 'aws_v1', 'PriceList': rows}, **more)

    def once(self, form, *request):
        """RunInstances with a ClientToken that is known is answered as before, as EC2 does; moto would start more."""
        token = form.get('ClientToken') if form.get('Action') == 'RunInstances' else None
        if not token:
            return self.forward(*request)
        with self.launching:
            if token not in self.launched:
                answer = self.forward(*request)
                if answer[0] != 200:
                    return answer
                self.launched[token] = (form, answer)
            before, answer = self.launched[token]
            if before != form:
                return 400, [], (ERROR % ('IdempotentParameterMismatch', 'the token was used with other parameters')).encode()
            return answer

    def forward(self, method, path, headers, body):
        c = http.client.HTTPConnection('127.0.0.1', self.moto_port, timeout=120)
        c.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for k, v in headers.items():
            if k.lower() != 'connection':
                c.putheader(k, v)
        c.endheaders(body)
        r = c.getresponse()
        return r.status, r.getheaders(), r.read()

    def readdress(self, data):
        """In answers of EC2, instances get our addresses, by the order in which they are seen."""
        if not self.addresses or b'<instancesSet>' not in data:
            return data

        def one(m):
            item = m.group(0)
            iid = re.search(r'<instanceId>([^<]+)', item)[1]
            with self.lock:
                address = self.given.setdefault(iid, self.addresses[len(self.given) % len(self.addresses)])
            return re.sub(r'(<(?:ipAddress|publicIp|privateIpAddress)>)[\d.]+', r'\g<1>' + address, item)
        text = data.decode()
        parts = re.split(r'(?=<instanceId>)', text)
        # What comes before an id belongs to the instance before it, or to none; addresses come after the id, and before the next.
        return ''.join(one(re.match(r'(?s).*', p)) if p.startswith('<instanceId>') else p for p in parts).encode()
