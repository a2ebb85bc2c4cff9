import { variableOf } from '../spec/variable.ts';
import type { Consent } from '../step.ts';

/** One flag, as data: the parser, the environment, the help and the sentence about a missing one are made from it. */
export interface Flag {
  /** Without dashes. */
  readonly flag: string;
  readonly short?: string;
  /** Placeholder of the value; absent: a switch. */
  readonly value?: string;
  /** May be given several times; in the environment, separated by commas. */
  readonly list?: true;
  /** A list that may be separated by commas on the command line as well. */
  readonly commas?: true;
  readonly choices?: readonly string[];
  /** A switch that can be turned off on the command line, since something may have turned it on. */
  readonly negatable?: true;
  /** Heading in the help. */
  readonly group: string;
  readonly help: string;
}

/** What `--yes` does not cover. */
export const CONSENTS: readonly Consent[] = ['cluster', 'install', 'irreversible', 'default-service-account'];

/** Known to every command, before or after its name. */
export const GLOBAL: readonly Flag[] = [
  {
    flag: 'file',
    short: 'f',
    value: 'FILE',
    group: 'Input',
    help: 'describes the world to reach; aks-secrets.yaml when it is here',
  },
  { flag: 'subscription', value: 'ID', group: 'Input', help: 'Azure subscription; default: that of the Azure CLI' },
  {
    flag: 'output',
    short: 'o',
    value: 'FORMAT',
    choices: ['text', 'json'],
    group: 'Output',
    help: 'text, or one JSON document on standard output',
  },
  { flag: 'quiet', short: 'q', group: 'Output', help: 'nothing but results and errors' },
  { flag: 'verbose', short: 'v', group: 'Output', help: 'also each request, without bodies and tokens' },
  { flag: 'no-color', group: 'Output', help: 'no colour' },
  { flag: 'yes', short: 'y', group: 'Consent', help: 'apply without the question' },
  {
    flag: 'allow',
    value: 'KIND',
    list: true,
    commas: true,
    choices: CONSENTS,
    group: 'Consent',
    help: 'consent to what reaches further: cluster, install, irreversible, default-service-account',
  },
  { flag: 'no-input', group: 'Consent', help: 'never ask, as without a terminal' },
  { flag: 'timeout', value: 'TIME', group: 'Surroundings', help: 'give up after 30s, 20m, 1h; safe to run again' },
  {
    flag: 'cloud',
    value: 'NAME|URL',
    group: 'Surroundings',
    help: 'AzureCloud, AzureUSGovernment, AzureChinaCloud or a metadata URL',
  },
  { flag: 'tenant', value: 'ID', group: 'Surroundings', help: 'Entra tenant to sign in to' },
  {
    flag: 'kubeconfig',
    value: 'FILE',
    group: 'Surroundings',
    help: 'instead of credentials from Azure; must lead to the cluster named',
  },
  { flag: 'context', value: 'NAME', group: 'Surroundings', help: 'context in the kubeconfig' },
  { flag: 'sandbox', group: 'Surroundings', help: 'a simulated Azure and cluster on this machine; no account needed' },
];

/** A command may know more of a flag than all do (formats of `-o`): then its own word counts. */
export const withGlobal = (own: readonly Flag[]): readonly Flag[] => [
  ...own,
  ...GLOBAL.filter(({ flag }) => !own.some((one) => one.flag === flag)),
];

