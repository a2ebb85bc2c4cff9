import { randomUUID } from 'node:crypto';
import type { IdentityRecord } from '../arm/store.ts';
import { selfSigned } from '../tls.ts';
import { putPrincipal } from '../world/put.ts';
import type { Break, BreakWorld, PodTemplate } from './break.ts';
import { CannotBreak, HOUR, MINUTE } from './break.ts';
import { annotate, CLIENT_ID, USE } from './hands.ts';
import type { KubeObject } from './kubectl.ts';
import { changed, edit } from './objects.ts';

const INJECTOR = 'dapr-sidecar-injector';
const DAY = 24 * HOUR;

interface Setting {
  readonly name: string;
  value?: string;
}

/** A setting of a component; absent, it is taken away. */
function set({ spec }: KubeObject, name: string, value: string | undefined): void {
  const others = ((spec.metadata ?? []) as Setting[]).filter((each) => each.name.toLowerCase() !== name.toLowerCase());
  spec.metadata = value === undefined ? others : [...others, { name, value }];
}

const settingOf = ({ spec }: KubeObject, name: string): string | undefined =>
  ((spec.metadata ?? []) as Setting[]).find((each) => each.name === name)?.value;

/** A component that says something wrong, and pods that were made since. */
const wrongComponent = (id: string, says: string, change: (copy: KubeObject) => void): Break => ({
  id,
  says,
  methods: ['dapr'],
  broken: (world) => changed(world, 'Component', change),
});

const wrongTemplate = (id: string, says: string, change: (template: PodTemplate) => void): Break => ({
  id,
  says,
  methods: ['dapr'],
  async broken(world) {
    await (await world.workload()).redeploy(change);
  },
});

/** Where Dapr was installed. */
async function daprNamespace({ kubectl }: BreakWorld): Promise<string> {
  const found = (await kubectl.list('Deployment')).find(({ metadata }) => metadata.name === 'dapr-sentry');
  if (!found) throw new CannotBreak('Dapr is not in the cluster');
  return found.metadata.namespace ?? '';
}

/** An identity that the same account may use, with no right anywhere: what a workload had before its present one. */
function formerIdentity({ slice, place }: BreakWorld, present: IdentityRecord): string {
  const copy = structuredClone(present);
  const [clientId, principalId] = [randomUUID(), randomUUID()];
  const name = `${copy.resource.name}-former`;
  const id = copy.resource.id.replace(/[^/]+$/, name);
  copy.resource = { ...copy.resource, id, name, tags: {} };
  copy.resource.properties = { ...copy.resource.properties, clientId, principalId };
  for (const { resource } of Object.values(copy.credentials))
    resource.id = resource.id.replace(present.resource.id, id);
  slice.identities[id.toLowerCase()] = copy;
  putPrincipal(place, principalId, 'ServicePrincipal', name);
  return clientId;
}

