#!/usr/bin/env python3
"""The engine dies after its Nth commit anywhere in the life of a cluster on machines over SSH, several engines sharing the machines: as
tests/run/test_crash.py has it, and nothing is left on any machine. TAP. SKYTOP_TORTURE=1 tries every N, otherwise a few."""
import os, sys
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, HERE + '/../run')
from farm import Farm, Unavailable  # noqa
import test_crash  # noqa


def main():
    torture = bool(os.environ.get('SKYTOP_TORTURE'))
    try:
        farm = Farm(3)
    except Unavailable as e:
        print('1..0 # SKIP %s' % e)
        return
    with farm:
        marks = farm.dir + '/marks'
        os.mkdir(marks)
        os.chmod(marks, 0o777)
        if not farm.plain:
            for n in farm.nodes:
                n.opts['share'] = (marks,)
                n.reboot()
        results = test_crash.sweep('ssh', None if torture else (12, 31), int(os.environ.get('SKYTOP_TEST_JOBS', '3')), pools=farm.pool_yaml(), marks=marks)
        left = {n.name: n.left() for n in farm.nodes if n.left()}
        results.append(('nothing is left on the machines', repr(left) if left else None))
        test_crash.tell(results)


main()
