#!/usr/bin/env python3
"""Which way requests to a cloud go, and whom they believe: certificates and proxies by the environment and by config.yaml, over loopback. TAP."""
import os, shutil, socket, ssl, subprocess, sys, threading
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fake_cloud import Home, engine_test, offer  # noqa


class Proxy:
    """Forwards what curl asks a proxy for: CONNECT, and plain requests by their whole URL. Every second connection goes to `to`, whatever its name."""

    def __init__(self, to):
        self.to, self.asked = to, []
        self.sock = socket.create_server(('127.0.0.1', 0))
        self.url = 'http://127.0.0.1:%d' % self.sock.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                c, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(c,), daemon=True).start()

    def one(self, c):
        head = b''
        while b'\r\n\r\n' not in head:
            got = c.recv(65536)
            if not got:
                return
            head += got
        method, url = head.split(b' ')[:2]
        self.asked.append('%s %s' % (method.decode(), url.decode()))
        up = socket.create_connection(self.to)
        if method == b'CONNECT':
            c.sendall(b'HTTP/1.1 200 yes\r\n\r\n')
        else:
            path = b'/' + url.split(b'/', 3)[3]
            up.sendall(head.replace(url, path, 1).replace(b'Proxy-Connection: Keep-Alive', b'Connection: close'))
        for a, b in ((c, up), (up, c)):
            threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        try:
            while True:
                data = a.recv(65536)
                if not data:
                    break
                b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self):
        self.sock.close()


class Route(Home):
    """tls: the cloud speaks it, with a certificate that nobody knows. Its engine is begun anew for each question: it keeps its environment."""

    def __init__(self, tls=False):
        super().__init__(offers=[offer()])
        self.cert = None
        if tls and shutil.which('openssl'):
            self.cert, key = self.dir + '/cert.pem', self.dir + '/key.pem'
            subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', self.cert, '-days', '2', '-subj', '/CN=cloud',
                            '-addext', 'subjectAltName=IP:127.0.0.1,DNS:cloud.test'], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.cert, key)
            self.cloud.server.socket = context.wrap_socket(self.cloud.server.socket, server_side=True, do_handshake_on_connect=False)
            self.cloud.url = self.cloud.url.replace('http:', 'https:')
            self.env['SKYTOP_FAKE_ENDPOINT'] = self.cloud.url
        self.proxy = Proxy(('127.0.0.1', self.cloud.server.server_port))
        for name in ('SSL_CERT_FILE', 'SSL_CERT_DIR', 'CURL_CA_BUNDLE'):
            self.env.pop(name, None)

    def ask(self, config='', **env):
        """Offers of the cloud → (was it heard?, what is said, what the proxy was asked)."""
        with open(self.dir + '/config/config.yaml', 'w') as f:
            f.write(config)
        del self.proxy.asked[:]
        self.run('engine', 'stop')
        rc, out, err = self.run('launch', '--dryrun', '--infra', 'akash', '--gpus', 'H100:1', env=env)
        return rc == 0, out + err, list(self.proxy.asked)

    def close(self):
        try:
            super().close()
        finally:
            self.proxy.close()


def certificates(h):
    if not h.cert:
        raise engine_test.Skip('there is no openssl to make a certificate with')
    ok, said, _ = h.ask()
    assert not ok and 'certificate' in said and 'http.ca_file' in said, said
    assert h.ask(SSL_CERT_FILE=h.cert)[0]
    assert h.ask('http: {ca_file: %s}\n' % h.cert)[0]
    # what config.yaml names counts before the environment
    assert not h.ask('http: {ca_file: %s}\n' % (h.dir + '/none.pem'), SSL_CERT_FILE=h.cert)[0]
    # through a proxy it is the cloud's certificate that counts, and the proxy sees no more than whom
    ok, said, asked = h.ask(SSL_CERT_FILE=h.cert, https_proxy=h.proxy.url)
    assert ok and asked and all(a.startswith('CONNECT 127.0.0.1:') for a in asked), (said, asked)
    ok, said, asked = h.ask(https_proxy=h.proxy.url)
    assert not ok and 'certificate' in said and asked, (said, asked)


def proxies(h):
    assert h.ask()[0::2] == (True, [])
    ok, said, asked = h.ask(http_proxy=h.proxy.url)
    assert ok and asked and asked[0].startswith('GET http://127.0.0.1'), (said, asked)
    # who is excepted is asked directly
    for names in ('127.0.0.1', 'other.test,127.0.0.0/8', '*'):
        assert h.ask(http_proxy=h.proxy.url, NO_PROXY=names)[0::2] == (True, []), names
        assert h.ask(http_proxy=h.proxy.url, no_proxy=names)[0::2] == (True, []), names
    # a name that only the proxy knows
    ok, said, asked = h.ask(http_proxy=h.proxy.url, SKYTOP_FAKE_ENDPOINT='http://cloud.test')
    assert ok and asked[0].startswith('GET http://cloud.test/offers'), (said, asked)
    # config.yaml counts before the environment
    ok, said, asked = h.ask('http: {proxy: "%s"}\n' % h.proxy.url, http_proxy='http://127.0.0.1:1')
    assert ok and asked, (said, asked)
    assert h.ask('http: {proxy: none}\n', http_proxy=h.proxy.url)[0::2] == (True, [])
    # one that is not there is named
    ok, said, asked = h.ask(http_proxy='http://me:SECRET@127.0.0.1:1/')
    assert not ok and 'a proxy is set, 127.0.0.1:1' in said and 'SECRET' not in said and 'no cloud answers' in said, said


if not os.path.exists(os.environ['SKYTOP']):
    print('1..0 # SKIP there is no ' + os.environ['SKYTOP'])
    sys.exit(0)
engine_test.main([('certificates', certificates, {'tls': True}), ('proxies', proxies, {})], Route)
