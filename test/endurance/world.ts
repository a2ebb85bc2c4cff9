import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryOf } from '../../src/sandbox/graph/store.ts';
import { putAssignment, putPrincipal } from '../../src/sandbox/world/put.ts';
import { begin, type Story } from '../stories/harness.ts';
import { identityIn, kubectl, trustByHand } from '../stories/others.ts';

/** What lies in the vault, and what is given to be put there: must be found nowhere else. */
export const MARKERS = {
  'db-password': 'Marker-of-db-password-7f3a',
  'api-key': 'Marker-of-api-key-c9e1',
  given: 'Marker-that-is-given-51d8',
} as const;

/** Another team's things, beside and on those that a run works on; the identity is there for who names it. */
async function furnish(story: Story): Promise<void> {
  const { sandbox } = story;
  const { slice, subscriptionId } = sandbox.place;
  const [group] = Object.values(slice.groups);
  const [cluster] = Object.values(slice.clusters);
  const [vault] = Object.values(slice.vaults);
  const tags = { team: 'shop', 'cost-center': '4711' };
  Object.assign(group!, { tags });
  Object.assign(cluster!.resource, { tags });
  Object.assign(vault!.resource, { tags });
  const { properties } = cluster!.resource;
  properties.futureProfile = { mode: 'Balanced', nested: [{ a: 1 }] };
  properties.addonProfiles = {
    ...(properties.addonProfiles as object),
    omsagent: { enabled: true, config: { workspace: 'w' } },
  };
  const colleague = '11111111-2222-4333-8444-555555555555';
  putPrincipal(sandbox.place, colleague, 'User', 'ana@example.com');
  putAssignment(sandbox.place, 'Key Vault Reader', colleague, vault!.resource.id);

  const path = `/subscriptions/${subscriptionId}/resourceGroups/demo-rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/shop-id`;
  await azure(story, 'PUT', `${path}?api-version=2024-11-30`, { location: 'westeurope', tags });
  trustByHand(story, 'shop-id', { name: 'elsewhere', issuer: 'https://issuer.example/', subject: 'repo:shop/app' });

  const metadata = { labels: { team: 'shop' }, annotations: { 'example.com/owner': 'ana' } };
  const create = (where: string, kind: string, name: string, more: object = {}) =>
    kubectl(story, 'POST', `/api/v1/${where}?fieldManager=kubectl-create`, {
      ...{ apiVersion: 'v1', kind, metadata: { ...metadata, name } },
      ...more,
    });
  await create('namespaces', 'Namespace', 'demo');
  await create('namespaces/demo/serviceaccounts', 'ServiceAccount', 'demo');
  await create('namespaces/demo/configmaps', 'ConfigMap', 'settings', { data: { color: 'green' } });
  await create('namespaces/demo/secrets', 'Secret', 'theirs', {
    data: { color: Buffer.from('red').toString('base64') },
  });
  for (const name of ['db-password', 'api-key'] as const) await sandbox.seed('demo-kv', name, MARKERS[name]);
}

async function azure({ sandbox }: Story, method: string, url: string, body: object): Promise<void> {
  const [path, query] = url.split('?');
  const { token } = await (await sandbox.surroundings.credential()).getToken('https://management.azure.com/.default');
  const { status } = await sandbox.parts.dispatch({
    ...{ method, host: 'management.azure.com', path: path!, query: new URLSearchParams(query) },
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (status >= 400) throw new Error(`${method} ${path} was answered with ${status}`);
}

/** What another team has, by a name for it. A run and its repetitions must leave all of it. */
export async function foreignOf(story: Story): Promise<Readonly<Record<string, unknown>>> {
  const { slice } = story.sandbox.place;
  const tagsOf = (resource: object | undefined) => {
    const { team, 'cost-center': center } = (resource as { tags?: Record<string, string> })?.tags ?? {};
    return { team, center };
  };
  const cluster = Object.values(slice.clusters)[0]?.resource;
  const identity = identityIn(story, 'shop-id');
  const found: Record<string, unknown> = {
    'tags of the group': tagsOf(Object.values(slice.groups)[0]),
    'tags of the cluster': tagsOf(cluster),
    'tags of the vault': tagsOf(Object.values(slice.vaults)[0]?.resource),
    'tags of an identity': tagsOf(identity?.resource),
    'a credential of an identity': identity?.credentials.elsewhere?.resource.properties,
    'a profile that no model knows': cluster?.properties.futureProfile,
    'an add-on of the cluster': (cluster?.properties.addonProfiles as Record<string, unknown>)?.omsagent,
    'a role at the vault': Object.values(slice.assignments).find(({ resource }) =>
      String(resource.properties.principalId).startsWith('11111111-'),
    )?.resource.properties,
  };
  for (const path of ['', '/serviceaccounts/demo', '/configmaps/settings', '/secrets/theirs']) {
    const { body } = await kubectl(story, 'GET', `/api/v1/namespaces/demo${path}`);
    found[`in the cluster: demo${path}`] = {
      team: body.metadata?.labels?.team,
      owner: body.metadata?.annotations?.['example.com/owner'],
      data: body.data,
    };
  }
  return structuredClone(found);
}

/** What there is twice of what there must be once, one line each. */
export function duplicatesOf(story: Story): string[] {
  const { slice } = story.sandbox.place;
  const identities = Object.values(slice.identities);
  const { applications, servicePrincipals } = directoryOf(story.sandbox.parts);
  const contents = story.sandbox.parts.state.vaults as Record<
    string,
    { secrets?: Record<string, { versions: unknown[] }> }
  >;
  const things = [
    ...identities.map(({ resource }) => `identity for ${JSON.stringify((resource as { tags?: object }).tags)}`),
    ...Object.values(slice.assignments).map(({ resource: { properties: of } }) =>
      `role ${of.roleDefinitionId} of ${of.principalId} at ${of.scope}`.toLowerCase(),
    ),
    ...identities.flatMap(({ credentials }) =>
      Object.values(credentials).map(({ resource: { properties: of } }) => `credential ${of.issuer} ${of.subject}`),
    ),
    ...Object.values(applications).map(({ displayName }) => `application ${displayName}`),
    ...Object.values(servicePrincipals).map(({ appId, tenantId }) => `service principal ${appId} in ${tenantId}`),
    ...Object.entries(contents).flatMap(([vault, { secrets = {} }]) =>
      Object.entries(secrets).flatMap(([name, { versions }]) =>
        // What another team wrote before is theirs: one version, and the demo's own before it.
        Array(Math.max(1, versions.length - (name in MARKERS ? 1 : 0))).fill(`version of ${vault}/${name}`),
      ),
    ),
  ];
  return things.filter((thing, index) => things.indexOf(thing) !== index);
}

/** Folder of a sandbox that was prepared once for all stories of this worker, and is closed. */
export function prepared(
  prepare: (story: Story) => Promise<void>,
  from?: () => Promise<string>,
): () => Promise<string> {
  let folder: Promise<string> | undefined;
  return () => {
    folder ??= (async () => {
      const story = await begin({}, await from?.());
      await prepare(story);
      await story.sandbox.settled();
      await story.sandbox.close();
      const kept = mkdtempSync(join(tmpdir(), 'aks-secrets-prepared-'));
      renameSync(story.folder, kept);
      process.on('exit', () => rmSync(kept, { recursive: true, force: true }));
      return join(kept, 'sandbox');
    })();
    return folder;
  };
}

export const furnished = prepared(furnish);