export const dapr: readonly Break[] = [
  wrongComponent('F130', "The Component's scopes do not name the app's id.", (copy) => {
    (copy as { scopes?: string[] }).scopes = ['another-app'];
  }),
  {
    id: 'F132',
    says: 'The Configuration allows no secret of the store.',
    methods: ['dapr'],
    async broken(world) {
      const { kubectl } = world;
      const workload = await world.workload();
      const { metadata, apiVersion } = await workload.object('Component');
      const { namespace } = workload;
      const annotations = (await workload.deployment()).spec.template.metadata?.annotations ?? {};
      const name = annotations['dapr.io/config'] as string | undefined; // empty where there is none
      const scopes = [{ storeName: metadata.name, defaultAccess: 'deny', allowedSecrets: ['another-secret'] }];
      const known = name && (await kubectl.get('Configuration', name, namespace));
      if (known) {
        await edit(world, { ...known, kind: 'Configuration' }, (copy) => {
          copy.spec.secrets = { scopes };
        });
        await workload.restart();
        return;
      }
      const made = name || `${metadata.name}-config`;
      const spec = { secrets: { scopes } };
      await kubectl.create({ apiVersion, kind: 'Configuration', metadata: { name: made, namespace }, spec });
      await workload.redeploy((template) => {
        template.metadata.annotations = { ...template.metadata.annotations, 'dapr.io/config': made };
      });
    },
  },
  {
    id: 'F134',
    says: "The pods lack the label of workload identity: their sidecars try the node's identity instead.",
    methods: ['dapr'],
    async broken(world) {
      const workload = await world.workload();
      await edit(world, await workload.object('Component'), (copy) => set(copy, 'azureAuthMethods', undefined));
      await workload.redeploy(({ metadata }) => {
        delete metadata.labels[USE];
      });
    },
  },
  {
    id: 'F135',
    says: 'The Component names another identity than the service account, and workload identity obeys the account.',
    methods: ['dapr'],
    async broken(world) {
      const workload = await world.workload();
      const present = workload.identity();
      const former = formerIdentity(world, present);
      await annotate(world, workload, { [CLIENT_ID]: former });
      await edit(world, await workload.object('Component'), (copy) =>
        set(copy, 'azureClientId', String(present.resource.properties.clientId)),
      );
      await world.settled();
      await workload.restart();
    },
  },
  {
    id: 'F136',
    says: "The annotations for Dapr are on the Deployment and not on its pods' template.",
    methods: ['dapr'],
    async broken(world) {
      const workload = await world.workload();
      const moved: Record<string, string> = {};
      await workload.redeploy(({ metadata }) => {
        for (const [name, value] of Object.entries(metadata.annotations as Record<string, string>)) {
          if (!name.startsWith('dapr.io/')) continue;
          moved[name] = value;
          delete metadata.annotations[name];
        }
      });
      const { metadata } = await workload.deployment();
      const annotations = { metadata: { annotations: moved } };
      await world.kubectl.patch('Deployment', metadata.name, workload.namespace, annotations);
    },
  },
  wrongComponent('F137', 'The Component names a cloud that Dapr does not know: the sidecar does not start.', (copy) =>
    set(copy, 'azureEnvironment', 'PublicCloud'),
  ),
  {
    id: 'F138',
    says: 'The Component was corrected after the pods had started, and their sidecars have not read it again.',
    methods: ['dapr'],
    async broken(world) {
      const workload = await world.workload();
      const right = settingOf(await workload.object('Component'), 'vaultName') ?? '';
      await changed(world, 'Component', (copy) => set(copy, 'vaultName', `${right}-old`));
      await world.pass(30 * MINUTE);
      await edit(world, await workload.object('Component'), (copy) => set(copy, 'vaultName', right));
    },
  },
  {
    id: 'F139',
    says: "Dapr's root certificate has ended: the API server does not trust the injector, and pods get no sidecar.",
    methods: ['dapr'],
    async broken(world) {
      const { kubectl } = world;
      const namespace = await daprNamespace(world);
      // Made at the installation a year ago, and never renewed.
      const to = new Date(world.now() - DAY);
      const { certificate } = selfSigned('cluster.local', { from: new Date(to.getTime() - 365 * DAY), to });
      const encoded = Buffer.from(certificate).toString('base64');
      const secret = { data: { 'ca.crt': encoded, 'issuer.crt': encoded } };
      await kubectl.patch('Secret', 'dapr-trust-bundle', namespace, secret);
      await kubectl.patch('ConfigMap', 'dapr-trust-bundle', namespace, { data: { 'ca.crt': certificate } });
      const configuration = await kubectl.get('MutatingWebhookConfiguration', INJECTOR);
      if (!configuration) throw new CannotBreak('the injector of Dapr is not registered');
      await edit(world, configuration, ({ webhooks }) => {
        for (const { clientConfig } of webhooks) clientConfig.caBundle = encoded;
      });
      await (await world.workload()).restart();
    },
  },
  {
    id: 'F140',
    says: "Dapr's operator could not lead the conversion of Subscriptions to itself: it still says replaceme.",
    methods: ['dapr'],
    async broken(world) {
      const definition = await world.kubectl.get('CustomResourceDefinition', 'subscriptions.dapr.io');
      if (!definition?.spec.conversion) throw new CannotBreak('the cluster converts no Subscriptions');
      await edit(world, definition, ({ spec }) => {
        spec.conversion.webhook.clientConfig.service.namespace = 'replaceme';
      });
    },
  },
  {
    id: 'F141',
    says: "The pods ask Dapr's own store of Kubernetes Secrets, and their account may not read Secrets.",
    methods: ['dapr'],
    async broken(world) {
      const workload = await world.workload();
      const isStore = ({ name }: { name: string }) => name === 'SECRET_STORE';
      await workload.redeploy(({ metadata, spec }) => {
        const containers = spec.containers as { env?: Setting[] }[];
        const told = containers.flatMap(({ env = [] }) => env.filter(isStore));
        if (told.length === 0) throw new CannotBreak('the pods do not say by SECRET_STORE which store they ask');
        for (const each of told) each.value = 'kubernetes';
        delete metadata.annotations['dapr.io/disable-builtin-k8s-secret-store'];
        spec.automountServiceAccountToken = true;
      });
    },
  },
  wrongTemplate(
    'F142',
    'The pods say a port for Dapr on which nothing listens: the sidecar waits for it.',
    ({ metadata }) => {
      metadata.annotations['dapr.io/app-port'] = '8080';
    },
  ),
  {
    id: 'F152',
    says: 'Sentry is down: no pod with a sidecar can be made.',
    methods: ['dapr'],
    async broken(world) {
      const namespace = await daprNamespace(world);
      await world.kubectl.patch('Deployment', 'dapr-sentry', namespace, { spec: { replicas: 0 } });
      await world.settled();
      await (await world.workload()).restart();
    },
  },
];
