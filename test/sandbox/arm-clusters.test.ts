import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { putCluster } from '../../src/sandbox/world/put.ts';
import { location } from './arm-world.ts';
import { arm, ask, CLUSTER, sandbox } from './harness.ts';

describe('a cluster', () => {
  const read = async (one: Sandbox) => (await arm(one, 'GET', CLUSTER)).body;
  const change = (resource: { properties: object }, properties: object) => ({
    ...resource,
    properties: { ...resource.properties, ...properties },
  });

  it('keeps what no model knows, and loses what a PUT leaves out', async () => {
    const one = await sandbox();
    const held = Object.values(one.place.slice.clusters)[0]!.resource;
    held.properties.futureProfile = { deep: ['kept'] };
    const body = await read(one);
    await arm(
      one,
      'PUT',
      CLUSTER,
      change(body, { oidcIssuerProfile: { enabled: true }, autoUpgradeProfile: undefined }),
    );
    one.advance(600_000);
    const after = await read(one);
    expect(after.properties.futureProfile).toEqual({ deep: ['kept'] });
    expect(after.properties).not.toHaveProperty('autoUpgradeProfile');
    expect(after.properties.fqdn).toBe(body.properties.fqdn);
  });

  it.each([
    ['an unknown property', { futureProfile: {} }, 'UnmarshalError'],
    ['an unknown property deeper', { securityProfile: { workloadIdentitty: {} } }, 'UnmarshalError'],
    [
      'an unknown property of an add-on',
      { addonProfiles: { azureKeyvaultSecretsProvider: { enable: true } } },
      'UnmarshalError',
    ],
    [
      'workload identity without issuer',
      { securityProfile: { workloadIdentity: { enabled: true } } },
      'InvalidParameter',
    ],
    [
      'add-on values that are no text',
      { addonProfiles: { azureKeyvaultSecretsProvider: { enabled: true, config: { enableSecretRotation: true } } } },
      'InvalidParameter',
    ],
    ['another node group', { nodeResourceGroup: 'other' }, 'PropertyChangeNotAllowed'],
  ])('refuses %s', async (_title, properties, code) => {
    const one = await sandbox();
    const answer = await arm(one, 'PUT', CLUSTER, change(await read(one), properties));
    expect([answer.status, answer.body.error.code]).toEqual([400, code]);
  });

  it('shows wanted flags while it updates, takes no second operation, and has the issuer at the end', async () => {
    const one = await sandbox();
    const body = change(await read(one), { oidcIssuerProfile: { enabled: true } });
    const accepted = await arm(one, 'PUT', CLUSTER, body);
    expect(accepted.headers['azure-asyncoperation']).toContain('/operations/');
    const during = await read(one);
    expect(during.properties).toMatchObject({ provisioningState: 'Updating', oidcIssuerProfile: { enabled: true } });
    expect(during.properties.oidcIssuerProfile.issuerURL).toBeUndefined();
    expect(one.parts.arm.clusters()[0]).toMatchObject({ oidcIssuer: false });
    const second = await arm(one, 'PUT', CLUSTER, during);
    expect([second.status, second.body.error.code]).toEqual([409, 'OperationNotAllowed']);
    one.advance(600_000);
    const after = await read(one);
    expect(after.properties.provisioningState).toBe('Succeeded');
    expect(one.parts.arm.clusters()[0]).toMatchObject({
      oidcIssuer: true,
      issuer: after.properties.oidcIssuerProfile.issuerURL,
    });
    const off = await arm(one, 'PUT', CLUSTER, change(after, { oidcIssuerProfile: { enabled: false } }));
    expect(off.body.error.code).toBe('OIDCIssuerFeatureCannotBeDisabled');
  });

  it('refuses a PUT over a state that the caller does not know', async () => {
    const one = await sandbox();
    const body = await read(one);
    const tag = { 'if-match': body.eTag };
    expect((await arm(one, 'PUT', CLUSTER, body, tag)).status).toBe(200);
    one.advance(600_000);
    expect((await arm(one, 'PUT', CLUSTER, body, tag)).status).toBe(412);
  });

  it('that is stopped, or busy with somebody else, takes no change', async () => {
    const one = await sandbox();
    const body = await read(one);
    one.world.clusterPower('demo-aks', 'Stopped');
    expect((await arm(one, 'PUT', CLUSTER, body)).body.error.message).toContain('Stopped');
    one.world.clusterPower('demo-aks', 'Running');
    one.world.clusterBusy('demo-aks', 60_000);
    expect((await arm(one, 'PUT', CLUSTER, body)).body.error.code).toBe('OperationNotAllowed');
    await one.surroundings.clock.sleep(61_000);
    expect((await arm(one, 'PUT', CLUSTER, body)).status).toBe(200);
  });

  it('whose operation fails says why in the operation alone', async () => {
    const one = await sandbox();
    one.faults.failOperation({ code: 'QuotaExceeded', message: 'no cores left' });
    const accepted = await arm(one, 'PUT', CLUSTER, change(await read(one), { oidcIssuerProfile: { enabled: true } }));
    one.advance(600_000);
    const { token } = await (await one.surroundings.credential()).getToken('https://management.azure.com/.default');
    const url = String(accepted.headers['azure-asyncoperation']);
    const { body } = await ask(one, 'GET', url, undefined, { authorization: `Bearer ${token}` });
    expect(body).toMatchObject({ status: 'Failed', error: { code: 'QuotaExceeded', message: 'no cores left' } });
    expect((await read(one)).properties.provisioningState).toBe('Failed');
  });

  it('is made anew with the issuer on, from Kubernetes 1.34 on', async () => {
    const one = await sandbox();
    const path = CLUSTER.replace('demo-aks', 'second-aks');
    const body = {
      location,
      identity: { type: 'SystemAssigned' },
      properties: {
        dnsPrefix: 'second',
        kubernetesVersion: '', // as the Azure CLI asks for the usual one
        agentPoolProfiles: [{ name: 'one', mode: 'System', count: 1, vmSize: 'Standard_D2s_v5' }],
      },
    };
    expect((await arm(one, 'PUT', path, body)).status).toBe(201);
    expect(one.parts.arm.clusters()).toHaveLength(1); // not there before it is done
    expect((await arm(one, 'POST', `${path}/listClusterUserCredential`)).status).toBe(404);
    one.advance(600_000);
    const { properties } = (await arm(one, 'GET', path)).body;
    expect(properties.kubernetesVersion).toBe('1.34');
    expect(properties.oidcIssuerProfile).toMatchObject({ enabled: true, issuerURL: expect.stringMatching(/\/$/) });
    expect((await arm(one, 'GET', `resourceGroups/${properties.nodeResourceGroup}`)).status).toBe(200);
    expect(
      (await arm(one, 'PUT', path.replace('second', 'third'), { ...body, location: 'moon' })).body.error.code,
    ).toBe('LocationNotAvailableForResourceType');
  });

  it('put into the world by hand is there at once', async () => {
    const one = await sandbox();
    putCluster(one.place, 'demo-rg', 'by-hand', {
      location: 'uksouth',
      kubernetesVersion: '1.33',
      properties: { oidcIssuerProfile: { enabled: true } },
    });
    const { body } = await arm(one, 'GET', CLUSTER.replace('demo-aks', 'by-hand'));
    expect(body.properties.oidcIssuerProfile.issuerURL).toContain('https://uksouth.oic.prod-aks.azure.com/');
  });
});
