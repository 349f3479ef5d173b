"""S3 on this machine, for tests: moto's server keeps the buckets; a gate before it lets in who may.

moto's own auth mode knows no presigned requests, and takes a query apart that it should not; so the gate verifies signatures (Version 4, in headers and in
queries) by an implementation of its own, and what a user may do. Besides, it does to requests what can happen to them:

    with Store() as s3:
        s3.put('bucket', 'key', b'data')
        s3.users['AKIA…'] = ('secret', {'bucket': 'rl'})    # r: read objects, l: list
        s3.public.add('bucket')
        s3.cut('key', after=1000)       # the connection is cut once, after so many bytes
        s3.refuse('key', 503)           # so often: times=1
        s3.env, s3.log                  # what a client needs; (method, path, query, status) of each request
"""
import hashlib, hmac, http.client, http.server, os, re, shutil, socket, subprocess, tempfile, threading, time, urllib.parse
from aws_cloud import Server, Unavailable, find_moto, free_port

SOMEBODY = 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0'  # for moto, which looks no closer
ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>%s</Code><Message>%s</Message></Error>'


def quote(text, safe=''):
    return urllib.parse.quote(text, safe=safe + '-_.~')


def signature(secret, method, path, query, headers, names, payload, at, scope):
    """What it must be. query: pairs, decoded."""
    pairs = '&'.join('%s=%s' % p for p in sorted((quote(k), quote(v)) for k, v in query))
    head = ''.join('%s:%s\n' % (n, ' '.join(headers.get(n, '').split())) for n in names)
    request = '\n'.join([method, quote(urllib.parse.unquote(path), '/'), pairs, head, ';'.join(names), payload])
    key = ('AWS4' + secret).encode()
    for part in scope.split('/') + ['\n'.join(['AWS4-HMAC-SHA256', at, scope, hashlib.sha256(request.encode()).hexdigest()])]:
        key = hmac.new(key, part.encode(), 'sha256').digest()
    return key.hex()


