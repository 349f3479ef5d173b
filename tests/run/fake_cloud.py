"""The cloud behind the provider `akash` of fake_cloud.c, and a home whose engine uses it. What it has is kept here, so that a test sees which
machines there are whatever the engine believes. Machines are folders of this machine, or, with a farm, nodes behind sshd."""
import json, os, re, shutil, signal, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HERE = os.path.dirname(os.path.abspath(__file__))
FAKE = os.environ.get('SKYTOP_FAKE') or os.path.join(os.path.abspath(os.environ.get('top_builddir', '.')), 'skytop-fake')
os.environ['SKYTOP'] = FAKE
sys.path.insert(0, HERE)
import engine_test  # noqa


def offer(region='r1', zone='r1-a', instance_type='gpu1', price=2000000, spot=600000, **more):
    return dict({'instance_type': instance_type, 'accelerator': 'H100', 'accelerator_count': 1, 'gpu_mem_mib': 81559, 'vcpus': 8, 'mem_mib': 65536,
                 'region': region, 'zone': zone, 'price_uusd_h': price, 'spot_uusd_h': spot, 'available': 'unknown'}, **more)


class Refused(Exception):
    def __init__(self, code, scope='place', status=400, message=''):
        self.status, self.body = status, {'error': {'code': code, 'scope': scope, 'message': message or code}}


