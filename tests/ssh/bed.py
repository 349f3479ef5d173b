"""A test's own skytop, and a farm of machines as its pool `farm`. What engine_test.py has, and at the end of each case all clusters are
taken down and nothing of them may be left on any machine that is up."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'run'))
import engine_test  # noqa
from engine_test import Skip  # noqa
from farm import GATEWAY, Farm, Unavailable  # noqa

HERE = os.path.dirname(os.path.abspath(__file__))


class Bed(engine_test.Home):
    def __init__(self, n=1, config='', **farm):
        self.farm, self.why_not, self.clean_s = None, None, 10
        super().__init__(config=config)
        self.env['HOME'] = self.dir + '/user'
        self.env.pop('SSH_AUTH_SOCK', None)
        os.makedirs(self.dir + '/user/.ssh', 0o700)
        try:
            self.farm = Farm(n, **farm)
        except Unavailable as e:
            self.why_not = str(e)
            return
        self.nodes = self.farm.nodes
        self.pools(self.farm.pool_yaml())

    def pools(self, text):
        with open(self.dir + '/config/ssh_pools.yaml', 'w') as f:
            f.write(text)

    def need(self, what=None):
        """For the first line of a case: it is skipped where the farm, or what it needs beside it, cannot be had."""
        if self.why_not:
            raise Skip(self.why_not)
        if what == 'machines' and self.farm.plain:
            raise Skip('nodes have no namespaces of their own here')

    def launch(self, *args, name='x', ok=True, **kw):
        rc, out, err = self.run('launch', '-y', '-c', name, '--infra', 'ssh/farm', *args, **kw)
        assert not ok or rc == 0, 'launch: %d\n%s\n%s' % (rc, out, err)
        return (out, err) if ok else (rc, out, err)

    def at_step(self, *steps, seconds=90):
        """Until the request that is under way is in one of these steps of the engine's ("create", "agent", "sync", "submit", …). Its name."""
        def now():
            for r in self.json('requests'):
                if r.get('step') in steps:
                    return r['step']
        return self.wait('step ' + '/'.join(steps), now, seconds)

    def clean(self, nodes=None):
        """Nothing is left on the machines. A moment may pass: processes end. (Where connections were cut, more: the other end hears of it when
        ours is tried again.)"""
        up = [n for n in nodes or self.nodes if n.proc]
        left = {}

        def none():
            left.clear()
            left.update({n.name: n.left() for n in up if n.left()})
            return not left
        try:
            self.wait('the machines to be clean', none, self.clean_s)
        except AssertionError:
            raise AssertionError('left on the machines:\n' + '\n'.join('%s: %s' % (k, '\n  '.join(v)) for k, v in left.items()))

    def close(self):
        try:
            super().close()
            if self.farm:
                self.clean()
        finally:
            if self.farm:
                self.farm.close()


def main(cases):
    engine_test.main(cases, Bed)
