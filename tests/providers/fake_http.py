"""What the stand-ins for clouds share: a server on loopback that keeps a world, answers from it, and does wrong what a test told it to.

A stand-in is a World (what there is, and `answer` to a request) given to serve(), which prints its port and serves until its stdin ends.
POST /fake/NAME with a JSON object calls the world's tell_NAME; GET /fake/state shows what there is.

With --prism PROGRAM what the vendor describes goes through Stoplight's prism as well, a validating proxy: client → here → prism → here (/inner/…), and what
prism finds wrong, in requests or replies, is a violation too."""
import argparse
import atexit
import http.client
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from openapi import Description


class Refusal(Exception):
    """An answer that is an error."""
    def __init__(self, status, body):
        super().__init__(json.dumps(body))
        self.status, self.body = status, body


class Question:
    """A request: method, path, url (path and query), query (name → values), body (JSON or None), form (name → values), headers."""
    def __init__(self, handler):
        parts = urlsplit(handler.path)
        self.raw = handler.rfile.read(int(handler.headers.get('Content-Length') or 0)).decode()
        is_json = 'json' in handler.headers.get('Content-Type', '')
        self.method, self.path, self.url, self.headers = handler.command, parts.path, handler.path, handler.headers
        self.query = parse_qs(parts.query, keep_blank_values=True)
        self.body = json.loads(self.raw) if self.raw and is_json else None
        self.form = parse_qs(self.raw) if self.raw and not is_json else {}
        self.base = f'http://{handler.headers["Host"]}'

    def bearer(self):
        return self.headers.get('Authorization', '').removeprefix('Bearer ')


class World:
    def __init__(self):
        self.lock = threading.RLock()
        self.count = itertools.count(1)
        self.description = self.prism = None
        self.tell_reset({})

    def fresh(self):
        """As it is before anything was asked."""
        raise NotImplementedError

    def settle(self):
        """What has come to its end by now."""

    def answer(self, q):
        """(status, reply[, headers]), or a Refusal."""
        raise NotImplementedError

    def validated(self, path):
        """The path as the description has it, of what replies are checked of and prism is asked about; else None."""
        return None

    def state(self):
        """More for GET /fake/state."""
        return {}

    # --- what tests ask for
    def tell_reset(self, _):
        self.tokens, self.faults, self.requests, self.violations, self.unknown = set(), [], [], [], set()
        self.op_s, self.page = 0.03, 500  # how long operations take, items of a page
        self.spoilt = None  # the error that operations begun by this request will have
        self.fresh()

    def tell_set(self, a):
        for key, v in a.items():
            setattr(self, key, set(v) if isinstance(getattr(self, key), set) else v)

    def tell_fault(self, a):
        """{"match": regular expression over "METHOD /path", "skip": n, "times": n, and one of "status" with "body", "drop": "before"|"after",
        "timeout": true, which is done, and answered in a way that the rig of the tests takes for none in time;
        "operation_error": what the operation that it begins will end with; "headers": {…}}"""
        self.faults.append(dict({'skip': 0, 'times': 1}, **a))

    def tell_revoke(self, _):
        self.tokens.clear()

    # --- for stand-ins
    def new_token(self, stem):
        text = f'{stem}{next(self.count)}'
        self.tokens.add(text)
        return text

    def described(self, q, refuse, url=None):
        """Is the request as the vendor describes it? Refused if not, and kept as a violation."""
        if not self.description:
            return
        wrong = self.description.request(q.method, url or q.url, q.body)
        if wrong is None:
            self.unknown.add(f'{q.method} {re.sub("[0-9]+", "N", q.path)}')
        elif wrong:
            self.violations += [f'{q.method} {q.url}: request: {text}' for text in wrong]
            raise refuse('not as described: ' + '; '.join(wrong))

    def fault_for(self, line):
        for f in self.faults:
            if re.search(f['match'], line) and f['times'] > 0:
                if f['skip'] > 0:
                    f['skip'] -= 1
                    continue
                f['times'] -= 1
                return f
        return {}


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    world = None

    def log_message(self, *_):
        pass

    def send(self, status, body, headers=None):
        data = b'' if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        if data:
            self.send_header('Content-Type', 'text/plain' if isinstance(body, str) else 'application/json')
        self.send_header('Content-Length', str(len(data)))
        for k, v in (headers or {}).items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(data)

    def drop(self):
        self.close_connection = True
        self.connection.close()

    def through_prism(self, q, path):
        """Sent on, and what comes back sent back."""
        to = http.client.HTTPConnection('127.0.0.1', self.world.prism, timeout=60)
        keep = {k: v for k, v in self.headers.items() if k.lower() in ('authorization', 'content-type', 'host')}
        to.request(self.command, path, q.raw.encode() or None, keep)
        reply = to.getresponse()
        text = reply.read().decode()
        to.close()
        if 'FetchError' in text:  # it was dropped
            self.drop()
            return
        wrong = json.loads(reply.getheader('sl-violations') or '[]')
        wrong = [w for w in wrong if w['location'] != ['response']]  # descriptions do not list the statuses of errors
        if 'problem+json' in (reply.getheader('content-type') or '') and not wrong:
            wrong = [{'message': text}]
        with self.world.lock:
            self.world.violations += [f'{self.command} {self.path}: prism: {".".join(map(str, w.get("location", ())))}: {w["message"]}' for w in wrong]
        pass_on = ('azure-asyncoperation', 'location', 'retry-after')
        self.send(reply.status, json.loads(text) if text else None, {k: v for k, v in reply.getheaders() if k.lower() in pass_on})

    def control(self, name, raw):
        w = self.world
        if name == 'state':
            self.send(200, dict({'violations': w.violations, 'requests': w.requests, 'unknown': sorted(w.unknown), 'checked': w.description is not None}, **w.state()))
        else:
            getattr(w, 'tell_' + name)(json.loads(raw) if raw else {})
            self.send(200, {})

    def handle_any(self):
        inner = self.path.startswith('/inner/')
        if inner:
            self.path = self.path[len('/inner'):]
        w, q = self.world, Question(self)
        path = w.validated(q.path) if w.prism and not inner and w.description.find(q.method, q.path) else None
        if path:
            self.through_prism(q, path + q.url[len(q.path):])
            return
        with w.lock:
            w.settle()
            if q.path.startswith('/fake/'):
                self.control(q.path[6:], q.raw)
                return
            w.requests.append(f'{q.method} {q.url}')
            fault = w.fault_for(f'{q.method} {q.path}')
            if fault.get('drop') == 'before':
                self.drop()
                return
            if 'status' in fault:
                self.send(fault['status'], fault.get('body', {}), fault.get('headers'))
                return
            w.spoilt = fault.get('operation_error')
            try:
                answer = w.answer(q)
            except Refusal as r:
                answer = r.status, r.body
            w.spoilt = None
            if w.description and w.validated(q.path) and answer[1] is not None:
                w.violations += [f'{q.method} {q.url}: reply: {text}' for text in w.description.reply(q.method, q.url, answer[0], answer[1]) or ()]
        if fault.get('drop') == 'after':
            self.drop()
            return
        if fault.get('timeout'):
            self.wfile.write(b'timeout')
            self.drop()
            return
        self.send(*answer)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError)):
            super().handle_error(request, client_address)


