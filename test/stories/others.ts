import type { Story } from './harness.ts';

/** The API server as another client sees it: a colleague with kubectl, an operator. */
export async function kubectl(story: Story, method: string, path: string, body?: unknown, type = 'application/json') {
  const cluster = story.sandbox.parts.arm.clusters()[0]!;
  const token = /"?token"?: "?([\w.-]+)/.exec(story.sandbox.kubeconfig())?.[1] ?? '';
  const [route, query] = path.split('?');
  const reply = await story.sandbox.parts.dispatch({
    method,
    host: cluster.fqdn,
    path: route!,
    query: new URLSearchParams(query),
    headers: { authorization: `Bearer ${token}`, 'content-type': type, 'user-agent': 'kubectl' },
    body: body ? JSON.stringify(body) : '',
  });
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers is what the test looks at
  return { status: reply.status, body: (typeof reply.body === 'string' ? JSON.parse(reply.body) : reply.body) as any };
}

const named = <T extends { readonly resource: { readonly name: string } }>(all: Record<string, T>, part: string) =>
  Object.entries(all).find(([, { resource }]) => resource.name.includes(part));

/** The identity whose name contains this, as Resource Manager keeps it. */
export const identityIn = ({ sandbox }: Story, part: string) => named(sandbox.place.slice.identities, part)?.[1];

/** A credential that a colleague adds to it. */
export function trustByHand(story: Story, part: string, credential: { name: string; issuer: string; subject: string }) {
  const identity = identityIn(story, part)!;
  const { name, ...properties } = credential;
  identity.credentials[name] = {
    arrivesAt: 0,
    resource: {
      id: `${identity.resource.id}/federatedIdentityCredentials/${name}`,
      name,
      type: 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials',
      properties: { ...properties, audiences: ['api://AzureADTokenExchange'] },
    },
  };
}

/** Names of the credentials of an identity. */
export const credentialsIn = (story: Story, part: string): string[] =>
  Object.values(identityIn(story, part)?.credentials ?? {}).map(({ resource }) => resource.name);

/** The cluster is deleted, with all that was in it; what was made for it in Azure stays. */
export function deleteCluster({ sandbox }: Story, name: string): void {
  const { clusters } = sandbox.place.slice;
  const found = named(clusters, name);
  if (found) delete clusters[found[0]];
}
