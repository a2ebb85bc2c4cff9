import { afterAll, afterEach, expect } from 'vitest';
import { METHODS, type Method } from '../../src/sandbox/break/break.ts';
import type { Reply } from '../../src/sandbox/parts.ts';
import { begin, type Story } from '../stories/harness.ts';
import { identityIn, kubectl } from '../stories/others.ts';

const stories: Story[] = [];
afterEach(async () => {
  for (const story of stories.splice(0)) await story.close();
});

/** A demo world, closed after the test. */
export async function fresh(): Promise<Story> {
  const story = await begin();
  stories.push(story);
  return story;
}

/** A world in which `init` has been run by that method, with its sample. */
export async function wired(method: Method, words = ''): Promise<Story> {
  const story = await fresh();
  const ran = await story.run(`init --method ${method} --yes ${words}`);
  if (ran.code !== 0) throw new Error(`init ${method} ended with ${ran.code}\n${ran.out}\n${ran.err}`);
  return story;
}

/** An object or a list of the cluster. */
// biome-ignore lint/suspicious/noExplicitAny: of any kind
export const get = async (story: Story, path: string): Promise<any> => (await kubectl(story, 'GET', path)).body;

interface PodSeen {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
  };
  // biome-ignore lint/suspicious/noExplicitAny: looked into by tests
  readonly [other: string]: any;
}

/** The pods of the workload, the newest last. */
export async function podsOf(story: Story, namespace = 'demo'): Promise<readonly PodSeen[]> {
  const { items } = await get(story, `/api/v1/namespaces/${namespace}/pods`);
  return (items as PodSeen[]).sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1));
}