def opened(node):
    """A description in which a list of values that may have more (as Azure marks them) is none."""
    if isinstance(node, list):
        return [opened(v) for v in node]
    if not isinstance(node, dict):
        return node
    more = isinstance(node.get('x-ms-enum'), dict) and node['x-ms-enum'].get('modelAsString')
    return {k: opened(v) for k, v in node.items() if not (more and k == 'enum')}


def start_prism(program, description, upstream):
    """Its port, when it listens; it goes with this process."""
    with tempfile.NamedTemporaryFile('w', suffix='.json', delete=False) as f:
        json.dump(opened(description.doc), f)
    atexit.register(os.unlink, f.name)
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    child = subprocess.Popen([program, 'proxy', '-h', '127.0.0.1', '-p', str(port), '--errors', '-v', 'error', f.name, upstream],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(lambda: (child.terminate(), child.wait()))
    for _ in range(600):
        try:
            socket.create_connection(('127.0.0.1', port)).close()
            return port
        except OSError:
            if child.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit('prism does not come up')


def serve(world, **how):
    """The whole program: --spec FILE is the vendor's description, read with `how`, where it is there."""
    options = argparse.ArgumentParser()
    options.add_argument('--spec')
    options.add_argument('--prism')
    options.add_argument('--port', type=int, default=0)
    options = options.parse_args()
    if options.spec and os.path.exists(options.spec):
        world.description = Description(options.spec, **how)
    Handler.world = world
    server = Server(('127.0.0.1', options.port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if options.prism and world.description:
        world.prism = start_prism(options.prism, world.description, f'http://127.0.0.1:{server.server_address[1]}/inner' + how.get('prefix', ''))
    print(server.server_address[1], flush=True)
    sys.stdin.read()
