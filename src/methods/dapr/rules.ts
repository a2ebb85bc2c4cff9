import { entryOf } from '../../entry.ts';
import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { command } from '../../shell.ts';
import type { Flaw } from '../method.ts';
import { type Carrier, called, carrierOf, keyPath } from '../wiring/carrier.ts';
import { flawIn, type Wrong } from '../wiring/finding.ts';
import { isSameId } from '../wiring/identity.ts';
import { CLIENT_ID } from '../wiring/keys.ts';
import { isObject, list, record, text, texts } from '../wiring/shape.ts';
import { APP_ID, type Component, componentOf, ENABLED, isTruthy, vaultOf } from './model.ts';

/** What a component may call a cloud, in whatever case; nothing is the public one. */
const CLOUDS: Readonly<Record<string, string>> = {
  '': 'AZUREPUBLICCLOUD',
  azurepubliccloud: 'AZUREPUBLICCLOUD',
  azurepublic: 'AZUREPUBLICCLOUD',
  azurechinacloud: 'AZURECHINACLOUD',
  azurechina: 'AZURECHINACLOUD',
  azureusgovernmentcloud: 'AZUREUSGOVERNMENTCLOUD',
  azureusgovernment: 'AZUREUSGOVERNMENTCLOUD',
};
const ENVIRONMENT = ['azureEnvironment', 'azureCloud'] as const;
const METHODS = ['azureAuthMethods'] as const;
const CLIENT = ['azureClientId', 'spnClientId', 'clientId'] as const;
const PASSWORDS = ['azureClientSecret', 'spnClientSecret', 'clientSecret'] as const;
const CERTIFICATES = ['azureCertificate', 'spnCertificate', 'azureCertificateFile', 'spnCertificateFile'] as const;

/** Names of ways to sign in (components-contrib, common/authentication/azure). */
const WAYS: Readonly<Record<string, string>> = {
  ...{ clientcredentials: 'creds', creds: 'creds', clientcertificate: 'cert', cert: 'cert' },
  ...{ workloadidentity: 'wi', wi: 'wi', managedidentity: 'mi', mi: 'mi' },
  ...{ commandlineinterface: 'cli', cli: 'cli', none: 'none' },
};

const waysOf = (component: Component): readonly string[] =>
  (component.setting(...METHODS) ?? '')
    .split(',')
    .map((each) => each.trim().toLowerCase())
    .filter((each) => each !== '');

/** Workload identity has a turn among the ways in which a component signs in. */
export function triesWorkloadIdentity(component: Component): boolean {
  const ways = waysOf(component);
  return ways.length === 0 || ways.some((way) => entryOf(WAYS, way) === 'wi');
}

/** What is fatal for a sidecar that loads it, of a component in itself. */
export function startWrong(component: Component): Wrong | undefined {
  const wrong = (observed: string, expected: string, path: string, say: string): Wrong => ({
    ...{ failure: 'F137', observed, expected, path, fix: { say: `${say} Then restart the pods.` } },
  });
  if (!['', 'v0', 'v1'].includes(component.version))
    return wrong(component.version, 'v1', 'spec.version', 'Set spec.version to v1, the only one there is.');
  const cloud = component.setting(...ENVIRONMENT) ?? '';
  if (entryOf(CLOUDS, cloud.toLowerCase()) === undefined)
    return wrong(
      `the cloud ${cloud}`,
      'AZUREPUBLICCLOUD, AZURECHINACLOUD or AZUREUSGOVERNMENTCLOUD',
      component.pathOf(...ENVIRONMENT),
      'Name the cloud as Dapr does, or leave it out for the public one.',
    );
  const ways = waysOf(component);
  const unknown = ways.find((way) => entryOf(WAYS, way) === undefined || way === 'none');
  if (unknown !== undefined)
    return wrong(`the way of signing in ${unknown}`, 'wi', component.pathOf(...METHODS), 'Set azureAuthMethods to wi.');
  const has = (names: readonly string[]) => component.setting(...names) !== undefined || isReferred(component, names);
  const isReady: Readonly<Record<string, boolean>> = { creds: has(PASSWORDS), cert: has(CERTIFICATES) };
  const can = ways.length === 0 || ways.some((way) => isReady[entryOf(WAYS, way) ?? ''] ?? true);
  if (can) return undefined;
  return wrong(
    `signs in by ${ways.join(', ')} alone, and has no password and no certificate`,
    'wi',
    component.pathOf(...METHODS),
    'Set azureAuthMethods to wi.',
  );
}

