/** The worlds that the measurements run in: sandboxes of their own, and the program in them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parse } from 'yaml';
import { main } from '../../src/main.ts';
import { directoryOf } from '../../src/sandbox/graph/store.ts';
import { type LogEntry, openSandbox, type Sandbox, type SandboxOptions } from '../../src/sandbox/index.ts';
import { putAssignment, putPrincipal } from '../../src/sandbox/world/put.ts';
import type { Surroundings } from '../../src/surroundings.ts';

export interface World {
  /** Where commands run, and files lie. */
  readonly folder: string;
  readonly sandbox: Sandbox;
  /** Runs the program in this process. Throws when it ends with another code than 0. */
  run(words: string): Promise<Run>;
  /** The requests of programs from then on: not those of pods, drivers and the sandbox's own parts. */
  requestsSince(mark: number): readonly LogEntry[];
  /** For programs in processes of their own: the way to the sandbox, and a sign-in that may do everything there. */
  signedIn(): Promise<NodeJS.ProcessEnv>;
  close(): Promise<void>;
}

export interface Run {
  /** Milliseconds, real. */
  readonly time: number;
  /** Milliseconds on the sandbox's clock, which skips waiting. */
  readonly simulated: number;
  readonly requests: readonly LogEntry[];
}

/** A demo world, in which replication and long operations take no time unless the settings say otherwise. */
export async function begin(
  settings: SandboxOptions['settings'] = {},
  options: Partial<SandboxOptions> = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'aks-secrets-bench-'));
  const quick = { replication: 0, operation: 0, ...settings };
  const sandbox = await openSandbox({ dir: join(folder, 'sandbox'), settings: quick, ...options });
  const { defaults, ...surroundings } = sandbox.surroundings as unknown as Surroundings;
  const now = () => surroundings.clock.now().getTime();

  const requestsSince: World['requestsSince'] = (mark) =>
    sandbox.log
      .since(mark)
      .filter(({ via, userAgent }) => via !== 'inside' && !/sandbox|provider|^node$/i.test(userAgent));

  const run: World['run'] = async (words) => {
    const mark = sandbox.log.mark();
    const said: string[] = [];
    const stream = { write: (text: string) => said.push(text), isTTY: false };
    const [began, at] = [performance.now(), now()];
    const code = await main(words.split(' '), {
      stdin: Object.assign(Readable.from([]), { isTTY: false }),
      stdout: stream,
      stderr: stream,
      env: {},
      cwd: folder,
      signal: new AbortController().signal,
      surroundings: {
        ...surroundings,
        defaults: { subscription: defaults.subscription ?? '' },
        close: async () => undefined,
      },
    });
    const time = performance.now() - began;
    if (code !== 0) throw new Error(`aks-secrets ${words} ended with ${code}:\n${said.join('')}`);
    return { time, simulated: now() - at, requests: requestsSince(mark) };
  };

  return {
    folder,
    sandbox,
    run,
    requestsSince,
    async signedIn() {
      const { clientId, tokenFile } = await pipelineIn(sandbox, folder);
      return {
        ...sandbox.parts.access.env,
        NO_COLOR: '1',
        AZURE_CLIENT_ID: clientId,
        AZURE_TENANT_ID: sandbox.place.tenantId,
        AZURE_FEDERATED_TOKEN_FILE: tokenFile,
        AKS_SECRETS_SUBSCRIPTION: sandbox.place.subscriptionId,
      };
    },
    async close() {
      await sandbox.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The demo world's things, and a workload, as flags. */
export const DEMO = '--cluster demo-aks --resource-group demo-rg --vault demo-kv --secret db-password --secret api-key';

/** The object id of its service principal. */
export const PIPELINE = 'c1c1c1c1-0000-4000-8000-000000000002';

/** An application, Owner of the subscription, that trusts a service account of the cluster, as a pipeline that runs there. */
async function pipelineIn({ place, parts, kubeconfig }: Sandbox, folder: string) {
  const { clusters, users } = parse(kubeconfig()) as {
    clusters: { cluster: { server: string } }[];
    users: { user: { token: string } }[];
  };
  const [clientId, objectId] = ['c1c1c1c1-0000-4000-8000-000000000001', PIPELINE];
  const audience = 'api://AzureADTokenExchange';
  const { body } = await parts.dispatch({
    method: 'POST',
    host: new URL(clusters[0]!.cluster.server).hostname,
    path: '/api/v1/namespaces/default/serviceaccounts/default/token',
    query: new URLSearchParams(),
    headers: { authorization: `Bearer ${users[0]!.user.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ spec: { audiences: [audience], expirationSeconds: 86_400 } }),
  });
  const { token } = (typeof body === 'string' ? JSON.parse(body) : body).status as { token: string };
  const { iss, sub } = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  const tokenFile = join(folder, 'pipeline-token');
  writeFileSync(tokenFile, token, { mode: 0o600 });
  const common = { appId: clientId, displayName: 'pipeline', tags: [], owner: objectId, arrivesAt: 0 };
  const directory = directoryOf(parts);
  directory.applications[clientId] = {
    ...{ ...common, id: clientId, signInAudience: 'AzureADMyOrg', createdDateTime: new Date(0).toISOString() },
    credentials: [{ id: objectId, arrivesAt: 0, name: 'pipeline', issuer: iss, subject: sub, audiences: [audience] }],
  };
  directory.servicePrincipals[objectId] = {
    ...{ ...common, id: objectId, accountEnabled: true, tenantId: place.tenantId },
  };
  directory.rights[objectId] = 'all';
  putPrincipal(place, objectId, 'ServicePrincipal', 'pipeline');
  for (const role of ['Owner', 'Key Vault Secrets Officer'])
    putAssignment(place, role, objectId, `/subscriptions/${place.subscriptionId}`);
  parts.save();
  return { clientId, tokenFile };
}
