/** What a run must ask at least, and what ours asks beyond that, by name. */
import type { LogEntry } from '../../src/sandbox/index.ts';

export const METHODS = ['workload-identity', 'csi', 'dapr', 'external-secrets'] as const;
export type Method = (typeof METHODS)[number];
export type Command = 'fresh' | 'again' | 'verify';

/**
 * `floor`: without it nobody knows what is there, or nothing is made: one read of each thing, one write of each that is to
 * be made. The others are what we ask besides, and why.
 */
type Reason = 'floor' | 'looks' | 'credentials' | 'proof' | 'outcome';

interface Thing {
  readonly name: string;
  readonly reason: Reason;
  readonly is: RegExp;
  readonly of?: readonly Method[];
}

const ARM = '(?:GET|PUT|POST) management\\.azure\\.com/.*';
const CLUSTER = '(?:GET|PATCH) [^/]+\\.azmk8s\\.io/.*';
const thing = (name: string, reason: Reason, is: string, ...of: Method[]): Thing => ({
  ...{ name, reason, is: new RegExp(`^${is}$`, 'i') },
  ...(of.length > 0 && { of }),
});

/** The first that fits a request is what it is about. */
const THINGS: readonly Thing[] = [
  thing('credentials of the cluster', 'credentials', `${ARM}/listClusterUserCredential`),
  thing('token of the service account', 'proof', 'POST [^/]+\\.azmk8s\\.io/.*/serviceaccounts/[^/]+/token'),
  thing('exchange of the token', 'proof', 'POST login\\..*/token'),
  thing('right to read a secret', 'proof', 'GET [^/]+\\.vault\\..*/secrets/[^/]+/0{32}'),
  thing('cluster', 'floor', `${ARM}/managedClusters/[^/]+`),
  thing('vault', 'floor', `${ARM}/vaults/[^/]+`),
  thing('identity', 'floor', `${ARM}/userAssignedIdentities/[^/]+`),
  thing('credential', 'floor', `${ARM}/federatedIdentityCredentials(?:/[^/]+)?`),
  thing('role', 'floor', `${ARM}/roleAssignments(?:/[^/]+)?`),
  thing('extension', 'floor', `${ARM}/extensions`, 'dapr'),
  thing('namespace', 'floor', `${CLUSTER}/namespaces/[^/]+`),
  thing('ServiceAccount', 'floor', `${CLUSTER}/serviceaccounts/[^/]+`),
  thing('SecretProviderClass', 'floor', `${CLUSTER}/secretproviderclasses/[^/]+`, 'csi'),
  thing('Component', 'floor', `${CLUSTER}/components/[^/]+`, 'dapr'),
  thing('SecretStore', 'floor', `${CLUSTER}/secretstores/[^/]+`, 'external-secrets'),
  thing('ExternalSecret', 'floor', `${CLUSTER}/externalsecrets/[^/]+`, 'external-secrets'),
  thing("the operator's kinds", 'floor', `${CLUSTER}/customresourcedefinitions/externalsecrets.*`, 'external-secrets'),
  thing('subscription', 'looks', 'GET management\\.azure\\.com/subscriptions/[^/]+'),
  thing('secrets of the vault', 'looks', 'GET [^/]+\\.vault\\.azure\\.net/secrets'),
  thing('provider', 'looks', `${ARM}/providers/Microsoft\\.ManagedIdentity`),
  thing("Dapr's kinds", 'looks', `${CLUSTER}/customresourcedefinitions/components.*`, 'dapr'),
  thing('injector', 'looks', `${CLUSTER}/mutatingwebhookconfigurations/.*`, 'dapr'),
  thing("Dapr's programs", 'looks', `${CLUSTER}/apps/v1/deployments`, 'dapr'),
  thing("the operator's programs", 'looks', `${CLUSTER}/apps/v1/deployments`, 'external-secrets'),
  thing('Secret that it writes', 'looks', `${CLUSTER}/secrets/[^/]+`, 'external-secrets'),
];

/** Waves that no run can do without, and those that ours has besides. */
const WAVES: Readonly<Record<Command, { readonly floor: number; readonly besides: number }>> = {
  // Looks; then what depends on nothing; then what names an identity or lies in a namespace. Besides: nothing of the
  // cluster is seen before its credentials are there, and the proof is a chain of three.
  fresh: { floor: 3, besides: 4 },
  again: { floor: 1, besides: 4 },
  // As again, but the token is asked for beside the looks.
  verify: { floor: 1, besides: 3 },
};
/** Store, then what needs it, once access is proven; then whether the operator has read it, and by what. */
const OF_THE_OPERATOR = 4;

export interface Account {
  readonly requests: number;
  readonly floor: number;
  /** Those beyond the floor, by reason: how many, and what they are about. */
  readonly beyond: Readonly<Record<Exclude<Reason, 'floor'>, readonly string[]>>;
  /** Nothing explains them: about a thing that nobody named, or the same again. */
  readonly unexplained: readonly string[];
  readonly waves: number;
  readonly floorWaves: number;
  readonly expectedWaves: number;
}

/** What a run's requests were for. `verify` looks at all that may be broken: its requests are only counted. */
export function account(method: Method, command: Command, requests: readonly LogEntry[]): Account {
  const beyond = { looks: [], credentials: [], proof: [], outcome: [] } as Record<Exclude<Reason, 'floor'>, string[]>;
  const unexplained: string[] = [];
  let floor = 0;
  const seen = new Set<string>();
  let written = false;
  for (const { method: verb, host, path, kind } of command === 'verify' ? [] : requests) {
    const what = `${verb} ${host}${path}`;
    const found = THINGS.find(({ is, of }) => is.test(what) && (of?.includes(method) ?? true));
    const again = seen.has(what);
    seen.add(what);
    written ||= kind === 'write';
    if (!found) unexplained.push(what);
    else if (again && written && kind === 'read' && method === 'external-secrets') beyond.outcome.push(found.name);
    else if (again) unexplained.push(what);
    else if (found.reason === 'floor') floor += 1;
    else beyond[found.reason].push(found.name);
  }
  const { floor: floorWaves, besides } = WAVES[command];
  return {
    ...{ requests: requests.length, floor, beyond, unexplained, floorWaves },
    waves: new Set(requests.map(({ wave }) => wave)).size,
    expectedWaves: floorWaves + besides + (method === 'external-secrets' && command === 'fresh' ? OF_THE_OPERATOR : 0),
  };
}

/** The floor of a method, counted from what it consists of. */
export function floorOf(method: Method, command: 'fresh' | 'again'): number {
  const things = THINGS.filter(({ reason, of }) => reason === 'floor' && (of?.includes(method) ?? true));
  const there = ['cluster', 'vault', 'extension', "the operator's kinds"];
  const made = command === 'fresh' ? things.filter(({ name }) => !there.includes(name)) : [];
  return things.length + made.length;
}