const isReferred = ({ object }: Component, names: readonly string[]): boolean =>
  list(record(object.spec).metadata)
    .map(record)
    .some(({ name, secretKeyRef }) => secretKeyRef !== undefined && names.includes(text(name) ?? ''));

/** A component does not read the vault that is meant, in the cloud that it is in. */
export function vaultWrong(
  component: Component,
  meant: { readonly name: string; readonly environment: string },
): Wrong | undefined {
  const vault = component.setting('vaultName');
  if (vaultOf(component).toLowerCase() !== meant.name.toLowerCase())
    return {
      failure: 'F075',
      observed: vault ? `vaultName ${vault}` : 'no vaultName',
      expected: `vaultName ${meant.name}`,
      fix: { say: `Set vaultName to ${meant.name}, and restart the pods.` },
      path: component.pathOf('vaultName'),
    };
  const cloud = entryOf(CLOUDS, (component.setting(...ENVIRONMENT) ?? '').toLowerCase());
  if (cloud === undefined || cloud === meant.environment) return undefined;
  return {
    failure: 'F143',
    observed: `azureEnvironment ${cloud}`,
    expected: meant.environment,
    fix: { say: `Set azureEnvironment to ${meant.environment}: the vault is in that cloud. Then restart the pods.` },
    path: component.pathOf(...ENVIRONMENT),
  };
}

/** A component names a client that workload identity does not ask it for. `account` is the one that counts. */
export function clientWrong(
  component: Component,
  ids: { readonly account: string | undefined; readonly meant: string | undefined },
): Wrong | undefined {
  const said = component.setting(...CLIENT);
  const signsInOtherwise = component.setting(...PASSWORDS) !== undefined || isReferred(component, PASSWORDS);
  if (!said || signsInOtherwise || !triesWorkloadIdentity(component)) return undefined;
  if (ids.account !== undefined && isSameId(said, ids.account)) return undefined;
  const isWanted = ids.meant !== undefined && isSameId(said, ids.meant);
  const isHarmless = ids.account === undefined || (ids.meant !== undefined && isSameId(ids.account, ids.meant));
  return {
    failure: 'F135',
    verdict: isWanted && !isHarmless ? 'fail' : 'warn',
    observed: `azureClientId ${said} is ignored${ids.account ? `: the sidecar is ${ids.account}, as its ServiceAccount says` : ''}`,
    expected: `no azureClientId, and the annotation ${CLIENT_ID} on the ServiceAccount`,
    fix: { say: `Set ${CLIENT_ID} of the ServiceAccount, take azureClientId out, and restart the pods.` },
    path: component.pathOf(...CLIENT),
  };
}

/** Whether a sidecar that obeys a Configuration answers for the secrets of a store; absent: it answers for all. */
export function scopesWrong(
  configuration: KubernetesObject,
  store: string,
  secrets: readonly string[],
): Wrong | undefined {
  const scopes = list(record(record(configuration.spec).secrets).scopes).map(record);
  const own = scopes.filter(({ storeName }) => storeName === store);
  const path = `spec.secrets.scopes[${scopes.findIndex(({ storeName }) => storeName === store)}]`;
  if (own.length > 1) return { failure: 'F137', observed: `two scopes for the store ${store}`, expected: 'one', path };
  const [scope] = own;
  if (!scope) return undefined;
  const access = text(scope.defaultAccess) ?? '';
  if (!/^(allow|deny)?$/i.test(access))
    return {
      failure: 'F137',
      observed: `defaultAccess ${access}`,
      expected: 'allow or deny',
      path: `${path}.defaultAccess`,
    };
  const [allowed, denied] = [list(scope.allowedSecrets), list(scope.deniedSecrets)];
  const isOpen = (name: string): boolean =>
    allowed.length > 0 ? allowed.includes(name) : !denied.includes(name) && access.toLowerCase() !== 'deny';
  const closed = secrets.filter((name) => !isOpen(name));
  if (closed.length === 0) return undefined;
  return {
    failure: 'F132',
    observed: `it does not let ${closed.join(', ')} out of the store ${store}`,
    expected: `allowedSecrets with ${closed.join(', ')}`,
    fix: { say: `Add ${closed.join(', ')} to allowedSecrets of the scope for ${store}, and restart the pods.` },
    path: `${path}.allowedSecrets`,
  };
}

