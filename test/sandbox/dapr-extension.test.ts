import { describe, expect, it } from 'vitest';
import type { Sandbox } from '../../src/sandbox/index.ts';
import { ask, arm as askArm, CLUSTER, sandbox } from './harness.ts';
import type { Json } from './kubernetes-world.ts';

const ALL = `${CLUSTER}/providers/Microsoft.KubernetesConfiguration/extensions`;
const DAPR = `${ALL}/dapr`;
const PROVIDER = 'providers/Microsoft.KubernetesConfiguration';

/** With an api-version that the type has. */
async function arm(one: Sandbox, method: string, path: string, body?: unknown, version = '2025-03-01') {
  const { token } = await (await one.surroundings.credential()).getToken('https://management.azure.com/.default');
  const mark = path.includes('?') ? '&' : '?';
  const url = path.startsWith('https:')
    ? path
    : `https://management.azure.com/subscriptions/${one.place.subscriptionId}/${path}${mark}api-version=${version}`;
  return ask(one, method, url, body, { authorization: `Bearer ${token}` });
}
async function registered(): Promise<Sandbox> {
  const one = await sandbox();
  await askArm(one, 'POST', `${PROVIDER}/register`);
  one.advance(90_000);
  return one;
}
const body = (properties: Json = {}, more: Json = {}) => ({
  properties: { extensionType: 'microsoft.dapr', autoUpgradeMinorVersion: false, ...properties },
  ...more,
});
const read = async (one: Sandbox) => (await arm(one, 'GET', DAPR)).body;
const install = async (one: Sandbox, properties?: Json) => {
  const accepted = await arm(one, 'PUT', DAPR, body(properties));
  one.advance(90_000);
  return { accepted, ended: (await arm(one, 'GET', String(accepted.headers['azure-asyncoperation']))).body };
};
/** Names in the cluster, by its own API. */
async function deployments(one: Sandbox): Promise<string[]> {
  const [cluster] = one.parts.arm.clusters();
  const { users, clusters } = JSON.parse(one.parts.kubernetes.kubeconfig(cluster!));
  const { server } = clusters[0].cluster;
  const path = '/apis/apps/v1/namespaces/dapr-system/deployments';
  const answer = await ask(one, 'GET', server + path, undefined, { authorization: `Bearer ${users[0].user.token}` });
  return answer.body.items.map(({ metadata }: Json) => metadata.name);
}

describe('without its provider', () => {
  it('nothing is answered (F001), until the registration is through', async () => {
    const one = await sandbox();
    for (const [method, path] of [
      ['GET', ALL],
      ['GET', DAPR],
      ['PUT', DAPR],
    ] as const) {
      const { status, body: answer } = await arm(one, method, path, method === 'PUT' ? body() : undefined);
      expect([status, answer.error.code]).toEqual([409, 'MissingSubscriptionRegistration']);
      expect(answer.error.message).toContain("to use namespace 'Microsoft.KubernetesConfiguration'");
    }
    const asked = await askArm(one, 'POST', `${PROVIDER}/register`);
    expect(asked.body.registrationState).toBe('Registering');
    one.advance(89_000);
    expect((await arm(one, 'GET', ALL)).status).toBe(409);
    one.advance(1000);
    expect((await arm(one, 'GET', ALL)).body).toEqual({ value: [] });
    expect((await arm(one, 'GET', DAPR)).body.error.code).toBe('ResourceNotFound');
  });
});

