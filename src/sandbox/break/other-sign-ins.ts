import { randomUUID } from 'node:crypto';
import { record } from '../arm/store.ts';
import { type Break, type BreakWorld, CannotBreak, HOUR, type Method, type Workload } from './break.ts';
import { setParameters, setStore } from './hands.ts';
import { changed } from './objects.ts';

/** A SecretProviderClass that signs in otherwise than by workload identity. */
const byClass = (id: string, says: string, parameters: Readonly<Record<string, string | null>>): Break => ({
  id,
  says,
  methods: ['csi'],
  async broken(world) {
    const workload = await world.workload();
    await setParameters(world, await workload.object('SecretProviderClass'), parameters);
    await workload.restart();
  },
});

interface Setting {
  readonly name: string;
  readonly value?: string;
  readonly secretKeyRef?: object;
}

/** A Component that signs in so. */
const setComponent = (world: BreakWorld, settings: readonly Setting[]) =>
  changed(world, 'Component', ({ spec }) => {
    const others = (spec.metadata as Setting[]).filter(
      ({ name }) => !name.startsWith('azure') || name === 'azureEnvironment',
    );
    spec.metadata = [...others, ...settings];
  });

/** The workload signs in with a client secret, which Entra does not know (any more). */
const BY_SECRET: Partial<Record<Method, (world: BreakWorld, workload: Workload, secret: string) => Promise<void>>> = {
  async csi(world, workload, secret) {
    await setParameters(world, await workload.object('SecretProviderClass'), { clientID: null });
    await workload.redeploy(({ spec }) => {
      for (const { csi } of spec.volumes) if (csi) csi.nodePublishSecretRef = { name: secret };
    });
  },
  async dapr(world, workload) {
    await setComponent(world, [
      { name: 'azureTenantId', value: world.place.tenantId },
      { name: 'azureClientId', value: workload.clientId },
      { name: 'azureClientSecret', value: 'sandbox-expired' },
    ]);
  },
  async 'external-secrets'(world, workload, name) {
    await setStore(world, await workload.object('SecretStore'), {
      authType: 'ServicePrincipal',
      serviceAccountRef: null,
      authSecretRef: { clientId: { name, key: 'clientid' }, clientSecret: { name, key: 'clientsecret' } },
    });
    await workload.restart();
  },
};

const application = (
  id: string,
  says: string,
  change: (world: BreakWorld, workload: Workload) => Promise<Record<string, string>>,
): Break => ({
  id,
  says,
  methods: ['workload-identity'],
  async broken(world) {
    const workload = await world.workload();
    const env = await change(world, workload);
    await workload.redeploy(({ spec }) => {
      for (const container of spec.containers) {
        const others = container.env.filter(({ name }: { name: string }) => !(name in env));
        container.env = [...others, ...Object.entries(env).map(([name, value]) => ({ name, value }))];
        if (!env.AZURE_FEDERATED_TOKEN_FILE) continue;
        container.volumeMounts = [...container.volumeMounts, { name: 'copied', mountPath: '/copied', readOnly: true }];
        spec.volumes = [...spec.volumes, { name: 'copied', secret: { secretName: COPY } }];
      }
    });
  },
});

const COPY = 'copied-token';

/** The application is given a token in a Secret, and told to sign in with that. */
async function copied(
  { kubectl }: BreakWorld,
  { namespace }: Workload,
  token: string,
): Promise<Record<string, string>> {
  const data = { token: Buffer.from(token).toString('base64') };
  await kubectl.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name: COPY, namespace }, data });
  return { AZURE_FEDERATED_TOKEN_FILE: '/copied/token' };
}

/** Ways to sign in besides an exchanged token of the account, and applications that do that wrongly. */
export const otherSignIns: readonly Break[] = [
  {
    id: 'F045',
    says: "The Component uses the nodes' identity, and the cluster keeps pods from their metadata service.",
    methods: ['dapr'],
    async broken(world) {
      const { properties } = world.cluster().resource;
      properties.networkProfile = { ...record(properties.networkProfile), podLinkLocalAccess: 'None' };
      await setComponent(world, [{ name: 'azureAuthMethods', value: 'mi' }]);
    },
  },
  byClass('F046', "The class uses the nodes' identity and does not say which: they have several.", {
    clientID: null,
    useVMManagedIdentity: 'true',
  }),
  byClass('F047', 'The class uses an identity that the nodes do not have.', {
    clientID: null,
    useVMManagedIdentity: 'true',
    userAssignedIdentityID: randomUUID(),
  }),
  byClass('F048', 'The class still uses AAD Pod Identity, which is gone.', { clientID: null, usePodIdentity: 'true' }),
  application('F059', 'The application asks for a scope without /.default.', async () => ({
    VAULT_SCOPE: 'https://vault.azure.net/user_impersonation',
  })),
  application('F061', 'The application keeps a token that has ended.', async (world, workload) => {
    const { namespace, account } = workload;
    const env = await copied(world, workload, await world.kubectl.token(account, namespace));
    await world.pass(2 * HOUR);
    return env;
  }),
  application('F063', 'The application shows Entra a token of Entra’s own.', async (world, workload) => {
    const { principalId } = workload.identity().resource.properties;
    const { tenantId } = world.place;
    const principal = { objectId: String(principalId), appId: workload.clientId, tenantId };
    return copied(world, workload, await world.parts.entra.sign(principal, 'api://AzureADTokenExchange'));
  }),
  {
    id: 'F065',
    says: 'A client secret is used instead of workload identity, and Entra does not know it.',
    methods: ['csi', 'dapr', 'external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      const { namespace, method, clientId, account } = workload;
      const name = `${account}-sp`;
      const encoded = (text: string) => Buffer.from(text).toString('base64');
      const data = { clientid: encoded(clientId), clientsecret: encoded('sandbox-expired') };
      // The driver reads only Secrets that bear its label.
      const labels = { 'secrets-store.csi.k8s.io/used': 'true' };
      await world.kubectl.create({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace, labels }, data });
      const change = BY_SECRET[method];
      if (!change) throw new CannotBreak(`workloads of ${method} use no client secret`);
      await change(world, workload, name);
    },
  },
  application('F143', 'The application asks for a token of Resource Manager and shows it to the vault.', async () => ({
    VAULT_SCOPE: 'https://management.azure.com/.default',
  })),
];
