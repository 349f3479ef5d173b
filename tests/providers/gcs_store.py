"""Cloud Storage on this machine, for tests: buckets of objects with generations, tokens and their exchange for lesser ones. What a lesser token may read is what its
boundary says, and no more. Requests are checked against Google's description of the API where it is at hand."""
import http.server, json, os, re, threading, urllib.parse
from aws_cloud import Server
import openapi

SPEC = os.environ.get('SKYTOP_SHARED', os.environ.get('top_srcdir', '.') + '/../shared') + '/specs/gcp/storage.json'


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = 'HTTP/1.1', True

    def log_message(self, *args):
        pass

    def send(self, status, body, head=()):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.server.store.log.append((self.command, self.path, status, dict(self.headers.items())))
        self.send_response(status)
        for k, v in dict(head, **{'Content-Length': str(len(data))}).items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(data)

    def refuse(self, status, message):
        self.send(status, {'error': {'code': status, 'message': message, 'errors': [{'message': message, 'domain': 'global', 'reason': 'x'}]}})

    def do_POST(self):
        store, form = self.server.store, dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers['Content-Length'])).decode()))
        if self.path == '/token':
            assert form['refresh_token'] == 'refresh', form
            return self.send(200, {'access_token': 'whole', 'expires_in': 3600, 'token_type': 'Bearer'})
        assert self.path == '/v1/token', self.path
        kind = 'urn:ietf:params:oauth:token-type:access_token'
        assert form['grant_type'] == 'urn:ietf:params:oauth:grant-type:token-exchange' and form['subject_token'] == 'whole', form
        assert form['subject_token_type'] == form['requested_token_type'] == kind, form
        rule, = json.loads(form['options'])['accessBoundary']['accessBoundaryRules']
        bucket = re.fullmatch('//storage.googleapis.com/projects/_/buckets/([^/]+)', rule['availableResource'])[1]
        prefix = re.fullmatch(r"resource\.name\.startsWith\('projects/_/buckets/%s/objects/((?:[^'\\]|\\.)*)'\)" % bucket, rule['availabilityCondition']['expression'])[1]
        assert rule['availablePermissions'] == ['inRole:roles/storage.objectViewer'], rule
        token = 'lesser%d' % len(store.lesser)
        store.lesser[token] = (bucket, re.sub(r'\\(.)', r'\1', prefix))
        self.send(200, {'access_token': token, 'issued_token_type': kind, 'token_type': 'Bearer'})

    def do_GET(self):
        store, (path, _, query) = self.server.store, self.path.partition('?')
        # "media" as well as "json" is what every method that reads says it supports; the parameter's own list lacks it.
        wrong = store.description.request('GET', self.path.replace('alt=media', 'alt=json'), None) if store.description else []
        store.violations += ['%s: %s' % (self.path, w) for w in (['no such path'] if wrong is None else wrong)]
        m, q = re.fullmatch('/storage/v1/b/([^/]+)/o(?:/([^/]+))?', path), dict(urllib.parse.parse_qsl(query))
        bucket, key = m[1], urllib.parse.unquote(m[2]) if m[2] else None
        token = (self.headers.get('Authorization') or '').replace('Bearer ', '')
        limits = store.lesser.get(token)
        allowed = bucket in store.public or token == 'whole' or (limits and limits[0] == bucket and key and key.startswith(limits[1]))
        if bucket not in store.buckets:
            return self.refuse(404, 'The specified bucket does not exist.')
        if not allowed or bucket in store.denied:
            return self.refuse(403 if token else 401, 'does not have storage.objects.%s access' % ('get' if key else 'list'))
        objects = store.buckets[bucket]
        if not key:
            names = [n for n in sorted(objects) if n.startswith(q.get('prefix', '')) and n > q.get('pageToken', '')]
            some = names[:min(int(q['maxResults']), store.page)]
            page = {'items': [{'name': n, 'size': str(len(objects[n][0])), 'generation': str(objects[n][1])} for n in some]} if some else {}
            return self.send(200, dict(page, **({'nextPageToken': some[-1]} if len(some) < len(names) else {})))
        if store.then:
            then, store.then = store.then, None
            then()
        if key not in objects or q.get('generation') != str(objects[key][1]):
            return self.refuse(404, 'No such object')
        assert q['alt'] == 'media' and self.headers['Accept-Encoding'] == 'gzip', (q, dict(self.headers))
        data, start = objects[key][0], re.fullmatch(r'bytes=(\d+)-', self.headers.get('Range', ''))
        if start:
            return self.send(206, data[int(start[1]):], {'Content-Range': 'bytes %s-%d/%d' % (start[1], len(data) - 1, len(data))})
        self.send(200, data)


class Google:
    def __init__(self):
        self.buckets, self.public, self.denied, self.lesser, self.log, self.then, self.page, self.count = {}, set(), set(), {}, [], None, 5, 1700000000000000
        self.description, self.violations = openapi.Description(SPEC, prefix='/storage/v1') if os.path.exists(SPEC) else None, []

    def __enter__(self):
        self.server = Server(('127.0.0.1', 0), Handler)
        self.server.store = self
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        self.env = {'SKYTOP_GCP_ENDPOINT': 'http://127.0.0.1:%d' % self.server.server_address[1], 'GOOGLE_CLOUD_PROJECT': 'proj-1'}
        return self

    def __exit__(self, *args):
        self.server.shutdown()
        self.server.server_close()

    def credentials(self, path):
        with open(path, 'w') as f:
            json.dump({'type': 'authorized_user', 'client_id': 'c', 'client_secret': 's', 'refresh_token': 'refresh', 'account': 'me@example.org'}, f)
        self.env['GOOGLE_APPLICATION_CREDENTIALS'] = path

    def put(self, bucket, key, data):
        self.count += 1
        self.buckets.setdefault(bucket, {})[key] = (data, self.count)