class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = 'HTTP/1.1', True

    def log_message(self, *args):
        pass

    def answer(self, status, code='', message='', head=()):
        data = (ERROR % (code, message)).encode() if code and self.command != 'HEAD' else b''
        self.note(status)
        self.send_response(status)
        for k, v in head:
            self.send_header(k, v)
        self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def note(self, status):
        with self.server.store.lock:
            self.server.store.log.append((self.command, self.where, dict(self.query), status, dict(self.headers.items())))

    def who(self):
        """(user, None), (None, None): nobody, or (None, refusal)."""
        q, auth, now = dict(self.query), self.headers.get('Authorization'), time.time()
        if auth:
            m = re.fullmatch(r'AWS4-HMAC-SHA256 Credential=([^/]+)/(\S+), SignedHeaders=(\S+), Signature=([0-9a-f]{64})', auth)
            key, scope, names, sign = m.groups()
            at, life, pairs, payload = self.headers['X-Amz-Date'], 900, self.query, self.headers['X-Amz-Content-Sha256']
            assert payload == hashlib.sha256(b'').hexdigest(), payload
        elif 'X-Amz-Signature' in q:
            key, scope = q['X-Amz-Credential'].split('/', 1)
            names, sign, at, life, payload = q['X-Amz-SignedHeaders'], q['X-Amz-Signature'], q['X-Amz-Date'], int(q['X-Amz-Expires']), 'UNSIGNED-PAYLOAD'
            pairs = [p for p in self.query if p[0] != 'X-Amz-Signature']
        else:
            return None, None
        if key not in self.server.store.users:
            return None, ('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
        if now > time.mktime(time.strptime(at + 'UTC', '%Y%m%dT%H%M%SZ%Z')) - time.timezone + (life if not self.server.store.short else self.server.store.short):
            return None, ('AccessDenied', 'Request has expired')
        headers = {k.lower(): v for k, v in self.headers.items()}
        want = signature(self.server.store.users[key][0], self.command, self.where, pairs, headers, names.split(';'), payload, at, scope)
        if want != sign or 'host' not in names.split(';') or not scope.endswith('/s3/aws4_request'):
            return None, ('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.')
        return key, None

    def do_GET(self):
        store = self.server.store
        self.where, _, query = self.path.partition('?')
        self.query = urllib.parse.parse_qsl(query, keep_blank_values=True)
        bucket, _, key = urllib.parse.unquote(self.where)[1:].partition('/')
        user, refusal = self.who()
        if refusal:
            return self.answer(403, *refusal)
        right = 'r' if key else 'l'
        if bucket in store.buckets and not (bucket in store.public or user and right in store.users[user][1].get(bucket, '')):
            return self.answer(403, 'AccessDenied', 'Access Denied')
        fault = store.fault(key, dict(self.query))
        if fault and 'status' in fault:
            return self.answer(fault['status'], 'ServiceUnavailable' if fault['status'] == 503 else 'InternalError', 'injected')
        if key and self.command == 'GET' and store.then:
            then, store.then = store.then, None
            then()
        status, head, data = store.ask(self.command, self.where + '?' + '&'.join('%s=%s' % (quote(k), quote(store.page if k == 'max-keys' and store.page else v))
                                                                                  for k, v in self.query if not k.startswith('X-Amz-')),
                                       {k: v for k, v in self.headers.items() if k.lower() in ('range', 'if-match')})
        self.note(status)
        self.send_response(status)
        length = None
        for k, v in head:
            if k.lower() == 'content-length':
                length = v
            elif k.lower() not in ('connection', 'transfer-encoding'):
                self.send_header(k, v)
        self.send_header('Content-Length', length if self.command == 'HEAD' and length else str(len(data)))
        self.end_headers()
        if fault:
            self.wfile.write(data[:fault['after']])
            self.close_connection = True
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        elif store.slow and key:
            for i in range(0, len(data), 65536):
                self.wfile.write(data[i:i + 65536])
                time.sleep(store.slow)
        else:
            self.wfile.write(data)

    do_HEAD = do_GET


class Store:
    def __init__(self):
        self.lock, self.log, self.faults, self.short, self.slow, self.then = threading.Lock(), [], [], 0, 0, None
        self.page = ''  # a list has no more keys than this at once, whatever is asked for
        self.users, self.public, self.buckets, self.local = {}, set(), set(), threading.local()

    def __enter__(self):
        command, self.dir, self.port = find_moto(), tempfile.mkdtemp(prefix='skytop-s3-'), free_port()
        env = {k: v for k, v in os.environ.items() if not k.startswith('AWS_')}
        self.output = open(self.dir + '/moto.log', 'w')
        self.moto = subprocess.Popen(command + ['-H', '127.0.0.1', '-p', str(self.port)], stdout=self.output, stderr=self.output, env=env)
        self.server = Server(('127.0.0.1', 0), Gate)
        self.server.store = self
        self.url = 'http://127.0.0.1:%d' % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        self.users['AKIATESTER'] = ('s3cr/t+' + 'x' * 30, {})
        self.env = {'AWS_ENDPOINT_URL_S3': self.url, 'AWS_ACCESS_KEY_ID': 'AKIATESTER', 'AWS_SECRET_ACCESS_KEY': self.users['AKIATESTER'][0], 'AWS_REGION': 'eu-west-1'}
        try:
            for _ in range(600):
                if self.moto.poll() is not None:
                    raise Unavailable('moto_server ends at once')
                try:
                    socket.create_connection(('127.0.0.1', self.port), 1).close()
                    return self
                except OSError:
                    time.sleep(0.05)
            raise Unavailable('moto_server does not listen')
        except BaseException:
            self.__exit__()
            raise

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

    def ask(self, method, path, headers, body=None):
        """moto's answer; one connection a thread."""
        for last in (False, True):
            c = getattr(self.local, 'c', None)
            if not c:
                c = self.local.c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
            try:
                c.request(method, path, body, dict(headers, Authorization=SOMEBODY))
                r = c.getresponse()
                return r.status, r.getheaders(), r.read()
            except (OSError, http.client.HTTPException):
                c.close()
                self.local.c = None
                if last:
                    raise

    def bucket(self, name, rights='rl'):
        assert self.ask('PUT', '/' + name, {})[0] == 200
        self.buckets.add(name)
        self.users['AKIATESTER'][1][name] = rights

    def put(self, bucket, key, data=b''):
        status, _, text = self.ask('PUT', '/%s/%s' % (bucket, quote(key, '/')), {}, data)
        assert status == 200, (key, status, text)

    def delete(self, bucket, key):
        assert self.ask('DELETE', '/%s/%s' % (bucket, quote(key, '/')), {})[0] == 204

    def cut(self, key, after, times=1):
        self.faults.append({'key': key, 'after': after, 'times': times})

    def refuse(self, key, status, times=1):
        self.faults.append({'key': key, 'status': status, 'times': times})

    def fault(self, key, query):
        with self.lock:
            for f in self.faults:
                if f['times'] > 0 and key and f['key'] == key:
                    f['times'] -= 1
                    return f
        return None