/** Why the injector gives the pods of a carrier no sidecar. */
export function enabledWrong(carrier: Carrier): Wrong | undefined {
  const { annotations, labels, object, path } = carrier;
  const at = keyPath(path, 'annotations', ENABLED);
  const expected = `${at}: "true"`;
  const say = `Set ${ENABLED}: "true" and ${APP_ID} among the annotations of the pod (${path ? `${path}.metadata` : 'metadata'}); its pods are then made anew.`;
  const wrong = (observed: string, where?: string): Wrong => ({
    ...{ failure: 'F136', observed, expected, fix: { say } },
    ...(where && { path: where }),
  });
  const value = annotations[ENABLED];
  if (value !== undefined && !isTruthy(value)) return wrong(`${ENABLED} says "${value}"`, at);
  if (value !== undefined) {
    const hasId = annotations[APP_ID] || path === '';
    return hasId ? undefined : { ...wrong(`no ${APP_ID}`), expected: keyPath(path, 'annotations', APP_ID) };
  }
  if (labels[ENABLED] !== undefined)
    return wrong('it is a label, and the injector reads an annotation', keyPath(path, 'labels', ENABLED));
  const outer = { ...texts(record(object.metadata).annotations), ...texts(record(object.metadata).labels) };
  if (path !== '' && outer[ENABLED] !== undefined)
    return wrong(
      `${called(object)} has the annotation on itself, and not on its pods`,
      keyPath('', 'annotations', ENABLED),
    );
  return wrong('the pod has no such annotation');
}

const TITLES = {
  'AKS-DAPR-SETTINGS': 'can be loaded by a sidecar',
  'AKS-DAPR-CLIENT': 'names no client that is ignored',
  'AKS-DAPR-CONFIGURATION': 'can be obeyed by a sidecar',
  'AKS-DAPR-ENABLED': 'asks for a sidecar where the injector looks',
} as const;

/** What is wrong with Dapr's objects in files. What may be right in a cluster that one does not see is left out. */
export function lint(given: readonly KubernetesObject[]): readonly Flaw[] {
  return given.filter(isObject).flatMap((object): readonly Flaw[] => {
    const flaws = (code: keyof typeof TITLES, ...wrongs: readonly (Wrong | undefined)[]): readonly Flaw[] =>
      wrongs.flatMap((wrong) => (wrong ? [flawIn(object, code, TITLES[code], offline(wrong))] : []));
    const component = componentOf(object);
    const carrier = carrierOf(object);
    return [
      ...(component
        ? [
            ...flaws('AKS-DAPR-SETTINGS', startWrong(component), nameWrong(component)),
            ...flaws('AKS-DAPR-CLIENT', isOnlyByAccount(component) ? clientWrong(component, NOBODY) : undefined),
          ]
        : []),
      ...(isConfiguration(object)
        ? storesIn(object).flatMap((store) => flaws('AKS-DAPR-CONFIGURATION', scopesWrong(object, store, [])))
        : []),
      // Without any sign of it, nobody wants a sidecar.
      ...(carrier ? flaws('AKS-DAPR-ENABLED', sureOf(enabledWrong(carrier))) : []),
    ];
  });
}

const NOBODY = { account: undefined, meant: undefined };
const isOnlyByAccount = (component: Component): boolean =>
  waysOf(component).every((way) => entryOf(WAYS, way) === 'wi') && waysOf(component).length > 0;
const isConfiguration = ({ apiVersion, kind }: KubernetesObject): boolean =>
  kind === 'Configuration' && text(apiVersion)?.startsWith('dapr.io/') === true;
const storesIn = ({ spec }: KubernetesObject): readonly string[] => [
  ...new Set(list(record(record(spec).secrets).scopes).flatMap((scope) => text(record(scope).storeName) ?? [])),
];

/** A vault's name that no vault can have, whichever is meant. */
function nameWrong(component: Component): Wrong | undefined {
  if (isReferred(component, ['vaultName']) || /^[0-9a-z-]{3,24}$/i.test(vaultOf(component))) return undefined;
  const said = component.setting('vaultName');
  return {
    failure: 'F075',
    observed: said ? `vaultName ${said}` : 'no vaultName',
    expected: "the vault's bare name, 3 to 24 letters, digits and hyphens",
    path: component.pathOf('vaultName'),
  };
}

/** Said somewhere, but not where it counts. */
const sureOf = (wrong: Wrong | undefined): Wrong | undefined =>
  wrong?.path !== undefined && !/says "/.test(wrong.observed) ? wrong : undefined;

/** Files are changed by hand, not in the cluster. */
const offline = ({ fix, ...wrong }: Wrong): Wrong => ({ ...wrong, ...(fix && { fix: { say: fix.say } }) });

/** The line that takes a component's applications to be these. */
export const scopeLine = ({ name, namespace }: Component, scopes: readonly string[]): string =>
  command(`kubectl patch component ${name}`, { namespace, type: 'merge', patch: JSON.stringify({ scopes }) });
