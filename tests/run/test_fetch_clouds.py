#!/usr/bin/env python3
"""File mounts from Azure, Google Cloud and the web, from the task file to what a job reads; nodes are folders on this machine. TAP. What each store is: see
blob_store.py and gcs_store.py."""
import gzip, http.client, http.server, json, os, re, sys, threading
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '../providers'))
sys.path.insert(0, HERE)
import engine_test  # noqa: E402
from aws_cloud import Server, Unavailable  # noqa: E402
from blob_store import ACCOUNT, KEY, Blobs  # noqa: E402
from gcs_store import Google  # noqa: E402
from test_fetch import ODD, Home as FetchHome, look  # noqa: E402


class Home(FetchHome):
    def __init__(self):
        super().__init__(None)
        for name in [n for n in self.env if n.startswith(('AZURE_', 'GOOGLE_', 'CLOUDSDK_', 'SKYTOP_A', 'SKYTOP_G'))]:
            del self.env[name]


class Manager(http.server.BaseHTTPRequestHandler):
    """Azure's login and resource manager, as far as the keys of an account go; the account itself is azurite."""
    protocol_version, disable_nagle_algorithm, log, blobs = 'HTTP/1.1', True, [], None

    def log_message(self, *args):
        pass

    def answer(self, status, data, head=()):
        data = data if isinstance(data, bytes) else json.dumps(data).encode()
        self.send_response(status)
        for k, v in dict({'Content-Length': len(data)}, **dict(head)).items():
            self.send_header(k, str(v))
        self.end_headers()
        self.wfile.write(data if self.command != 'HEAD' else b'')

    def do_GET(self):
        path, account = self.path.split('?')[0], '/subscriptions/sub-1/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/' + ACCOUNT
        self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.log.append((self.command, path))
        if path == '/tenant-1/oauth2/v2.0/token':
            return self.answer(200, {'access_token': 'arm', 'expires_in': 3600})
        if path.startswith('/unknown/'):
            return self.answer(404, b'')
        if not path.startswith('/' + ACCOUNT):
            assert self.headers['Authorization'] == 'Bearer arm', dict(self.headers)
        if path == '/subscriptions/sub-1/providers/Microsoft.Storage/storageAccounts':
            return self.answer(200, {'value': [{'name': 'another', 'id': '/x'}, {'name': ACCOUNT, 'id': account}]})
        if path == account + '/listKeys' and self.command == 'POST':
            return self.answer(200, {'keys': [{'keyName': 'key1', 'value': KEY, 'permissions': 'FULL'}]})
        assert path.startswith('/%s/' % ACCOUNT) and not self.headers.get('Authorization'), path
        c = http.client.HTTPConnection('127.0.0.1', self.blobs.port, timeout=60)
        c.request(self.command, self.path, headers={k: v for k, v in self.headers.items() if k.lower() in ('range', 'if-match')})
        r = c.getresponse()
        kept = ('etag', 'content-type', 'x-ms-error-code', 'content-range', 'content-length')
        self.answer(r.status, r.read(), [(k, v) for k, v in r.getheaders() if k.lower() in kept])

    do_POST = do_HEAD = do_GET