/** What `init` and `plan` take besides. The methods add what only they ask. */
export const CONVERGE: readonly Flag[] = [
  {
    flag: 'workload',
    value: 'NAME',
    list: true,
    group: 'Workload',
    help: 'its name; with a file of several, which ones',
  },
  { flag: 'method', value: 'METHOD', group: 'Workload', help: 'how the pod gets its secrets' },
  { flag: 'namespace', value: 'NS', group: 'Workload', help: 'its namespace, made when absent' },
  {
    flag: 'service-account',
    value: 'SA',
    group: 'Workload',
    help: "its service account, made when absent; default: the workload's name",
  },
  {
    flag: 'identity',
    value: 'NAME',
    group: 'Workload',
    help: 'managed identity, made when absent; default: NS-WORKLOAD-HASH, with a hash of the cluster',
  },
  { flag: 'identity-resource-group', value: 'RG', group: 'Workload', help: "of the identity; default: the cluster's" },
  {
    flag: 'app-registration',
    value: 'NAME',
    group: 'Workload',
    help: 'an Entra application instead, made when absent; for a vault of another tenant',
  },
  {
    flag: 'secret',
    value: 'NAME[=ALIAS]',
    list: true,
    group: 'Secrets',
    help: 'what the pod gets, and under which name it sees it',
  },
  { flag: 'key', value: 'NAME[=ALIAS]', list: true, group: 'Secrets', help: 'the public part of a key' },
  { flag: 'certificate', value: 'NAME[=ALIAS]', list: true, group: 'Secrets', help: 'a certificate' },
  {
    flag: 'secret-value',
    value: 'NAME=FROM',
    list: true,
    group: 'Secrets',
    help: 'write it when it is absent; FROM is env:VARIABLE, file:PATH or stdin, never the value itself',
  },
  { flag: 'rotate', value: 'NAME', list: true, group: 'Secrets', help: 'write a new version of a secret that exists' },
  {
    flag: 'role-scope',
    value: 'vault|secret',
    choices: ['vault', 'secret'],
    group: 'Secrets',
    help: 'what the role opens: the whole vault (default), or the secrets named',
  },
  { flag: 'grant-self', group: 'Secrets', help: 'let the caller write the secrets named, for this run only' },
  { flag: 'keep-grant', group: 'Secrets', help: 'with --grant-self: leave the right in place' },
  {
    flag: 'rebind',
    group: 'Workload',
    help: 'a re-created or second cluster: take the identity that another one has, and let both come in',
  },
  { flag: 'cluster', value: 'NAME', group: 'Cluster', help: 'AKS cluster' },
  { flag: 'resource-group', value: 'RG', group: 'Cluster', help: 'resource group of the cluster' },
  { flag: 'create-cluster', group: 'Cluster', help: 'make it when absent' },
  { flag: 'location', value: 'REGION', group: 'Cluster', help: 'region of what is made, as westeurope' },
  { flag: 'node-count', value: 'N', group: 'Cluster', help: 'nodes of a cluster to be made; default: 1' },
  { flag: 'node-size', value: 'SIZE', group: 'Cluster', help: 'size of its nodes; default: Standard_D2s_v5' },
  { flag: 'vault', value: 'NAME', group: 'Vault', help: 'Key Vault' },
  { flag: 'vault-resource-group', value: 'RG', group: 'Vault', help: "of the vault; default: the cluster's" },
  { flag: 'create-vault', group: 'Vault', help: 'make it when absent, in RBAC mode' },
  {
    flag: 'purge-protection',
    value: 'yes|no',
    choices: ['yes', 'no'],
    group: 'Vault',
    help: 'of a vault to be made; yes cannot be undone; default: no',
  },
  {
    flag: 'sample',
    negatable: true,
    group: 'Sample',
    help: 'also deploy a pod that reads the secrets and prints their names, never a value',
  },
  { flag: 'sample-image', value: 'IMAGE', group: 'Sample', help: 'image with Node, for the sample' },
  { flag: 'templates', value: 'DIR', group: 'Output', help: 'folder with your own copies of the templates, which win' },
  {
    flag: 'write-manifests',
    value: 'DIR',
    group: 'Output',
    help: 'for Flux and Argo: write the filled manifests there instead of applying them; Azure is converged',
  },
  { flag: 'save', value: 'FILE', group: 'Output', help: 'write the answers as a file, for -f' },
];