class Cloud:
    def __init__(self, folder, offers, farm=None):
        self.dir, self.offers, self.farm = folder, offers, farm
        self.free = list(farm.nodes) if farm else []
        self.nodes, self.made, self.log, self.bodies = {}, 0, [], []
        self.refuse = []    # functions (body of a create) that raise Refused
        self.held = None    # while set, nothing is ended: (status, code)
        self.quota = None   # function (candidate) → verdict
        self.faults = {}    # number of the request (1…) → 'error', 'drop', 'lost', 'hang', 'busy'
        self.count = 0
        self.on_create = None
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *a):
                pass

            def do_GET(self):
                cloud.serve(self, None)

            def do_POST(self):
                cloud.serve(self, json.loads(self.rfile.read(int(self.headers.get('Content-Length') or 0)) or 'null'))

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *a):
                pass
        self.server = Server(('127.0.0.1', 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()
        self.url = 'http://127.0.0.1:%d' % self.server.server_port

    def close(self):
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        for n in list(self.nodes.values()):
            self._end(n)

    # --- requests -----------------------------------------------------------------------------------------------------
    def serve(self, h, body):
        with self.lock:
            self.count += 1
            fault = self.faults.get(self.count)
            self.log.append('%s %s' % (h.command, h.path))
            self.bodies.append(body)
            if fault in ('drop', 'hang', 'busy', 'error'):
                status, reply = {'busy': (503, {}), 'error': (500, {'error': {'code': 'failed', 'message': 'InternalError'}})}.get(fault, (0, None))
            else:
                try:
                    status, reply = 200, self.answer(h.command, h.path, body)
                except Refused as r:
                    status, reply = r.status, r.body
        if fault == 'hang':
            self.stopping.wait(10)
        if fault in ('drop', 'lost', 'hang'):
            h.close_connection = True
            return
        data = json.dumps(reply).encode()
        h.send_response(status)
        h.send_header('Content-Type', 'application/json')
        h.send_header('Content-Length', str(len(data)))
        h.end_headers()
        h.wfile.write(data)

    def answer(self, method, path, body):
        path, _, query = path.partition('?')
        if (method, path) == ('GET', '/check'):
            return {'enabled': True, 'identity': 'tester'}
        if (method, path) == ('GET', '/offers'):
            return {'offers': self.offers, 'source': 'the fake cloud'}
        if (method, path) == ('GET', '/nodes'):
            cluster = query.partition('cluster=')[2]
            return {'nodes': [self.shown(n) for n in self.nodes.values() if not cluster or n['cluster'] == cluster]}
        if (method, path) == ('POST', '/nodes'):
            for r in self.refuse:
                r(body)
            return self.shown(self._make(body))
        if path == '/quota':
            if not self.quota:
                raise Refused('unsupported')
            return {'verdicts': [self.quota(c) for c in body['candidates']]}
        if path == '/terminate' and self.held:
            raise Refused(self.held[1], status=self.held[0], message='not to be ended\x1b[5m')
        if path in ('/terminate', '/stop', '/start'):
            for i in body['ids']:
                n = self.nodes.get(i)
                if n and n['status'] != 'TERMINATED':
                    self._end(n)
                    n['status'] = {'/terminate': 'TERMINATED', '/stop': 'STOPPED', '/start': 'RUNNING'}[path]
                    if path == '/start':
                        self._boot(n)
            return {'nodes': [self.shown(self.nodes[i]) for i in body['ids'] if i in self.nodes]}
        raise Refused('unsupported')

    def shown(self, n):
        return {k: v for k, v in n.items() if k != 'farm'}

    # --- machines -----------------------------------------------------------------------------------------------------
    def _make(self, body):
        token, rank = body['node']['token'], body['node']['rank']
        for n in self.nodes.values():
            if n['token'] == token:  # the same request again
                return n
        self.made += 1
        n = {'id': 'i-%d' % self.made, 'token': token, 'cluster': body['cluster'], 'name': body['name'], 'rank': rank, 'status': 'RUNNING', 'ip': '127.0.0.1',
             'tags': body['tags'], 'created_at': int(time.time() * 1000), 'price_uusd_h': body['price_uusd_h'], 'instance_type': body['instance_type'],
             'region': body['region'], 'zone': body['zone'], 'use_spot': body['use_spot'], 'reason': None, 'reach': None}
        if self.farm:
            n['farm'] = self.free.pop(0)
            self._furnish(n, body['ssh_public_key'])
        self.nodes[n['id']] = n
        self._boot(n)
        if self.on_create:
            self.on_create(n)
        return n

    def _furnish(self, n, key):
        node = n['farm']
        home = node.dir + '/home'
        for name in os.listdir(home):
            shutil.rmtree(home + '/' + name, ignore_errors=True) if os.path.isdir(home + '/' + name) else os.unlink(home + '/' + name)
        os.makedirs(home + '/.ssh', 0o700)
        with open(home + '/.ssh/authorized_keys', 'w') as f:
            f.write(key + '\n')
        node.new_host_keys()

    def _boot(self, n):
        if self.farm:
            node = n['farm']
            node.boot(wait=False)
            n['ip'] = node.host
            n['reach'] = {'kind': 'ssh', 'host': node.host, 'port': node.port, 'user': node.user}
            return
        home = '%s/%s' % (self.dir, n['id'])
        os.makedirs(home, exist_ok=True)
        n['reach'] = {'kind': 'local', 'home': home, 'env': {'FAKE_NODE': home}}

    def _end(self, n):
        if self.farm:
            if n['status'] == 'RUNNING':
                n['farm'].kill()
                if n['status'] != 'STOPPED':
                    self.free.append(n['farm'])
            return
        mark = ('FAKE_NODE=%s/%s\0' % (self.dir, n['id'])).encode()
        for pid in os.listdir('/proc'):
            if pid.isdigit() and int(pid) != os.getpid():
                try:
                    if mark in open('/proc/%s/environ' % pid, 'rb').read():
                        os.kill(int(pid), signal.SIGKILL)
                except OSError:
                    pass

    def alive(self, *statuses):
        with self.lock:
            return sorted((n['name'], n['rank'], n['status']) for n in self.nodes.values() if n['status'] in (statuses or ('RUNNING', 'PENDING', 'STOPPED')))

    def wants(self, path):
        with self.lock:
            return [b for line, b in zip(self.log, self.bodies) if line.startswith(path)]


class Home(engine_test.Home):
    """offers: what the cloud sells; farm: so many nodes behind sshd (0: folders)."""

    def __init__(self, offers=None, farm=0, config='', sim=False):
        super().__init__(config=config)
        self.env['HOME'] = self.dir + '/user'
        os.makedirs(self.dir + '/user/.ssh', 0o700)
        for v in list(self.env):
            if re.search(r'proxy$', v, re.I) or v == 'SSH_AUTH_SOCK':
                del self.env[v]
        self.env['SSH_AUTH_SOCK'] = ''
        self.why_not, self.farm = None, None
        if farm:
            sys.path.insert(0, os.path.join(HERE, '..', 'ssh'))
            from farm import Farm, Unavailable
            try:
                self.farm = Farm(farm, plain=True)
                for n in self.farm.nodes:
                    n.kill()
            except Unavailable as e:
                self.why_not = str(e)
        os.makedirs(self.dir + '/cloud')
        self.cloud = Cloud(self.dir + '/cloud', offers or [offer()], self.farm)
        self.env['SKYTOP_FAKE_ENDPOINT'] = self.cloud.url

    def need_ssh(self):
        if self.why_not:
            raise engine_test.Skip(self.why_not)

    def launch(self, *args, name='x', gpus='H100:1', infra='akash', **kw):
        return self.run('launch', '-y', '-c', name, '--gpus', gpus, '--infra', infra, *args, **kw)

    def close(self):
        try:
            super().close()
            left = self.cloud.alive()
        finally:
            self.cloud.close()
            if self.farm:
                self.farm.close()
        assert not left, 'machines were left: %r' % left


def main(cases, side_by_side=1):
    if not os.path.exists(FAKE):
        print('1..0 # SKIP there is no ' + FAKE)
        sys.exit(0)
    engine_test.main(cases, Home, side_by_side)
