import type { Story } from '../stories/harness.ts';
import { kubectl } from '../stories/others.ts';
import { azure } from './made-world.ts';

/** Names that nobody would get from this program. */
export const NAMES = {
  namespace: 'store-front',
  deployment: 'checkout-v2',
  account: 'checkout-runner',
  identity: 'mi-checkout-prod',
  group: 'platform-identities',
} as const;

// biome-ignore lint/suspicious/noExplicitAny: objects as somebody writes them
type Json = any;

const must = async (what: string, answer: Promise<{ status: number; body: Json }>): Promise<Json> => {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`${what}: ${status} ${JSON.stringify(body)}`);
  return body;
};

/** `kubectl create`, by another hand than ours. */
export const create = (story: Story, path: string, object: Json): Promise<Json> =>
  must(path, kubectl(story, 'POST', path, object));

/** An identity in a group of its own, trusted by a credential of a foreign name, allowed by a group at a wider scope. */
export async function identityByHand(story: Story): Promise<{ clientId: string; tenantId: string }> {
  const { slice, subscriptionId } = story.sandbox.place;
  const base = `/subscriptions/${subscriptionId}`;
  const put = (path: string, version: string, body: Json) => must(path, azure(story, 'PUT', path, version, body));
  await put(`${base}/resourceGroups/${NAMES.group}`, '2021-04-01', { location: 'westeurope' });
  const id = `${base}/resourceGroups/${NAMES.group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${NAMES.identity}`;
  const { properties } = await put(id, '2024-11-30', { location: 'westeurope' });
  const cluster = Object.values(slice.clusters)[0]!.resource;
  const { issuerURL } = cluster.properties.oidcIssuerProfile as { issuerURL: string };
  await put(`${id}/federatedIdentityCredentials/checkout-in-${cluster.name}`, '2024-11-30', {
    properties: {
      issuer: issuerURL,
      subject: `system:serviceaccount:${NAMES.namespace}:${NAMES.account}`,
      audiences: ['api://AzureADTokenExchange'],
    },
  });
  const people = '99999999-0000-4000-8000-00000000000a';
  slice.principals[people] = { kind: 'Group', name: 'vault readers', arrivesAt: 0 };
  slice.principals[properties.principalId]!.memberOf = [people];
  const role = `${base}/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6`;
  await put(
    `${base}/resourceGroups/demo-rg/providers/Microsoft.Authorization/roleAssignments/88888888-0000-4000-8000-00000000000b`,
    '2022-04-01',
    { properties: { roleDefinitionId: role, principalId: people, principalType: 'Group' } },
  );
  // As after a while: nothing of it is young.
  await story.sandbox.surroundings.clock.sleep(30 * 60_000);
  return { clientId: properties.clientId, tenantId: properties.tenantId };
}

export async function accountByHand(story: Story, annotations: Record<string, string> = {}): Promise<void> {
  const { namespace, account } = NAMES;
  await create(story, '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await create(story, `/api/v1/namespaces/${namespace}/serviceaccounts`, {
    ...{ apiVersion: 'v1', kind: 'ServiceAccount' },
    metadata: { name: account, annotations },
  });
}

/** A Deployment of somebody else's image. Answers the name of its pod once there is one. */
export async function deployByHand(
  story: Story,
  pod: { labels?: Json; annotations?: Json; container?: Json; volumes?: Json; serviceAccountName?: string },
): Promise<string> {
  const { namespace, deployment, account } = NAMES;
  const labels = { tier: 'web', ...pod.labels };
  await create(story, `/apis/apps/v1/namespaces/${namespace}/deployments`, {
    ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: deployment } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { tier: 'web' } },
      template: {
        metadata: { labels, annotations: pod.annotations },
        spec: {
          serviceAccountName: pod.serviceAccountName ?? account,
          containers: [{ name: 'web', image: 'contoso.example/checkout:7', ...pod.container }],
          volumes: pod.volumes ?? [],
        },
      },
    },
  });
  return podOf(story);
}

export async function podOf(story: Story): Promise<string> {
  const { namespace, deployment } = NAMES;
  for (let tries = 0; tries < 200; tries += 1) {
    const { body } = await kubectl(story, 'GET', `/api/v1/namespaces/${namespace}/pods`);
    const pod = body.items.find((each: Json) => each.metadata.name.startsWith(deployment));
    if (pod?.status?.phase === 'Running') return pod.metadata.name;
    await story.sandbox.surroundings.clock.sleep(1000);
  }
  throw new Error('no pod runs');
}

/** A cluster in which everything of a method is switched on, by another workload of ours. */
export async function switchedOn(story: Story, method: string): Promise<void> {
  const { code, err } = await story.run(`init --method ${method} --workload other --namespace other --yes`, {
    noSample: true,
  });
  if (code !== 0) throw new Error(err);
}
