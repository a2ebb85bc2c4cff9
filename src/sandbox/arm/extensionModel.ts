import { randomUUID } from 'node:crypto';
import { refusal } from './errors.ts';
import { knownOnly } from './resources.ts';
import { type ExtensionRecord, type ExtensionRelease, type Json, type Resource, record, text } from './store.ts';

/** Properties of an extension, 2025-03-01 (azure-rest-api-specs, extensions.json). */
const KNOWN = [
  'extensionType',
  'autoUpgradeMode',
  'autoUpgradeMinorVersion',
  'releaseTrain',
  'version',
  'scope',
  'configurationSettings',
  'configurationProtectedSettings',
  'currentVersion',
  'provisioningState',
  'statuses',
  'errorInfo',
  'customLocationSettings',
  'packageUri',
  'aksAssignedIdentity',
  'isSystemExtension',
  'managementDetails',
  'additionalDetails',
  'extensionState',
];

const TYPE = 'microsoft.dapr';
const NAMESPACE = 'dapr-system';
/** Versions by release train, the newest last. Their numbers are invented, their form is not. */
const VERSIONS: Readonly<Record<string, readonly string[]>> = {
  stable: ['1.15.8-msft.2', '1.16.4-msft.1'],
  dev: ['1.17.1-msft.1'],
};
/** The version that an extension gets which asks for none. */
export const NEWEST = '1.16.4-msft.1';

/** Settings that hold as they were first given ("immutable", dapr-settings of the AKS documentation). */
const IMMUTABLE = /^(global\.ha\.|dapr_placement\.)/;

const bad = (message: string) => refusal(400, 'BadRequest', message);

/** Throws for a body that the provider would not take. */
export function checkExtension(name: string, body: Json, before: ExtensionRecord | undefined, region: string): void {
  knownOnly(body, ['id', 'name', 'type', 'systemData', 'identity', 'plan', 'managedBy', 'properties'], 'Extension');
  const properties = record(body.properties);
  knownOnly(properties, KNOWN, 'ExtensionProperties');
  if (!/^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$/.test(name)) {
    throw bad(
      `The extension name '${name}' is invalid: it names a Helm release and must be 1 to 53 lower case letters, digits and hyphens.`,
    );
  }
  const identity = record(body.identity);
  knownOnly(identity, ['type', 'principalId', 'tenantId'], 'Identity');
  if (body.identity && identity.type !== 'SystemAssigned') throw bad("The identity's type must be 'SystemAssigned'.");
  const type = text(properties.extensionType);
  if (!type) throw bad('The extension type is required.');
  if (type.toLowerCase() !== TYPE) {
    throw refusal(
      400,
      'ExtensionTypeRegistrationGetFailed',
      `Extension type ${type} is not registered in region ${region}. (The sandbox knows ${TYPE} alone.)`,
    );
  }
  const { autoUpgradeMinorVersion: auto, version } = properties;
  if (auto !== undefined && typeof auto !== 'boolean') throw bad('autoUpgradeMinorVersion must be true or false.');
  if (version && auto !== false) {
    throw bad("The version can be specified only when 'autoUpgradeMinorVersion' is set to false.");
  }
  checkScope(record(properties.scope));
  for (const key of ['configurationSettings', 'configurationProtectedSettings']) {
    const wrong = Object.entries(record(properties[key])).find(([, value]) => typeof value !== 'string');
    if (wrong) throw bad(`The value of '${wrong[0]}' in '${key}' must be a string.`);
  }
  if (before?.installed) checkChange(properties, before.resource.properties);
}

function checkScope(scope: Json): void {
  knownOnly(scope, ['cluster', 'namespace'], 'Scope');
  knownOnly(record(scope.cluster), ['releaseNamespace'], 'ScopeCluster');
  if (scope.cluster && scope.namespace) throw bad('The scope can be either Cluster or Namespace, but not both.');
  if (scope.namespace) throw bad(`Extension type ${TYPE} can only be installed at cluster scope.`);
}

function checkChange(wanted: Json, is: Json): void {
  const changed = (what: string) =>
    refusal(
      400,
      'PropertyChangeNotAllowed',
      `${what} cannot be changed once the extension is installed: delete it and install it again.`,
    );
  if (wanted.scope !== undefined && namespaceOf(wanted) !== namespaceOf(is)) throw changed("'scope'");
  const [next, last] = [settingsOf(wanted), settingsOf(is)];
  const key = Object.keys({ ...next, ...last }).find((each) => IMMUTABLE.test(each) && next[each] !== last[each]);
  if (key) throw changed(`The configuration setting '${key}'`);
}

export const settingsOf = (properties: Json): Record<string, string> =>
  record(properties.configurationSettings) as Record<string, string>;

const namespaceOf = ({ scope }: Json): string => text(record(record(scope).cluster).releaseNamespace) ?? NAMESPACE;

/** What is to be installed; `undefined` when no version fits (bad version, or train). */
export function releaseOf(properties: Json): ExtensionRelease | undefined {
  const train = VERSIONS[(text(properties.releaseTrain) ?? 'stable').toLowerCase()] ?? [];
  const wanted = text(properties.version);
  const version = wanted ? train.find((each) => each === wanted) : train.at(-1);
  return version === undefined
    ? undefined
    : { version, namespace: namespaceOf(properties), settings: settingsOf(properties) };
}

/** What a PUT leaves behind: what was asked for, and what the provider says about it. */
export function acceptExtension(body: Json, before: Resource | undefined): Json {
  const given = record(body.properties);
  const version = releaseOf(given)?.version ?? null;
  const auto = given.autoUpgradeMinorVersion !== false;
  return {
    extensionType: TYPE,
    autoUpgradeMinorVersion: auto,
    ...(given.autoUpgradeMode !== undefined && { autoUpgradeMode: given.autoUpgradeMode }),
    releaseTrain: text(given.releaseTrain) ?? 'stable',
    version: given.version ?? (auto ? null : version),
    currentVersion: version,
    scope: { cluster: { releaseNamespace: namespaceOf(given) } },
    configurationSettings: settingsOf(given),
    // Never given back.
    configurationProtectedSettings: Object.fromEntries(
      Object.keys(record(given.configurationProtectedSettings)).map((key) => [key, '']),
    ),
    provisioningState: before ? 'Updating' : 'Creating',
    statuses: [],
    errorInfo: null,
    customLocationSettings: null,
    packageUri: null,
    isSystemExtension: false,
    aksAssignedIdentity: before?.properties.aksAssignedIdentity ?? {
      principalId: randomUUID(),
      tenantId: null,
      type: null,
    },
  };
}
