#!/usr/bin/env python3
"""AWS end to end, against moto's server (see aws_cloud.py): the list that every provider is held to; with SKYTOP_TORTURE=1 all of it, else the part
that costs little."""
import os, re, subprocess, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from aws_cloud import Cloud, Unavailable  # noqa: E402

BUILD = os.environ.get('top_builddir', '.')


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def ok(self, what, good, why=''):
        self.n += 1
        self.failed += not good
        print('%sok %d - %s' % ('' if good else 'not ', self.n, what), flush=True)
        if not good:
            print('# ' + str(why).replace('\n', '\n# '), flush=True)


def conformance(tap, cloud):
    program = os.path.join(BUILD, 'tests/providers/test_aws_cloud')
    env = {k: v for k, v in os.environ.items() if not k.startswith('AWS_')}
    env.update(cloud.env, RIG_VARS='1', HOME=cloud.dir, CMOCKA_MESSAGE_OUTPUT='TAP')
    p = subprocess.run([program], env=env, capture_output=True, text=True, timeout=600)
    text = p.stdout + p.stderr
    results = re.findall(r'(?m)^(not )?ok \d+ - (.*)$', text)
    for bad, name in results:
        tap.ok(name, not bad, text)
    tap.ok('the list was gone through to its end', p.returncode == 0 and len(results) > 3, text)


def main():
    tap = Tap()
    if not os.path.exists(os.path.join(BUILD, 'tests/providers/test_aws_cloud')):
        print('1..0 # SKIP cmocka is not here')
        return 0
    try:
        with Cloud(addresses=['127.0.0.1'], quotas={'L-DB2E81BA': 64, 'L-417A185B': 0}) as cloud:
            conformance(tap, cloud)
    except Unavailable as e:
        print('1..0 # SKIP %s' % e)
        return 0
    print('1..%d' % tap.n)
    return 1 if tap.failed else 0


if __name__ == '__main__':
    sys.exit(main())
