/** What a flag takes: one word, several, or none. */
type Takes = 'word' | 'words' | 'nothing';

/** Commands of the Azure CLI (2.91) that may stand in a script, with those of their flags that may stand there. */
export const AZ: Readonly<Record<string, Readonly<Record<string, Takes>>>> = {
  'account show': {},
  'ad app federated-credential create': { id: 'word', parameters: 'word' },
  'ad app federated-credential list': { id: 'word' },
  'ad app list': { 'display-name': 'word' },
  'ad sp list': { 'display-name': 'word' },
  'aks create': {
    ...{ 'resource-group': 'word', name: 'word', location: 'word', 'node-count': 'word', 'node-vm-size': 'word' },
    ...{ 'no-ssh-key': 'nothing', 'enable-oidc-issuer': 'nothing', 'enable-workload-identity': 'nothing' },
    ...{ 'enable-addons': 'word', 'enable-secret-rotation': 'nothing', 'rotation-poll-interval': 'word' },
  },
  'aks enable-addons': {
    ...{ 'resource-group': 'word', name: 'word', addons: 'word' },
    ...{ 'enable-secret-rotation': 'nothing', 'rotation-poll-interval': 'word' },
  },
  'aks get-credentials': { 'resource-group': 'word', name: 'word', file: 'word' },
  'aks list': { 'resource-group': 'word' },
  'aks show': { 'resource-group': 'word', name: 'word' },
  'aks update': {
    ...{ 'resource-group': 'word', name: 'word', 'enable-oidc-issuer': 'nothing' },
    ...{ 'enable-workload-identity': 'nothing', 'enable-secret-rotation': 'nothing', 'rotation-poll-interval': 'word' },
  },
  'aks wait': { 'resource-group': 'word', name: 'word', updated: 'nothing' },
  'extension add': { name: 'word' },
  'group create': { name: 'word', location: 'word', tags: 'words' },
  'group list': {},
  'group show': { name: 'word' },
  'identity create': { 'resource-group': 'word', name: 'word', location: 'word', tags: 'words' },
  'identity federated-credential create': {
    ...{ 'resource-group': 'word', 'identity-name': 'word', name: 'word' },
    ...{ issuer: 'word', subject: 'word', audiences: 'words' },
  },
  'identity federated-credential list': { 'resource-group': 'word', 'identity-name': 'word' },
  'identity list': { 'resource-group': 'word' },
  'identity show': { 'resource-group': 'word', name: 'word' },
  'k8s-extension create': {
    ...{ 'resource-group': 'word', 'cluster-name': 'word', 'cluster-type': 'word', name: 'word' },
    ...{ 'extension-type': 'word', 'auto-upgrade-minor-version': 'word', version: 'word', scope: 'word' },
    ...{ 'release-namespace': 'word', 'release-train': 'word', 'configuration-settings': 'words' },
  },
  'k8s-extension list': { 'resource-group': 'word', 'cluster-name': 'word', 'cluster-type': 'word' },
  'keyvault create': {
    ...{ 'resource-group': 'word', name: 'word', location: 'word', tags: 'words' },
    ...{ 'enable-rbac-authorization': 'word', 'enable-purge-protection': 'word' },
  },
  'keyvault list': { 'resource-group': 'word' },
  'keyvault secret list': { 'vault-name': 'word' },
  'keyvault secret set': { 'vault-name': 'word', name: 'word', file: 'word', encoding: 'word' },
  'keyvault show': { 'resource-group': 'word', name: 'word' },
  'provider register': { namespace: 'word', wait: 'nothing' },
  rest: { method: 'word', url: 'word', body: 'word' },
  'role assignment create': {
    ...{ 'assignee-object-id': 'word', 'assignee-principal-type': 'word', role: 'word' },
    ...{ scope: 'word', description: 'word' },
  },
};

const GLOBAL: Readonly<Record<string, Takes>> = {
  ...{ output: 'word', query: 'word', subscription: 'word', 'only-show-errors': 'nothing' },
};

export interface Line {
  readonly command: string;
  readonly flags: ReadonlyMap<string, readonly string[]>;
}

/** A line's words as the Azure CLI would take them; throws for a command or a flag that is not in the table. */
export function parseAz(words: readonly string[]): Line {
  const end = words.findIndex((one) => one.startsWith('-'));
  const command = words.slice(0, end < 0 ? words.length : end).join(' ');
  const known = AZ[command];
  if (!known) throw new Error(`az has no command "${command}" here`);
  const flags = new Map<string, readonly string[]>();
  for (let at = end < 0 ? words.length : end; at < words.length; ) {
    const flag = words[at]!.replace(/^--/, '');
    const takes = known[flag] ?? GLOBAL[flag];
    if (!words[at]!.startsWith('--') || !takes) throw new Error(`az ${command} takes no ${words[at]}`);
    if (flags.has(flag)) throw new Error(`az ${command}: --${flag} twice`);
    const rest = words.slice(at + 1);
    const next = rest.findIndex((one) => one.startsWith('--'));
    const values = rest.slice(0, next < 0 ? rest.length : next);
    if (takes === 'nothing' ? values.length > 0 : takes === 'word' ? values.length !== 1 : values.length === 0)
      throw new Error(`az ${command}: --${flag} takes ${takes}, and not "${values.join(' ')}"`);
    flags.set(flag, values);
    at += 1 + values.length;
  }
  return { command, flags };
}
