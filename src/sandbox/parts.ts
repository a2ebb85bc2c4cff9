import type { Broken } from './break/perform.ts';
import type { Clock } from './clock.ts';

/**
 * How the rooms of the sandbox know each other. Each part owns one slice of the state and answers the others' questions
 * through these functions only; all other traffic between them is HTTP, as in Azure.
 */
export interface Parts {
  readonly clock: Clock;
  readonly state: State;
  readonly settings: Settings;
  readonly arm: ArmAnswers;
  readonly entra: EntraAnswers;
  readonly graph: GraphAnswers;
  readonly kubernetes: KubernetesAnswers;
  /** How a program beside us reaches the sandbox (kubeconfig, a pod's child process). Set before any part is made. */
  readonly access: Access;
  /** What a new sandbox leaves out (`external-secrets`). */
  readonly without: readonly string[];
  /** What a new sandbox has otherwise than usual (`old-eso`: the operator before 0.16, which serves v1beta1 alone). */
  readonly with: readonly string[];
  /** Sends a request through the same routes as a client's, without the socket (CSI provider, Entra reading an issuer's keys). */
  dispatch(request: Request): Promise<Reply>;
  /** Keeps simulated time from moving on while the promise is open. */
  busy<T>(work: Promise<T>): Promise<T>;
  /** Writes the state to its file. Called after every request that changed something. */
  save(): void;
}

/** The way in for other programs: a proxy that leads the production names, and only those, to the sandbox. */
export interface Access {
  /** `http://127.0.0.1:41234`, for `HTTPS_PROXY` and a kubeconfig's `proxy-url`. */
  readonly proxyUrl: string;
  readonly caFile: string;
  /** The certificate authority's certificate, PEM. */
  readonly ca: string;
  /** Environment that leads a child process through the proxy with our CA, and nothing of the user's but PATH. */
  readonly env: NodeJS.ProcessEnv;
}

/** Everything that lasts between commands, as JSON. A slice belongs to the part that names it. */
export interface State {
  readonly version: 1;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Simulated time minus real time, milliseconds. */
  clockOffset: number;
  arm: Record<string, unknown>;
  entra: Record<string, unknown>;
  /** Absent in a state that is older than it. */
  graph?: Record<string, unknown>;
  vaults: Record<string, unknown>;
  /** What clusters of this world have less, and otherwise, than usual: also those that come later. */
  without?: readonly string[];
  with?: readonly string[];
  /** What a failure that was made has otherwise than the sandbox was opened with. */
  settings?: Partial<Settings>;
  /** Failures that were made and are not mended (`break/`). */
  broken?: readonly Broken[];
  kubernetes: Record<string, unknown>;
}

/** What can be set from outside; all times in milliseconds of simulated time but `latency`, which is real. */
export interface Settings {
  /** Real delay of every answer. */
  latency: number;
  /** How long identities, credentials and roles take to arrive everywhere. */
  replication: number;
  /** How long a long-running operation of a cluster takes. */
  operation: number;
  /** Keep to Azure's published rates. */
  throttle: boolean;
  /** Role assignments that name their principal's type also wait until Entra knows the principal. */
  strictPrincipals: boolean;
  /** Answers are held until nobody asks any more, and then all given at once; the log says in which wave. */
  waves?: boolean;
}

export interface Request {
  readonly method: string;
  /** Lower case, without port. */
  readonly host: string;
  /** Decoded, without query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** UTF-8, but for Kubernetes' protobuf: a character per byte. */
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON, a string as it is. */
  readonly body?: unknown;
  /** Instead of a body: written piece by piece until it resolves or the client goes away (watch). */
  readonly stream?: (write: (text: string) => void, gone: AbortSignal) => Promise<void>;
}

export type Handler = (request: Request, parts: Parts) => Promise<Reply>;

/** A refusal in the words of the service; the server turns it into its reply. */
export class Refusal extends Error {
  readonly reply: Reply;
  constructor(reply: Reply) {
    super(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body));
    this.reply = reply;
  }
}

/** Who a bearer token speaks for. */
export interface Principal {
  readonly objectId: string;
  readonly tenantId: string;
  readonly appId?: string;
  readonly name?: string;
  readonly audience: string;
}

export interface EntraAnswers {
  /** Verifies a bearer token that this Entra signed; `undefined` when it did not, or it has ended. */
  verify(token: string): Promise<Principal | undefined>;
  /** Signs an access token (the sandbox's caller, the identity after its exchange). */
  sign(principal: Omit<Principal, 'audience'>, audience: string): Promise<string>;
}