describe('the extension', () => {
  it('is created, installs Dapr at its end, is listed, and goes again', async () => {
    const one = await registered();
    expect(await deployments(one)).toEqual([]);
    const accepted = await arm(one, 'PUT', DAPR, body());
    expect(accepted.status).toBe(201);
    expect(accepted.body.properties).toMatchObject({
      provisioningState: 'Creating',
      extensionType: 'microsoft.dapr',
      currentVersion: '1.16.4-msft.1',
      releaseTrain: 'stable',
      scope: { cluster: { releaseNamespace: 'dapr-system' } },
      statuses: [],
      errorInfo: null,
    });
    const operation = String(accepted.headers['azure-asyncoperation']);
    expect(operation).toMatch(/\/extensions\/dapr\/operations\/[-0-9a-f]{36}\?api-version=2025-03-01$/);
    expect(await deployments(one)).toEqual([]);
    const second = await arm(one, 'PUT', DAPR, body());
    expect([second.status, second.body.error.code]).toEqual([409, 'UpdateFailed']);
    expect((await arm(one, 'GET', operation)).body.status).toMatch(/InProgress|Succeeded/);
    one.advance(90_000);
    expect((await arm(one, 'GET', operation)).body.status).toBe('Succeeded');
    expect((await read(one)).properties.provisioningState).toBe('Succeeded');
    expect(await deployments(one)).toEqual(['dapr-operator', 'dapr-sentry', 'dapr-sidecar-injector']);
    expect((await arm(one, 'GET', ALL)).body.value.map(({ name }: Json) => name)).toEqual(['dapr']);

    const gone = await arm(one, 'DELETE', DAPR);
    expect(gone.status).toBe(202);
    expect((await read(one)).properties.provisioningState).toBe('Deleting');
    one.advance(90_000);
    expect((await arm(one, 'GET', String(gone.headers['azure-asyncoperation']))).body.status).toBe('Succeeded');
    expect((await arm(one, 'GET', DAPR)).status).toBe(404);
    expect(await deployments(one)).toEqual([]);
    expect((await arm(one, 'DELETE', DAPR)).status).toBe(204);
    expect(one.errors).toEqual([]);
  });

  it.each<[string, Json, string, string]>([
    ['another type', body({ extensionType: 'microsoft.flux' }), 'ExtensionTypeRegistrationGetFailed', 'microsoft.flux'],
    ['no type', { properties: {} }, 'BadRequest', 'type is required'],
    ['an unknown property', body({ extensionTyp: 'x' }), 'InvalidRequestContent', "'extensionTyp'"],
    ['a location', body({}, { location: 'westeurope' }), 'InvalidRequestContent', "'location'"],
    [
      'a version of its own and automatic upgrades',
      body({ version: '1.16.4-msft.1', autoUpgradeMinorVersion: true }),
      'BadRequest',
      'autoUpgradeMinorVersion',
    ],
    [
      'a version, where upgrades are automatic unsaid',
      { properties: { extensionType: 'microsoft.dapr', version: '1.16.4-msft.1' } },
      'BadRequest',
      'autoUpgradeMinorVersion',
    ],
    [
      'a setting that is no text',
      body({ configurationSettings: { 'global.ha.enabled': true } }),
      'BadRequest',
      "'global.ha.enabled'",
    ],
    [
      'the scope of a namespace',
      body({ scope: { namespace: { targetNamespace: 'x' } } }),
      'BadRequest',
      'cluster scope',
    ],
    ['an identity of another kind', body({}, { identity: { type: 'UserAssigned' } }), 'BadRequest', 'SystemAssigned'],
  ])('is refused with %s', async (_title, wrong, code, words) => {
    const one = await registered();
    const { status, body: answer } = await arm(one, 'PUT', DAPR, wrong);
    expect([status, answer.error.code]).toEqual([400, code]);
    expect(answer.error.message).toContain(words);
    expect((await arm(one, 'GET', DAPR)).status).toBe(404);
  });

  it('asked for a second time, as it is, leaves every object as it is', async () => {
    const one = await registered();
    const objects = () => {
      const [cluster] = Object.values(one.parts.state.kubernetes) as { objects: Record<string, Json> }[];
      const installed = Object.values(cluster!.objects).filter(({ metadata }) => /dapr/.test(metadata.name));
      return installed.map(({ metadata: { managedFields, generation, resourceVersion, ...metadata }, ...rest }) =>
        structuredClone({ ...rest, metadata }),
      );
    };
    await install(one);
    const before = objects();
    await install(one);
    expect(before.length).toBeGreaterThan(10);
    expect(objects()).toEqual(before);
  });

  it('speaks the published versions', async () => {
    const one = await registered();
    expect((await arm(one, 'GET', ALL, undefined, '2023-05-01')).status).toBe(200);
    const { body: answer } = await arm(one, 'GET', ALL, undefined, '2026-06-01');
    expect(answer.error.code).toBe('NoRegisteredProviderFound');
  });

  it('F020 fails with a version that is not there, and says so in the resource as well', async () => {
    const one = await registered();
    const { ended } = await install(one, { version: '1.2.3' });
    const error = {
      code: 'ExtensionOperationFailed',
      message:
        'The extension operation failed with the following error:  Failed to resolve the extension version from the given values.',
    };
    expect(ended).toMatchObject({ status: 'Failed', error });
    const { properties } = await read(one);
    expect(properties).toMatchObject({ provisioningState: 'Failed', errorInfo: error, currentVersion: null });
    expect(properties.statuses).toEqual([{ ...error, displayStatus: 'Failed', level: 'Error', time: null }]);
    expect(await deployments(one)).toEqual([]);
    // And is put right by the next.
    expect((await install(one)).ended.status).toBe('Succeeded');
    expect((await read(one)).properties.errorInfo).toBeNull();
  });

  it('fails with the error that a test plants', async () => {
    const one = await registered();
    one.faults.failOperation({ code: 'InstallationFailed', message: 'timed out' });
    expect((await install(one)).ended).toMatchObject({ status: 'Failed', error: { code: 'InstallationFailed' } });
    expect((await read(one)).properties.errorInfo).toEqual({ code: 'InstallationFailed', message: 'timed out' });
  });

  it('F023 fails on AKS Automatic', async () => {
    const one = await registered();
    one.world.clusterSku('demo-aks', 'Automatic');
    const { ended } = await install(one);
    expect(ended.error.code).toBe('ExtensionOperationFailed');
    expect(ended.error.message).toContain("ValidatingAdmissionPolicy 'aks-managed-protect-system-namespaces'");
    expect(await deployments(one)).toEqual([]);
  });

  it("F021 fails beside somebody's own Dapr, unless told that it may take it over", async () => {
    const one = await registered();
    await one.world.daprByHelm('demo-aks', { version: '1.15.0' });
    const { ended } = await install(one);
    expect(ended.error.message).toContain('cannot be imported into the current release: invalid ownership metadata');
    expect((await install(one, { configurationSettings: { skipExistingDaprCheck: 'true' } })).ended.status).toBe(
      'Succeeded',
    );
  });

  it('keeps what cannot change once it is installed', async () => {
    const one = await registered();
    await install(one, { configurationSettings: { 'global.ha.enabled': 'true' } });
    for (const wrong of [
      { configurationSettings: { 'global.ha.enabled': 'false' } },
      {},
      { configurationSettings: { 'global.ha.enabled': 'true', 'dapr_placement.volumeclaims.storageSize': '2Gi' } },
      { configurationSettings: { 'global.ha.enabled': 'true' }, scope: { cluster: { releaseNamespace: 'other' } } },
    ]) {
      const { status, body: answer } = await arm(one, 'PUT', DAPR, body(wrong));
      expect([status, answer.error.code]).toEqual([400, 'PropertyChangeNotAllowed']);
    }
    const settings = { 'global.ha.enabled': 'true', 'dapr_sidecar_injector.sidecarDropALLCapabilities': 'true' };
    const { accepted, ended } = await install(one, { configurationSettings: settings });
    expect([accepted.status, accepted.body.properties.provisioningState, ended.status]).toEqual([
      200,
      'Updating',
      'Succeeded',
    ]);
  });

  it('is not begun on a cluster that is stopped, busy, not there, or runs as a service principal', async () => {
    const one = await registered();
    const code = async (path = DAPR) => (await arm(one, 'PUT', path, body())).body.error.code;
    one.world.clusterPower('demo-aks', 'Stopped');
    expect(await code()).toBe('OperationNotAllowed');
    one.world.clusterPower('demo-aks', 'Running');
    one.world.clusterBusy('demo-aks', 60_000);
    expect(await code()).toBe('OperationNotAllowed');
    one.advance(60_000);
    expect(await code(DAPR.replace('demo-aks', 'none'))).toBe('ResourceNotFound');
    const [found] = Object.values(one.place.slice.clusters);
    found!.resource.properties.servicePrincipalProfile = { clientId: '99999999-9999-4999-8999-999999999999' };
    const { status, body: answer } = await arm(one, 'PUT', DAPR, body());
    expect([status, answer.error.code]).toEqual([400, 'BadRequest']);
    expect(answer.error.message).toContain('managed identity');
  });

  it.each<[string, number]>([
    ['Reader', 403],
    ['Azure Kubernetes Service Contributor Role', 403],
    ['Kubernetes Extension Contributor', 201],
    ['Contributor', 201],
  ])('may be written by a %s: %i', async (role, status) => {
    const one = await registered();
    one.world.callerIs(role);
    expect((await arm(one, 'PUT', DAPR, body())).status).toBe(status);
  });

  it('goes with its cluster', async () => {
    const one = await registered();
    await install(one);
    await askArm(one, 'DELETE', CLUSTER);
    one.advance(90_000);
    await one.settled();
    expect((await askArm(one, 'GET', CLUSTER)).status).toBe(404);
    expect(one.place.slice.extensions).toEqual({});
  });

  it('is as somebody left it, in a world made by hand', async () => {
    const one = await sandbox();
    await one.world.daprExtension('demo-aks', { state: 'Failed' });
    expect((await read(one)).properties).toMatchObject({
      provisioningState: 'Failed',
      errorInfo: { code: 'ExtensionOperationFailed' },
    });
    await one.world.daprExtension('demo-aks', { state: 'Creating' });
    one.advance(86_400_000);
    expect((await read(one)).properties.provisioningState).toBe('Creating');
    expect((await arm(one, 'PUT', DAPR, body())).body.error.code).toBe('UpdateFailed');
    await one.world.daprExtension('demo-aks');
    expect(await deployments(one)).toContain('dapr-operator');
  });

  it('forced to go leaves what it installed', async () => {
    const one = await registered();
    await install(one);
    expect((await arm(one, 'DELETE', `${DAPR}?forceDelete=true`)).status).toBe(200);
    expect((await arm(one, 'GET', DAPR)).status).toBe(404);
    expect(await deployments(one)).toContain('dapr-operator');
  });
});

it('the demo world has no Dapr', async () => {
  const one = await sandbox();
  expect(await deployments(one)).toEqual([]);
  expect(one.place.slice.extensions).toEqual({});
});
