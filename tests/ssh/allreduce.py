#!/usr/bin/env python3
"""Stands for torchrun and a training script: workers on all nodes find each other at one address and sum a vector over TCP, in a ring.

    allreduce.py --nnodes N --node_rank R --nproc_per_node G --master_addr A --master_port P --node_ips "IP
    IP…"

Every worker listens on its own node's address (so a rank on the wrong node cannot bind), tells it to the store at the master, learns
those of all, and then talks to its neighbours only. Prints "worker W of N: SUM" where SUM is what every worker must have got.
"""
import argparse, json, os, socket, struct, sys, threading, time

p = argparse.ArgumentParser()
for name in ('nnodes', 'node_rank', 'nproc_per_node', 'master_port'):
    p.add_argument('--' + name, type=int, required=True)
p.add_argument('--master_addr', required=True)
p.add_argument('--node_ips', required=True)
a = p.parse_args()
WORLD = a.nnodes * a.nproc_per_node
IPS = a.node_ips.split('\n')
assert len(IPS) == a.nnodes and IPS[0] == a.master_addr, (IPS, a)
LENGTH = 4096


def receive(s, n):
    data = b''
    while len(data) < n:
        part = s.recv(n - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def send_text(s, obj):
    data = json.dumps(obj).encode()
    s.sendall(struct.pack('!I', len(data)) + data)


def receive_text(s):
    return json.loads(receive(s, struct.unpack('!I', receive(s, 4))[0]))


def dial(addr, seconds=30):
    end = time.time() + seconds
    while True:
        try:
            return socket.create_connection(addr, timeout=seconds)
        except OSError:
            if time.time() > end:
                raise
            time.sleep(0.05)


def store():
    """On the first node: collects who is where, and tells everybody."""
    with socket.create_server((a.master_addr, a.master_port), backlog=WORLD) as s:
        s.settimeout(60)
        peers, where = [], {}
        while len(peers) < WORLD:
            c, _ = s.accept()
            rank, addr = receive_text(c)
            assert rank not in where, 'two workers have rank %d' % rank
            where[rank] = addr
            peers.append(c)
        for c in peers:
            send_text(c, [where[r] for r in range(WORLD)])
            c.close()


def worker(local):
    rank = a.node_rank * a.nproc_per_node + local
    with socket.create_server((IPS[a.node_rank], 0)) as s:
        c = dial((a.master_addr, a.master_port))
        send_text(c, [rank, s.getsockname()[:2]])
        where = receive_text(c)
        right = dial(tuple(where[(rank + 1) % WORLD]))
        s.settimeout(30)
        left, _ = s.accept()
    mine = [rank + 1 + i for i in range(LENGTH)]
    total, parcel = list(mine), struct.pack('!%dq' % LENGTH, *mine)
    for _ in range(WORLD - 1):
        t = threading.Thread(target=right.sendall, args=(parcel,))
        t.start()
        parcel = receive(left, 8 * LENGTH)
        t.join()
        total = [x + y for x, y in zip(total, struct.unpack('!%dq' % LENGTH, parcel))]
    want = WORLD * (WORLD + 1) // 2
    assert total == [want + WORLD * i for i in range(LENGTH)], 'the sum is wrong'
    print('worker %d of %d: %d' % (rank, WORLD, total[0]), flush=True)


if a.node_rank == 0:
    threading.Thread(target=store, daemon=True).start()
pids = []
for g in range(a.nproc_per_node):
    pid = os.fork()
    if not pid:
        try:
            worker(g)
        except BaseException as e:  # noqa
            print('worker %d on %d: %r' % (g, a.node_rank, e), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    pids.append(pid)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))