export interface ArmAnswers {
  /** The cluster as ARM has it now, by name of its issuer host, API server host or id. */
  clusters(): readonly ArmCluster[];
  /** The vault of that name, wherever it lies. */
  vault(name: string): ArmVault | undefined;
  /** The managed identity of that client id, once Entra knows it. */
  identityByClientId(clientId: string): ArmIdentity | undefined;
  /** Whether the principal may do this data action at the scope, by role assignments that have arrived. */
  mayDo(principalId: string, action: string, scope: string, kind: 'action' | 'dataAction'): boolean;
  /** The directory has a new service principal; other services see it once it has arrived (simulated milliseconds). */
  principalMade(objectId: string, name: string, arrivesAt: number): void;
  principalGone(objectId: string): void;
  /** Whom the directory knows by now: people and groups, and the service principals of applications and identities. */
  principals(): readonly ArmPrincipal[];
}

/** One of the directory. */
export interface ArmPrincipal {
  readonly objectId: string;
  readonly kind: 'User' | 'ServicePrincipal' | 'Group';
  readonly name: string;
  /** Of a managed identity, whose service principal it is. */
  readonly identity?: { readonly id: string; readonly clientId: string };
}

export interface GraphAnswers {
  /**
   * The application of that client id, once Entra knows it, as it signs in to that tenant: elsewhere than at home by the
   * service principal that it has there. At home without `principalId`: it has none yet.
   */
  application(
    clientId: string,
    tenantId: string,
  ): (Omit<ArmIdentity, 'id' | 'principalId'> & { readonly principalId?: string }) | undefined;
}

export interface ArmCluster {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  /** Host of the API server: `demo-aks-….hcp.westeurope.azmk8s.io`. */
  readonly fqdn: string;
  /** With trailing slash. The issuer that tokens bear: the OIDC issuer when it is on, else the API server's own. */
  readonly issuer: string;
  readonly oidcIssuer: boolean;
  readonly workloadIdentity: boolean;
  readonly keyVaultAddon: { readonly enabled: boolean; readonly rotation: boolean; readonly interval: string };
  readonly running: boolean;
  readonly kubernetesVersion: string;
  /** Local accounts off, sign-in by Entra. */
  readonly entra: boolean;
  /** The managed identities of its nodes, which their instance metadata service gives tokens for. */
  readonly nodeIdentities?: readonly { readonly clientId: string; readonly objectId: string }[];
  /** Pods that are not on the host's network do not reach that service. */
  readonly metadataRestricted?: boolean;
}

export interface ArmVault {
  readonly id: string;
  readonly name: string;
  readonly location: string;
  readonly tenantId: string;
  /** `enableRbacAuthorization` as stored: null means access policies. */
  readonly rbac: boolean | null;
  readonly accessPolicies: readonly {
    readonly tenantId: string;
    readonly objectId: string;
    readonly applicationId?: string;
    readonly permissions: Readonly<Record<string, readonly string[] | undefined>>;
  }[];
  /** Secret reads of others in ten seconds; they count against the limit of all. */
  readonly load?: number;
  readonly publicNetworkAccess: 'Enabled' | 'Disabled';
  readonly networkAcls: {
    readonly defaultAction: 'Allow' | 'Deny';
    readonly ipRules: readonly { readonly value: string }[];
  };
}

export interface ArmIdentity {
  readonly id: string;
  readonly clientId: string;
  readonly principalId: string;
  readonly tenantId: string;
  /** Those that have arrived at Entra. */
  readonly credentials: readonly {
    readonly name: string;
    readonly issuer: string;
    readonly subject: string;
    readonly audiences: readonly string[];
  }[];
}

export interface KubernetesAnswers {
  /** Called after a cluster was made or changed: webhook, driver and classes come and go with its features. */
  clusterChanged(cluster: ArmCluster): Promise<void>;
  /** Installs or changes Dapr, as the cluster extension and Helm do. Answers the error that the installation ends with. */
  installDapr(cluster: ArmCluster, release: DaprRelease): Promise<{ code: string; message: string } | undefined>;
  /** Takes Dapr away again; the definitions of its kinds and the namespace stay. */
  removeDapr(cluster: ArmCluster): Promise<void>;
  /** Installs the External Secrets Operator, or brings it to that release; `none` takes it away with all of its kinds. */
  externalSecrets(cluster: ArmCluster, release: OperatorRelease | 'none'): Promise<void>;
  /** The kubeconfig of the cluster's user. */
  kubeconfig(cluster: ArmCluster): string;
}

/** Of the External Secrets Operator: `2.9` serves v1 of its API, `0.16` v1 and v1beta1, `0.15` v1beta1 alone. */
export type OperatorRelease = '2.9' | '0.16' | '0.15';

export interface DaprRelease {
  /** Who installs it: the extension of AKS, or somebody with Helm. */
  readonly by: 'extension' | 'helm';
  /** Of the Helm release; the extension's is its own name. */
  readonly name: string;
  readonly namespace: string;
  readonly version: string;
  /** Values of the chart, by their dotted path. */
  readonly settings: Readonly<Record<string, string>>;
}