def azure(h):
    try:
        blobs = Blobs().__enter__()
    except Unavailable as e:
        raise engine_test.Skip(str(e))
    uri = 'https://%s.blob.core.windows.net/' % ACCOUNT
    try:
        blobs.container('data')
        blobs.container('open', public=True)
        names = {n.replace('\\', '/'): d for n, d in ODD.items() if not n.endswith(('.', '/'))}  # as Azure takes names
        for name, data in names.items():
            blobs.put('data', 'in/put/' + name, data)
        blobs.put('data', 'in/put-elsewhere', b'no')
        blobs.put('open', 'x', b'public')
        h.env.update(blobs.env)
        rc, out, err = h.launch({'~/x': uri + 'data/in/put', '~/one': {'source': uri + 'data/in/put/a.txt', 'mode': 'COPY'}}, run='cat ~/x/a.txt ~/one; echo')
        assert rc == 0 and 'aa\n' in out, (rc, out, err)
        assert look(h.homes()[0] + '/x') == names, look(h.homes()[0] + '/x').keys() ^ names.keys()
        for status, words, src in ((1, 'nothing of that name', 'data/nothing'), (1, 'there is no container', 'nowhere/x'), (2, 'no URI of a container', 'data?sig=x')):
            rc, out, err = h.launch({'~/x': uri.replace(ACCOUNT, 'UPPER') + 'data' if '?' in src else uri + src}, name='other')
            assert rc == status and words in err, (src, rc, out, err)
        rc, out, err = h.launch({'~/x': uri + 'data/x?sv=1&sig=hush'}, name='other')
        assert rc == 2 and 'no ? or #' in err and 'hush' not in err, (rc, out, err)
        h.ok('engine', 'stop')
        h.env['AZURE_STORAGE_CONNECTION_STRING'] = blobs.env['AZURE_STORAGE_CONNECTION_STRING'].replace('Eby8', 'Xby8')
        rc, out, err = h.launch({'~/x': uri + 'data/in/put'}, name='other')
        assert rc == 4 and 'AZURE_STORAGE_CONNECTION_STRING' in err and 'by8v' not in err, (rc, out, err)
        # Nobody's key; a public container; then whoever is logged in is given one.
        h.ok('engine', 'stop')
        server = Server(('127.0.0.1', 0), Manager)
        Manager.blobs = blobs
        threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        del h.env['AZURE_STORAGE_CONNECTION_STRING']
        h.env['SKYTOP_AZURE_ENDPOINT'] = 'http://127.0.0.1:%d' % server.server_address[1]
        rc, out, err = h.launch({'~/x': uri + 'data/in/put'}, name='other')
        assert rc == 4 and 'is not public, or not there, and no credentials of Azure' in err and 'az login' in err, (rc, out, err)
        rc, out, err = h.launch({'~/x': uri + 'open'}, name='other', run='cat ~/x/x')
        assert rc == 0 and 'public' in out, (rc, out, err)
        h.ok('engine', 'stop')
        h.env.update(AZURE_TENANT_ID='tenant-1', AZURE_CLIENT_ID='client-1', AZURE_CLIENT_SECRET='hush', AZURE_SUBSCRIPTION_ID='sub-1')
        rc, out, err = h.launch({'~/x': uri + 'data/in/put'}, name='other', run='cat ~/x/a.txt')
        assert rc == 0 and 'a' in out, (rc, out, err)
        assert len([1 for method, path in Manager.log if path.endswith('/listKeys')]) == 1, Manager.log
        rc, out, err = h.launch({'~/x': uri.replace(ACCOUNT, 'unknown') + 'data'}, name='third')
        assert rc == 4 and 'no storage account unknown' in err and 'client-1' in err, (rc, out, err)
        server.shutdown()
        server.server_close()
    finally:
        blobs.__exit__()


def google(h):
    with Google() as g:
        g.credentials(h.dir + '/credentials.json')
        h.env.update(g.env)
        for name, data in ODD.items():
            g.put('data', "in/p'ut/" + name, data)
        g.put('data', "in/p'ut-elsewhere", b'no')
        g.put('data', "in/p'ut/folder/", b'')
        g.put('open', 'x', b'public')
        g.put('large', 'x', b'0' * 10000000)
        uri = "gs://data/in/p'ut"
        rc, out, err = h.launch({'~/x': uri, '~/one': {'source': uri + '/a.txt', 'mode': 'COPY'}}, run='cat ~/x/a.txt ~/one; echo')
        assert rc == 0 and 'aa\n' in out, (rc, out, err)
        home = h.homes()[0]
        assert look(home + '/x') == dict(ODD, **{'folder/': None}), look(home + '/x').keys() ^ ODD.keys()
        assert {head['Authorization'] for _, path, _, head in g.log if '/o/' in path} <= {'Bearer ' + t for t in g.lesser}  # the whole one never gets to a node
        assert set(g.lesser.values()) == {('data', "in/p'ut"), ('data', "in/p'ut/a.txt")}, g.lesser
        assert any('pageToken' in path for _, path, _, _ in g.log)
        since = len(g.log)
        g.put('data', "in/p'ut/a.txt", b'z')
        g.then = lambda: g.put('data', "in/p'ut/a.txt", b'y')
        rc, out, err = h.launch({'~/x': uri}, run='cat ~/x/a.txt')
        assert rc == 0 and 'y' in out, (rc, out, err)
        assert {path.split('?')[0].rsplit('%2F', 1)[1] for _, path, _, _ in g.log[since:] if '/o/' in path} == {'a.txt'}
        for status, words, src in ((1, 'nothing of that name', 'gs://data/nothing'), (1, 'there is no bucket', 'gs://nowhere/x')):
            rc, out, err = h.launch({'~/x': src}, name='other')
            assert rc == status and words in err, (src, rc, out, err)
        g.denied.add('data')
        rc, out, err = h.launch({'~/x': uri}, name='other')
        assert rc == 4 and 'me@example.org' in err, (rc, out, err)
        h.ok('engine', 'stop')
        del h.env['GOOGLE_APPLICATION_CREDENTIALS']
        rc, out, err = h.launch({'~/x': 'gs://open'}, name='other')
        assert rc == 4 and 'is not public' in err, (rc, out, err)
        g.public.add('open')
        rc, out, err = h.launch({'~/x': 'gs://open'}, name='other', run='cat ~/x/x')
        assert rc == 0 and 'public' in out, (rc, out, err)
        g.public.add('large')
        rc, out, err = h.launch({'~/x': 'gs://large'}, name='third', num_nodes=2)
        cost = h.events('launch.egress', 'third')
        assert rc == 0 and len(cost) == 1 and re.search(r'20\.0 MB to local costs about \$0\.00\d+ \(an estimate', cost[0]), (rc, out, err, cost)
        assert not g.violations, g.violations