/** Whether its newest pod is ready. */
export async function ready(story: Story): Promise<boolean> {
  const conditions = (await podsOf(story)).at(-1)?.status?.conditions as { type: string; status: string }[] | undefined;
  return conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/** What a container of the newest pod says. */
export async function logOf(story: Story, container = 'reader'): Promise<string> {
  const pod = (await podsOf(story)).at(-1);
  if (!pod) return 'no pod';
  const cluster = story.sandbox.parts.arm.clusters()[0]!;
  const token = /"?token"?: "?([\w.-]+)/.exec(story.sandbox.kubeconfig())?.[1] ?? '';
  const { body } = await story.sandbox.parts.dispatch({
    method: 'GET',
    host: cluster.fqdn,
    path: `/api/v1/namespaces/demo/pods/${pod.metadata.name}/log`,
    query: new URLSearchParams({ container }),
    headers: { authorization: `Bearer ${token}`, 'user-agent': 'kubectl' },
    body: '',
  });
  return typeof body === 'string' ? body : JSON.stringify(body);
}

/** `Reason message`, of all events in the namespace. */
export async function eventsIn(story: Story, namespace = 'demo'): Promise<string[]> {
  const { items } = await get(story, `/api/v1/namespaces/${namespace}/events`);
  return (items as { reason: string; message: string }[]).map(({ reason, message }) => `${reason} ${message}`);
}

/** What Entra answers to a token of the workload's account: `AADSTS…`, or its access token. */
export async function signIn(
  story: Story,
  as: { readonly clientId?: string; readonly tenant?: string; readonly scope?: string } = {},
): Promise<{ readonly error?: string; readonly token?: string }> {
  const { body } = await kubectl(story, 'POST', '/api/v1/namespaces/demo/serviceaccounts/demo/token', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences: ['api://AzureADTokenExchange'], expirationSeconds: 3600 },
  });
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: as.clientId ?? String(identityIn(story, 'demo')?.resource.properties.clientId),
    scope: as.scope ?? 'https://vault.azure.net/.default',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: body.status.token,
  });
  const tenant = as.tenant ?? story.sandbox.place.tenantId;
  const reply = await send(story, 'POST', `https://login.microsoftonline.com/${tenant}/oauth2/v2.0/token`, {
    body: form.toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  const said = reply.body as { access_token?: string; error_description?: string };
  return said.access_token ? { token: said.access_token } : { error: said.error_description ?? '' };
}

/** What the vault answers to the workload: status, and the code of its refusal with its words. */
export async function readSecret(story: Story, name = 'db-password', vault = 'demo-kv', kind = 'secrets') {
  const { token, error } = await signIn(story);
  if (!token) return { status: 0, said: error ?? '' };
  const reply = await send(story, 'GET', `https://${vault}.vault.azure.net/${kind}/${name}?api-version=7.4`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { error: refused } = reply.body as {
    error?: { code: string; message: string; innererror?: { code: string } };
  };
  return { status: reply.status, said: `${refused?.code} ${refused?.innererror?.code ?? ''} ${refused?.message}` };
}

/** One request, past the socket. */
export function send(
  story: Story,
  method: string,
  address: string,
  more: { readonly headers?: Record<string, string>; readonly body?: string } = {},
): Promise<Reply> {
  const url = new URL(address);
  const { headers = {}, body = '' } = more;
  return story.sandbox.parts.dispatch({
    method,
    host: url.hostname,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers,
    body,
  });
}

/** One request to Resource Manager as the sandbox's caller; the path begins below the subscription, or with a slash. */
export async function azure(story: Story, method: string, path: string, version: string, body?: unknown) {
  const credential = await story.sandbox.surroundings.credential();
  const { token } = await credential.getToken('https://management.azure.com/.default');
  const full = path.startsWith('/') ? path : `/subscriptions/${story.sandbox.place.subscriptionId}/${path}`;
  const reply = await send(story, method, `https://management.azure.com${full}?api-version=${version}`, {
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: whatever it answers is what the test looks at
  return { status: reply.status, body: reply.body as any };
}

const shared = new Map<string, Promise<Story>>();
afterAll(async () => {
  for (const story of shared.values()) await (await story).close();
  shared.clear();
});

/** One world by that method for all tests of a file: each mends what it broke. */
export function sharedWorld(method: Method): Promise<Story> {
  const story = shared.get(method) ?? begun(method);
  shared.set(method, story);
  return story;
}

async function begun(method: Method): Promise<Story> {
  const story = await begin();
  const ran = await story.run(`init --method ${method} --yes`);
  if (ran.code !== 0) throw new Error(`init ${method} ended with ${ran.code}\n${ran.out}\n${ran.err}`);
  return story;
}

/** Where somebody who looks for the reason finds it: what the consumer of the secrets says, and what the cluster notes. */
export async function symptoms(story: Story, method: Method): Promise<string> {
  const said = [await logOf(story), ...(method === 'dapr' ? [await logOf(story, 'daprd')] : [])];
  const objects = method === 'external-secrets' ? ['secretstores', 'externalsecrets'] : [];
  for (const plural of objects) {
    const { items = [] } = await get(story, `/apis/external-secrets.io/v1/namespaces/demo/${plural}`);
    said.push(JSON.stringify(items.map((each: { status: unknown }) => each.status)));
  }
  return [...said, ...(await eventsIn(story))].join('\n');
}

/** Breaks, looks, mends, and sees that all is well again. Young failures are looked at, where time tells nothing. */
export async function brokenAndMended(
  method: Method,
  id: string,
  look: (story: Story) => Promise<void>,
): Promise<void> {
  const story = await sharedWorld(method);
  await story.sandbox.break(id, method === 'external-secrets' ? {} : { age: 0 });
  try {
    await look(story);
  } finally {
    await story.sandbox.mend();
  }
  expect(await ready(story)).toBe(true);
  expect((await readSecret(story)).status).toBe(200);
  expect(story.sandbox.errors).toEqual([]);
}

/** What is found where somebody looks: the same by every method, or by each its own. */
export type Found = RegExp | Partial<Record<Method, RegExp>>;
export type Row = readonly [id: string, found: Found, methods?: readonly Method[]];

/** The cases of a table: each failure by each method for which something is to be found. */
export const casesOf = (rows: readonly Row[]): (readonly [id: string, method: Method, found: RegExp])[] =>
  rows.flatMap(([id, found, methods = METHODS]) =>
    methods.flatMap((method) => {
      const pattern = found instanceof RegExp ? found : found[method];
      return pattern ? [[id, method, pattern] as const] : [];
    }),
  );
