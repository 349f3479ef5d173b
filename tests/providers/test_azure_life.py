#!/usr/bin/env python3
"""Launches, jobs, stops, failover, reclaims, sweeps and kills of the engine on Azure, against the stand-in fake_azure.py: see cloud_life.py. TAP."""
import os, sys
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import cloud_life as life  # noqa: E402
from engine_test import main  # noqa: E402


class Azure(life.Cloud):
    name, program, spec, endpoint, variables = 'azure', 'fake_azure.py', 'azure/compute-vm-trimmed.json', 'SKYTOP_AZURE_ENDPOINT', '^AZURE_'
    place, kind, running, stopped = 'azure/eastus', 'Standard_D4s_v5', 'running', 'deallocated'

    def log_in(self):
        self.env.update(AZURE_TENANT_ID='t', AZURE_CLIENT_ID='c', AZURE_CLIENT_SECRET='good', AZURE_CONFIG_DIR=self.dir + '/azure')

    def machines(self):
        return sorted((v['location'], v['tags']['skytop-rank'], v['x-power']) for v in self.state()['vms'])

    def left(self, machines=False):
        state = self.state()
        return [v['name'] for v in state['vms']] if machines else sorted(state['groups'])


def figures(home):
    life.quiet(home, r'POST /t/oauth2/|GET /subscriptions(/sub-1/providers/Microsoft.Compute/locations/\w+/usages)?\?', '--instance-type', 'Standard_NC24ads_A100_v4')
    said = home.ok('check', 'azure')
    assert 'subscription sub-1' in said and 'lowPriorityCores' in said, said
    home.ok('catalog', 'update', '--live', 'azure')
    sold = home.json('offers', 'provider:azure', 'Standard_NC24ads_A100_v4', '--all')['offers']
    assert ('eastus', 3673000, 918250) in [(o['region'], o['price_uusd_h'], o['spot_uusd_h']) for o in sold], sold
    life.penniless(home, 'AZURE_CLIENT_SECRET', 'az login', 'AZURE_CLIENT_SECRET')


def jobs(home):
    home.need_ssh()
    life.one(home)
    log = open(home.dir + '/state/engine.log').read()
    assert 'eyJ.' not in log and 'client_secret=good' not in log
    home.ok('catalog', 'update', '--live', 'azure')  # spot prices
    life.several(home)
    life.failover(home, ['eastus', 'westus2'])
    life.swept(home)


def refusals(home):
    no = {'error': {'code': 'AuthorizationFailed', 'message': 'does not have authorization'}}
    life.refused(home, ['eastus'], 'sufficient capacity', 'azure/westus2', {'match': 'PUT .*/virtualMachines/', 'times': 9, 'status': 403, 'body': no}, 'Contributor')
    life.killed(home, 5)


main([('who, what, how much, and nothing made by looking', figures, {}), ('machines and their jobs', jobs, {'nodes': 2}),
      ('refused, and the engine killed', refusals, {}), ('as an independent validator reads the description', life.whole, {'nodes': 3, 'validated': True})], Azure)
