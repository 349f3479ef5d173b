"""Blob Storage on this machine, for tests: azurite (Microsoft's emulator of Azure's storage, from npm), which verifies signatures. It is not fetched from anywhere
here: it is on the PATH, or in node_modules of the build folder (npm i azurite)."""
import base64, email.utils, hashlib, hmac, http.client, os, shutil, socket, subprocess, tempfile, time, urllib.parse
from aws_cloud import Unavailable, free_port

ACCOUNT = 'devstoreaccount1'
KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='  # azurite's own, known to everybody


def find():
    path = shutil.which('azurite-blob') or os.path.join(os.environ.get('top_builddir', '.'), 'node_modules/.bin/azurite-blob')
    if os.path.exists(path) and shutil.which('node'):
        return path
    raise Unavailable('azurite is not here (npm i azurite in the build folder)')


class Blobs:
    def __enter__(self):
        command, self.port, self.dir = find(), free_port(), tempfile.mkdtemp(prefix='skytop-azurite-')
        self.output = open(self.dir + '/log', 'w')
        self.proc = subprocess.Popen([command, '--blobHost', '127.0.0.1', '--blobPort', str(self.port), '--silent', '--disableTelemetry', '--inMemoryPersistence',
                                      '--skipApiVersionCheck'], stdout=self.output, stderr=self.output, cwd=self.dir)
        self.env = {'AZURE_STORAGE_CONNECTION_STRING': 'DefaultEndpointsProtocol=http;AccountName=%s;AccountKey=%s;BlobEndpoint=http://127.0.0.1:%d/%s;'
                    % (ACCOUNT, KEY, self.port, ACCOUNT)}
        try:
            for _ in range(400):
                if self.proc.poll() is not None:
                    raise Unavailable('azurite ends at once: ' + open(self.dir + '/log').read()[-300:])
                try:
                    socket.create_connection(('127.0.0.1', self.port), 1).close()
                    return self
                except OSError:
                    time.sleep(0.05)
            raise Unavailable('azurite does not listen')
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *args):
        self.proc.terminate()
        try:
            self.proc.wait(10)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        self.output.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def ask(self, method, path, query=(), data=b'', head=()):
        """Signed with the account's key (SharedKey)."""
        h = dict({'x-ms-date': email.utils.formatdate(usegmt=True), 'x-ms-version': '2020-10-02'}, **dict(head))
        path = '/%s%s' % (ACCOUNT, urllib.parse.quote(path, safe='/-_.~'))
        resource = '/' + ACCOUNT + path + ''.join('\n%s:%s' % p for p in sorted(query))
        text = '\n'.join([method, '', '', str(len(data)) if data else '', '', '', '', '', '', '', '', ''] + ['%s:%s' % p for p in sorted(h.items())] + [resource])
        sign = base64.b64encode(hmac.new(base64.b64decode(KEY), text.encode(), 'sha256').digest()).decode()
        c = http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)
        c.request(method, path + ('?' + urllib.parse.urlencode(query) if query else ''), data, dict(h, Authorization='SharedKey %s:%s' % (ACCOUNT, sign)))
        r = c.getresponse()
        body = r.read()
        assert r.status // 100 == 2, (method, path, r.status, body)

    def container(self, name, public=False):
        self.ask('PUT', '/' + name, [('restype', 'container')], head={'x-ms-blob-public-access': 'container'} if public else {})

    def put(self, container, name, data=b''):
        self.ask('PUT', '/%s/%s' % (container, name), data=data, head={'x-ms-blob-type': 'BlockBlob'})
