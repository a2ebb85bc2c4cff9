import { putAssignment } from '../world/put.ts';
import type { Break, BreakWorld, Workload } from './break.ts';
import { CannotBreak } from './break.ts';
import { useWebhook } from './cluster-features.ts';
import { rotate } from './csi-pods.ts';
import { annotate, CLIENT_ID, TENANT_ID, takeRoles } from './hands.ts';
import type { KubeObject } from './kubectl.ts';
import { edit, manifestOf } from './objects.ts';

const APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

// biome-ignore lint/suspicious/noExplicitAny: the provider of a store
type AzureKv = any;

/** A SecretStore that says something wrong. */
const wrongStore = (
  id: string,
  says: string,
  change: (azurekv: AzureKv, world: BreakWorld) => void,
  before?: (world: BreakWorld, workload: Workload) => Promise<unknown>,
): Break => ({
  id,
  says,
  methods: ['external-secrets'],
  async broken(world) {
    const workload = await world.workload();
    const store = await workload.object('SecretStore');
    await before?.(world, workload);
    await edit(world, store, ({ spec }) => change(spec.provider.azurekv, world));
  },
});

/** An ExternalSecret that says something wrong. */
const wrongExternal = (id: string, says: string, change: (spec: KubeObject['spec']) => void): Break => ({
  id,
  says,
  methods: ['external-secrets'],
  async broken(world) {
    await edit(world, await (await world.workload()).object('ExternalSecret'), ({ spec }) => change(spec));
  },
});