class Web(http.server.BaseHTTPRequestHandler):
    """One file, behind a redirect; and servers that say less than they should."""
    protocol_version, disable_nagle_algorithm = 'HTTP/1.1', True
    data, log = b'a list, ' * 100000, []

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.log.append((self.command, self.path, self.headers.get('Range')))
        status, head, data = {'/file.csv': (302, {'Location': '/there/file.csv'}, b''), '/there/file.csv': (200, {'ETag': '"e1"'}, self.data),
                              '/unranged': (200, {}, self.data)}.get(self.path, (404, {}, b'no'))
        if self.path == '/signed?sig=hush':
            packs = 'gzip' in self.headers.get('Accept-Encoding', '')
            status, head, data = (200, {'Content-Encoding': 'gzip'}, gzip.compress(self.data)) if packs else (200, {}, self.data)
        start = self.headers.get('Range') if self.path == '/there/file.csv' else None
        if start:
            start = int(start[6:-1])
            status, data, head = 206, data[start:], dict(head, **{'Content-Range': 'bytes %d-%d/%d' % (start, len(data) - 1, len(data))})
        self.send_response(status)
        for k, v in dict(head, **{'Content-Length': str(len(data))} if self.path != '/untold' else head).items():
            self.send_header(k, v)
        self.end_headers()
        if self.command == 'HEAD':
            return
        cut = self.path == '/unranged' and len([1 for r in self.log if r[0] == 'GET' and r[1] == self.path]) == 1
        self.wfile.write(data[:1000] if cut else data)
        self.close_connection = self.close_connection or cut

    do_HEAD = do_GET


def web(h):
    server = Server(('127.0.0.1', 0), Web)
    threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
    url = 'http://127.0.0.1:%d/' % server.server_address[1]
    try:
        rc, out, err = h.launch({'~/in/list.csv': url + 'file.csv', '~/u': url + 'unranged'}, run='cat ~/in/list.csv | wc -c; cat ~/u | wc -c')
        assert rc == 0 and out.count(str(len(Web.data))) == 2, (rc, out, err)
        asked = len(Web.log)
        rc, out, err = h.launch({'~/in/list.csv': url + 'file.csv'}, run='true')
        assert rc == 0 and not [r for r in Web.log[asked:] if r[0] == 'GET'], (rc, out, err)
        # A presigned link of one's own is shown without what makes it one; and a server that packs what it sends does not mislead.
        told = []
        for mount in ({'~/s': url + 'signed?sig=hush'}, {'~/s': url + 'nothing?sig=hush'}):
            rc, out, err = h.launch(mount, run='wc -c <~/s')
            told += [out, err, json.dumps(h.json('events', 'k')), json.dumps(h.json('requests', '--all'))]
            assert ('signed' in str(mount)) == (rc == 0) and (rc or str(len(Web.data)) in out), (rc, out, err)
        assert 'hush' not in str(told) and 'sig=(not shown)' in str(told), told
        for status, words, src in ((1, 'HTTP status 404', url + 'nothing'), (2, 'no URL', url + 'a b'), (2, 'no URL', url.replace('//', '//me:hush@') + 'x')):
            rc, out, err = h.launch({'~/x': src}, name='other')
            assert rc == status and words in err, (src, rc, out, err)
    finally:
        server.shutdown()
        server.server_close()


CASES = [('Google: names of all kinds, lesser tokens, refusals', google), ('a file of the web: redirects, cuts, refusals', web),
         ('Azure: names of all kinds, refusals', azure)]

if __name__ == '__main__':
    engine_test.main([(name, fn, {}) for name, fn in CASES if os.environ.get("SKYTOP_ONLY", "") in name], make=Home)