export const INIT_ONLY: readonly Flag[] = [
  { flag: 'dry-run', group: 'Output', help: 'the plan and nothing else, as the command plan' },
];
export const DESTROY_ONLY: readonly Flag[] = [
  {
    flag: 'issuer',
    value: 'URL',
    group: 'Cluster',
    help: 'remove nothing but the credential for this issuer, as of a cluster that was replaced',
  },
  { flag: 'dry-run', group: 'Output', help: 'what would go and what stays, and nothing else' },
];
/** What only the making of a thing asks: values, rights to write them, and what is written here. */
export const NOT_FOR_DESTROY: readonly string[] = [
  ...['secret-value', 'rotate', 'grant-self', 'keep-grant', 'save', 'write-manifests'],
];
/** What `verify` takes besides. */
export const VERIFY_ONLY: readonly Flag[] = [
  {
    flag: 'namespace',
    short: 'n',
    value: 'NS',
    group: 'Workload',
    help: 'its namespace; alone: all that is found there',
  },
  {
    flag: 'pod',
    value: 'NS/NAME',
    group: 'Workload',
    help: 'look at this pod; without a file, take everything from it',
  },
  { flag: 'selector', value: 'LABELS', group: 'Workload', help: 'look at the pods with these labels, as app=orders' },
  {
    flag: 'manifests',
    value: 'DIR|FILE',
    group: 'Input',
    help: 'look at these manifests and at nothing else; works offline',
  },
  {
    flag: 'wait',
    value: 'TIME',
    group: 'Checks',
    help: 'look again until all is well, for 30s, 5m, 1h at most',
  },
  {
    flag: 'only',
    value: 'ID',
    list: true,
    commas: true,
    group: 'Checks',
    help: 'checks or categories, as AKS-ACCESS or vault',
  },
  { flag: 'skip', value: 'ID', list: true, commas: true, group: 'Checks', help: 'not these checks or categories' },
  {
    flag: 'suppress',
    value: 'ID=NS/NAME',
    list: true,
    commas: true,
    group: 'Checks',
    help: 'accept this failure (F080) or check for this workload: shown, not counted',
  },
  {
    flag: 'fail-on',
    value: 'KIND',
    list: true,
    commas: true,
    choices: ['warn', 'unknown'],
    group: 'Checks',
    help: 'exit 3 for these too: warn, unknown',
  },
  {
    flag: 'probe',
    group: 'Checks',
    help: 'also start a pod that reads the secrets and prints their names, never a value; it is taken away again',
  },
  { flag: 'probe-image', value: 'IMAGE', group: 'Checks', help: 'image with Node, for the probe' },
  {
    flag: 'no-impersonate',
    group: 'Checks',
    help: "ask for no token as the workload, which Entra's sign-in log would show",
  },
  {
    flag: 'output',
    short: 'o',
    value: 'FORMAT',
    choices: ['text', 'short', 'json', 'yaml', 'junit', 'github', 'sarif'],
    group: 'Output',
    help: 'text, short (what is not well), json, yaml, junit, github or sarif',
  },
];
/** What is only for making things. */
export const NOT_FOR_VERIFY: readonly string[] = [
  ...NOT_FOR_DESTROY,
  ...['sample', 'sample-image', 'templates', 'rebind', 'create-cluster', 'location', 'node-count', 'node-size'],
  ...['create-vault', 'purge-protection'],
];
export const PLAN_ONLY: readonly Flag[] = [
  { flag: 'exit-code', group: 'Output', help: 'exit 4 when something is to be done' },
];

/** As help and complaints write a flag: `--cluster NAME (AKS_SECRETS_CLUSTER)`. */
export function describe(flag: string, flags: readonly Flag[]): string {
  const known = flags.find((one) => one.flag === flag);
  return `--${flag}${known?.value === undefined ? '' : ` ${known.value}`} (${variableOf(flag)})`;
}