/** The operator's Deployment, wherever it was installed. */
async function operatorOf({ kubectl }: BreakWorld): Promise<KubeObject> {
  const found = (await kubectl.list('Deployment')).find(
    ({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === 'external-secrets',
  );
  if (!found) throw new CannotBreak('the External Secrets Operator is not there');
  return found;
}

/** The operator's own pod signs in, for the workload's identity. */
async function giveOperatorTheIdentity(world: BreakWorld, workload: Workload): Promise<void> {
  await useWebhook(world);
  const { metadata, spec } = await operatorOf(world);
  const { clientId, tenantId } = workload.identity().resource.properties;
  const account = { account: spec.template.spec.serviceAccountName, namespace: metadata.namespace } as Workload;
  await annotate(world, account, { [CLIENT_ID]: String(clientId), [TENANT_ID]: String(tenantId) });
  const labels = { 'azure.workload.identity/use': 'true' };
  const template = { metadata: { labels } };
  await world.kubectl.patch('Deployment', metadata.name, metadata.namespace, { spec: { template } });
  await world.settled();
}

/** Stores: who signs in, for whom, and whether the operator may. */
export const secretStores: readonly Break[] = [
  {
    id: 'F114',
    says: 'The service account that the SecretStore names bears no client id.',
    methods: ['external-secrets'],
    async broken(world) {
      await annotate(world, await world.workload(), { [CLIENT_ID]: null });
    },
  },
  wrongStore(
    'F115',
    'Neither the SecretStore nor its service account names a tenant.',
    (azurekv) => {
      delete azurekv.tenantId;
    },
    (world, workload) => annotate(world, workload, { [TENANT_ID]: null }),
  ),
  wrongStore(
    'F116',
    'The SecretStore and its service account both name a tenant.',
    (azurekv, { place }) => {
      azurekv.tenantId = place.tenantId;
    },
    (world, workload) => annotate(world, workload, { [TENANT_ID]: world.place.tenantId }),
  ),
  wrongStore('F117', "The SecretStore names no service account, and the operator's pod has no identity.", (azurekv) => {
    delete azurekv.serviceAccountRef;
  }),
  wrongStore('F118', 'The SecretStore says no authType, which means a service principal.', (azurekv) => {
    delete azurekv.authType;
  }),
  {
    id: 'F119',
    says: "The operator's role was trimmed: it may not ask for tokens of service accounts.",
    methods: ['external-secrets'],
    async broken(world) {
      const asks = ({ rules }: KubeObject) =>
        (rules as { resources?: string[] }[]).some(({ resources }) => resources?.includes('serviceaccounts/token'));
      const roles = (await world.kubectl.list('ClusterRole')).filter(asks);
      if (roles.length === 0) throw new CannotBreak('no role of the operator asks for tokens');
      for (const role of roles) {
        await edit(world, role, (copy) => {
          copy.rules.splice(
            0,
            copy.rules.length,
            ...copy.rules.filter((rule: object) => !asks({ ...copy, rules: [rule] })),
          );
        });
      }
    },
  },
  wrongStore(
    'F120',
    'The SecretStore names no service account: the operator signs in as its own, which no credential trusts.',
    (azurekv) => {
      delete azurekv.serviceAccountRef;
    },
    giveOperatorTheIdentity,
  ),
  wrongStore('F150', 'The SecretStore takes its credentials from a Secret that is not there.', (azurekv, { place }) => {
    azurekv.authType = 'ServicePrincipal';
    azurekv.tenantId = place.tenantId;
    const name = 'azure-secret-sp';
    azurekv.authSecretRef = { clientId: { name, key: 'ClientID' }, clientSecret: { name, key: 'ClientSecret' } };
    delete azurekv.serviceAccountRef;
  }),
  {
    id: 'F151',
    says: 'The SecretStore, older than the webhook, names its service account with another namespace.',
    methods: ['external-secrets'],
    async broken(world) {
      const store = await (await world.workload()).object('SecretStore');
      const webhooks = await world.kubectl.list('ValidatingWebhookConfiguration');
      const ofStores = webhooks.filter((each) =>
        (each.webhooks as { name: string }[]).some(({ name }) => name.includes('.secretstore.')),
      );
      for (const { metadata } of ofStores) await world.kubectl.remove('ValidatingWebhookConfiguration', metadata.name);
      await edit(world, store, ({ spec }) => {
        spec.provider.azurekv.serviceAccountRef.namespace = 'external-secrets';
      });
      await world.settled();
      for (const each of ofStores) {
        await world.kubectl.create({ ...manifestOf({ ...each, kind: 'ValidatingWebhookConfiguration' }) });
      }
    },
  },
];

/** What is asked of a store, by which version of the operator's kinds, and where it goes. */
export const externalSecrets: readonly Break[] = [
  {
    id: 'F111',
    says: 'The manifests are of external-secrets.io/v1beta1, which the operator that was upgraded since serves no more.',
    methods: ['external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      const cluster = world.cluster().resource.name;
      await world.faults.externalSecrets(cluster, '0.15');
      await world.settled();
      for (const kind of ['SecretStore', 'ExternalSecret'] as const) {
        const manifest = manifestOf(await workload.object(kind));
        await edit(world, await workload.object(kind), (copy) => {
          Object.assign(copy.metadata, {
            annotations: { ...copy.metadata.annotations, [APPLIED]: JSON.stringify(manifest) },
          });
        });
      }
      await world.settled();
      await world.faults.externalSecrets(cluster, '2.9');
    },
  },
  {
    id: 'F112',
    says: 'The operator is not installed: the cluster serves none of its kinds.',
    methods: ['external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      await world.faults.externalSecrets(world.cluster().resource.name, 'none');
      await world.settled();
      await workload.restart();
    },
  },
  wrongExternal('F122', 'The ExternalSecret asks for a ClusterSecretStore, and its store is a SecretStore.', (spec) => {
    spec.secretStoreRef.kind = 'ClusterSecretStore';
  }),
  {
    id: 'F123',
    says: 'The ClusterSecretStore is for other namespaces than that of the ExternalSecret.',
    methods: ['external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      const { apiVersion, metadata, spec } = await workload.object('SecretStore');
      const wide = structuredClone(spec);
      const { name, namespace } = metadata;
      if (wide.provider.azurekv.serviceAccountRef) wide.provider.azurekv.serviceAccountRef.namespace = namespace;
      wide.conditions = [{ namespaces: [`${namespace}-staging`] }];
      await world.kubectl.create({ apiVersion, kind: 'ClusterSecretStore', metadata: { name }, spec: wide });
      await edit(world, await workload.object('ExternalSecret'), (copy) => {
        copy.spec.secretStoreRef = { kind: 'ClusterSecretStore', name };
      });
    },
  },
  {
    id: 'F124',
    says: 'Another ExternalSecret owns the Secret that this one is to write.',
    methods: ['external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      const manifest = manifestOf(await workload.object('ExternalSecret'));
      const { name, namespace } = manifest.metadata;
      await world.kubectl.remove('ExternalSecret', name, namespace);
      await world.settled();
      const other = structuredClone(manifest);
      other.spec.target.name ??= name;
      other.spec.data = (other.spec.data ?? []).slice(0, 1).map((each: object) => ({ ...each, secretKey: 'value' }));
      await world.kubectl.create({ ...other, metadata: { name: `${name}-legacy`, namespace } });
      await world.settled();
      await world.kubectl.create(manifest);
      await world.settled();
      await workload.restart();
    },
  },
  wrongExternal('F125', 'The ExternalSecret takes a property of a secret that is no JSON.', ({ data }) => {
    data[0].remoteRef.property = 'password';
  }),
  wrongExternal('F126', 'The ExternalSecret extracts properties of a certificate, which has none.', (spec) => {
    spec.dataFrom = [...(spec.dataFrom ?? []), { extract: { key: 'cert/tls' } }];
  }),
  {
    id: 'F127',
    says: 'The ExternalSecret finds secrets by name, and the identity may get each but not list them.',
    methods: ['external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      mayNotList(world, workload);
      await edit(world, await workload.object('ExternalSecret'), ({ spec }) => {
        delete spec.data;
        spec.dataFrom = [{ find: { name: { regexp: `^(${workload.secrets.join('|')})$` } } }];
      });
    },
  },
  {
    id: 'F129',
    says: 'The ExternalSecret is read once and never again, and the secrets have new versions since.',
    methods: ['external-secrets'],
    async broken(world) {
      const workload = await world.workload();
      await edit(world, await workload.object('ExternalSecret'), ({ spec }) => {
        spec.refreshPolicy = 'CreatedOnce';
      });
      await world.settled();
      await rotate(world, workload);
    },
  },
];

/** What the identity has at the vault, it has at each secret of the workload alone; a policy lets it get and no more. */
function mayNotList(world: BreakWorld, workload: Workload): void {
  const principal = String(workload.identity().resource.properties.principalId);
  const { id, properties } = workload.vault().resource;
  if (properties.enableRbacAuthorization !== true) {
    for (const policy of (properties.accessPolicies ?? []) as { objectId: string; permissions: object }[]) {
      if (policy.objectId === principal) policy.permissions = { ...policy.permissions, secrets: ['get'] };
    }
    return;
  }
  takeRoles(world, principal);
  for (const name of workload.secrets) {
    putAssignment(world.place, 'Key Vault Secrets User', principal, `${id}/secrets/${name}`);
  }
}
