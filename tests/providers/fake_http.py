"""What the stand-ins for clouds share: a server on loopback that keeps a world, answers from it, and does wrong what a test told it to.

A stand-in is a World (what there is, and `answer` to a request) given to serve(), which prints its port and serves until its stdin ends.
POST /fake/NAME with a JSON object calls the world's tell_NAME; GET /fake/state shows what there is."""
import argparse
import itertools
import json
import os
import re
import sys
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
        self.description = None
        self.tell_reset({})

    def fresh(self):
        """As it is before anything was asked."""
        raise NotImplementedError

    def settle(self):
        """What has come to its end by now."""

    def answer(self, q):
        """(status, reply[, headers]), or a Refusal."""
        raise NotImplementedError

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
        "operation_error": what the operation that it begins will end with; "headers": {…}, "wait_s": before the answer}"""
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
        self.send_header('Content-Type', 'text/plain' if isinstance(body, str) else 'application/json')
        self.send_header('Content-Length', str(len(data)))
        for k, v in (headers or {}).items():
            self.send_header(k, v)
        self.end_headers()
        self.wfile.write(data)

    def drop(self):
        self.close_connection = True
        self.connection.close()

    def control(self, name, raw):
        w = self.world
        if name == 'state':
            self.send(200, dict({'violations': w.violations, 'requests': w.requests, 'unknown': sorted(w.unknown), 'checked': w.description is not None}, **w.state()))
        else:
            getattr(w, 'tell_' + name)(json.loads(raw) if raw else {})
            self.send(200, {})

    def handle_any(self):
        w, q = self.world, Question(self)
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
        if fault.get('drop') == 'after':
            self.drop()
            return
        time.sleep(fault.get('wait_s', 0))
        self.send(*answer)

    do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = handle_any


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError)):
            super().handle_error(request, client_address)


def serve(world, **how):
    """The whole program: --spec FILE is the vendor's description, read with `how`, where it is there."""
    options = argparse.ArgumentParser()
    options.add_argument('--spec')
    options.add_argument('--port', type=int, default=0)
    options = options.parse_args()
    if options.spec and os.path.exists(options.spec):
        world.description = Description(options.spec, **how)
    Handler.world = world
    server = Server(('127.0.0.1', options.port), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
