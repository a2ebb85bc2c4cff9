import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Flaw } from '../method.ts';
import { type Carrier, called, carrierOf, keyPath } from './carrier.ts';
import { flawIn, type Wrong } from './finding.ts';
import { BINDING, CLIENT_ID, EXPIRATION, isGuid, meantBy, misspelt, PROXY, TENANT_ID, USE } from './keys.ts';
import { isObject, list, record, text, texts } from './shape.ts';

/*
 * What the webhook of Microsoft Entra Workload ID demands of a service account and of a pod (pkg/webhook), as rules over
 * objects: of files and of the cluster alike.
 */

/** Seconds that a token may live. */
const SHORTEST = 3600;
const LONGEST = 86_400;
/** Up to version 1.5 of the webhook the token lay here, and code was written that says so. */
export const OLD_TOKEN_FILE = '/var/run/secrets/azure/tokens/azure-identity-token';

const annotationsOf = (object: KubernetesObject) => texts(record(object.metadata).annotations);
const labelsOf = (object: KubernetesObject) => texts(record(object.metadata).labels);

/** Why the webhook does not see the pods of a carrier; `undefined` when it does. */
export function labelWrong(carrier: Carrier): Wrong | undefined {
  const { labels, annotations, path, object } = carrier;
  const value = labels[USE];
  if (value === 'true') return undefined;
  const expected = `${keyPath(path, 'labels', USE)}: "true"`;
  const fix = {
    say: `Set the label ${USE}: "true" on the pod (${path ? `${path}.metadata.labels` : 'metadata.labels'} of ${called(object)}); its pods are then made anew.`,
  };
  if (value !== undefined)
    return {
      failure: 'F025',
      observed: `the label says "${value}"`,
      expected,
      fix,
      path: keyPath(path, 'labels', USE),
    };
  const typo = misspelt(labels, USE) ?? misspelt(annotations, USE);
  if (typo) {
    const at = keyPath(path, typo in labels ? 'labels' : 'annotations', typo);
    return { failure: 'F031', observed: `the label is spelt ${typo}`, expected, fix, path: at };
  }
  const level = levelOf(carrier);
  if (level !== undefined)
    return {
      failure: 'F026',
      observed: `${called(object)} has the label on itself, and not on its pods`,
      expected,
      fix,
      path: level,
    };
  if (annotations[USE] !== undefined)
    return {
      failure: 'F025',
      observed: 'it is an annotation, and the webhook looks for a label',
      expected,
      fix,
      path: keyPath(path, 'annotations', USE),
    };
  const outer = path === '' ? undefined : misspelt(labelsOf(object), USE);
  if (outer)
    return {
      failure: 'F031',
      observed: `the label is spelt ${outer}`,
      expected,
      fix,
      path: keyPath('', 'labels', outer),
    };
  if (labels[BINDING] !== undefined)
    return {
      failure: 'F048',
      observed: `the pod has the label ${BINDING} of AAD Pod Identity alone`,
      expected,
      fix,
      path: keyPath(path, 'labels', BINDING),
    };
  return { failure: 'F025', observed: 'the pod has no such label', expected, fix };
}

/** Where the label stands on what makes the pod instead of on the pod. */
function levelOf({ object, path }: Carrier): string | undefined {
  if (path === '') return undefined;
  if (labelsOf(object)[USE] !== undefined) return keyPath('', 'labels', USE);
  const job = record(record(object.spec).jobTemplate);
  const inJob = texts(record(job.metadata).labels)[USE] !== undefined;
  return inJob ? keyPath('spec.jobTemplate', 'labels', USE) : undefined;
}

/** Why the account names no identity, or none that can be; `others` are objects that may bear what is meant for it. */
export function clientIdWrong(account: KubernetesObject, others: readonly KubernetesObject[]): Wrong | undefined {
  const { name = '', namespace = '' } = texts(account.metadata);
  const annotations = annotationsOf(account);
  const value = annotations[CLIENT_ID];
  const expected = `metadata.annotations["${CLIENT_ID}"]`;
  const path = keyPath('', 'annotations', CLIENT_ID);
  if (value) {
    if (isGuid(value)) return undefined;
    const what = value.startsWith('/subscriptions/')
      ? 'the resource id of an identity'
      : `"${value}", which is no client id`;
    return {
      failure: 'F055',
      observed: `the account names ${what}`,
      expected: 'the client id of the identity (a GUID)',
      path,
    };
  }
  const typo = misspelt(annotations, CLIENT_ID) ?? misspelt(labelsOf(account), CLIENT_ID);
  if (typo)
    return {
      failure: 'F031',
      observed: `the annotation is spelt ${typo}`,
      expected,
      path: keyPath('', typo in annotations ? 'annotations' : 'labels', typo),
    };
  if (labelsOf(account)[CLIENT_ID] !== undefined)
    return {
      failure: 'F028',
      observed: 'it is a label, and the webhook reads an annotation',
      expected,
      path: keyPath('', 'labels', CLIENT_ID),
    };
  const [misplaced] = others.flatMap(misplacedIn);
  if (misplaced) {
    const at = `${called(misplaced.object)} has the annotation, where nothing reads it`;
    return {
      failure: 'F030',
      observed: at,
      expected: `${expected} of ServiceAccount ${namespace}/${name}`,
      path: misplaced.path,
    };
  }
  return {
    failure: 'F028',
    observed: value === '' ? 'the annotation is empty' : 'the account has no such annotation',
    expected,
  };
}

/** Where an object that is no service account bears what is meant for one. */
function misplacedIn(object: KubernetesObject): { object: KubernetesObject; path: string }[] {
  if (object.kind === 'ServiceAccount') return [];
  const carrier = carrierOf(object);
  const own = annotationsOf(object)[CLIENT_ID] === undefined ? [] : [keyPath('', 'annotations', CLIENT_ID)];
  const inner =
    carrier && carrier.path !== '' && carrier.annotations[CLIENT_ID] !== undefined
      ? [keyPath(carrier.path, 'annotations', CLIENT_ID)]
      : [];
  return [...own, ...inner].map((path) => ({ object, path }));
}

/** The life of the token that an account or a pod asks for, when the webhook refuses it. */
export function expirationWrong(annotations: Readonly<Record<string, string>>, path: string): Wrong | undefined {
  const value = annotations[EXPIRATION];
  if (!value) return undefined;
  const seconds = /^[-+]?\d+$/.test(value) ? Number(value) : Number.NaN;
  if (seconds >= SHORTEST && seconds <= LONGEST) return undefined;
  return {
    failure: 'F038',
    observed: `"${value}"`,
    expected: `${SHORTEST} to ${LONGEST} seconds`,
    path: keyPath(path, 'annotations', EXPIRATION),
    fix: { say: `Set ${EXPIRATION} to a number from ${SHORTEST} to ${LONGEST}, or leave it out (${SHORTEST}).` },
  };
}

/** The proxy sidecar of the migration cannot be in a pod on the node's network; being there at all asks for it. */
export function proxyWrong({ annotations, spec, path }: Carrier): Wrong | undefined {
  if (annotations[PROXY] === undefined || !spec.hostNetwork) return undefined;
  return {
    failure: 'F039',
    observed: 'the pod asks for the proxy sidecar and is on the network of the node (hostNetwork)',
    expected: `no annotation ${PROXY}, or a pod network`,
    path: keyPath(path, 'annotations', PROXY),
  };
}

/** Kubernetes before 1.32 has no sidecars that end with a Job: the proxy keeps it running. */
export function jobProxyWrong({ object, spec }: Carrier): Wrong | undefined {
  const isOfJob =
    object.kind === 'Job' || list(record(object.metadata).ownerReferences).some((each) => record(each).kind === 'Job');
  const proxy = spec.containers.find(({ name, init }) => name === 'azwi-proxy' && !init);
  if (!isOfJob || !proxy) return undefined;
  return {
    failure: 'F043',
    observed: 'the proxy sidecar (azwi-proxy) never ends, and so the Job does not',
    expected: 'no proxy sidecar in a Job',
    path: proxy.path,
  };
}

/** Where a pod's own words name the token file of webhooks before 1.6. */
export function oldTokenFileIn({ spec }: Carrier): string | undefined {
  for (const { env, words, path } of spec.containers) {
    const variable = env.find(({ value }) => value?.includes(OLD_TOKEN_FILE));
    if (variable) return `${path}.env ${variable.name}`;
    if (words.some((word) => word.includes(OLD_TOKEN_FILE))) return `${path}.command`;
  }
  return undefined;
}

const TITLES = {
  'AKS-POD-LABEL': 'is seen by the webhook',
  'AKS-SA-CLIENT-ID': 'names its identity where it is read',
  'AKS-SA-TOKEN-LIFE': 'asks for a token of a life that is given',
  'AKS-POD-PROXY': 'can have the proxy that it asks for',
} as const;

/** What is wrong with the wiring in files. What may be right in a cluster that one does not see is left out. */
export function lintWiring(given: readonly KubernetesObject[]): readonly Flaw[] {
  const objects = given.filter(isObject);
  const found = (object: KubernetesObject, code: keyof typeof TITLES, wrong: Wrong | undefined): Flaw[] =>
    wrong ? [flawIn(object, code, TITLES[code], wrong)] : [];
  const named = objects.filter((object) => object.kind === 'ServiceAccount' && annotationsOf(object)[CLIENT_ID]);
  const namespaces = new Set(named.map(({ metadata }) => text(record(metadata).namespace)));
  return objects.flatMap((object) => {
    if (object.kind === 'ServiceAccount') {
      const wrong = clientIdWrong(object, []);
      return [
        // An account without the annotation is right for methods that do not read it.
        ...found(object, 'AKS-SA-CLIENT-ID', wrong && isSureAlone(wrong) ? wrong : undefined),
        ...typosOf(annotationsOf(object), '', 'annotations', [CLIENT_ID]).map((each) =>
          flawIn(object, 'AKS-SA-CLIENT-ID', TITLES['AKS-SA-CLIENT-ID'], each),
        ),
        ...found(object, 'AKS-SA-TOKEN-LIFE', expirationWrong(annotationsOf(object), '')),
      ];
    }
    const [misplaced] = misplacedIn(object);
    const isMeantElsewhere = misplaced && !namespaces.has(text(record(object.metadata).namespace));
    const carrier = carrierOf(object);
    return [
      ...found(
        object,
        'AKS-SA-CLIENT-ID',
        isMeantElsewhere
          ? {
              failure: 'F030',
              observed: `${object.kind} has the annotation, where nothing reads it`,
              expected: `metadata.annotations["${CLIENT_ID}"] of the ServiceAccount`,
              path: misplaced.path,
            }
          : undefined,
      ),
      ...(carrier ? lintCarrier(carrier, found) : []),
    ];
  });
}

function lintCarrier(
  carrier: Carrier,
  found: (object: KubernetesObject, code: keyof typeof TITLES, wrong: Wrong | undefined) => Flaw[],
): Flaw[] {
  const { object, annotations, path } = carrier;
  const label = labelWrong(carrier);
  return [
    // Without any sign of it, nobody wants a label: other methods need none.
    ...found(object, 'AKS-POD-LABEL', label?.path && label.failure !== 'F048' ? label : undefined),
    ...typosOf(annotations, path, 'annotations', [USE]).map((each) =>
      flawIn(object, 'AKS-POD-LABEL', TITLES['AKS-POD-LABEL'], each),
    ),
    ...found(object, 'AKS-SA-TOKEN-LIFE', expirationWrong(annotations, path)),
    ...found(object, 'AKS-POD-PROXY', proxyWrong(carrier)),
  ];
}

const isSureAlone = ({ failure, observed }: Wrong): boolean =>
  failure === 'F031' || (failure === 'F055' && observed.includes('resource id'));

/** Keys that are meant for the webhook and that it does not know; those in `but` are told of elsewhere. */
function typosOf(
  keys: Readonly<Record<string, string>>,
  path: string,
  map: 'labels' | 'annotations',
  but: readonly string[],
): Wrong[] {
  return Object.keys(keys).flatMap((key) => {
    const meant = meantBy(key);
    if (!meant || but.includes(meant) || meant in keys) return [];
    return [{ failure: 'F031', observed: `spelt ${key}`, expected: meant, path: keyPath(path, map, key) }];
  });
}

/** The tenant that the account names, when it is another one than the identity's. */
export function tenantWrong(account: KubernetesObject, tenantId: string): Wrong | undefined {
  const value = annotationsOf(account)[TENANT_ID];
  if (!value || value.toLowerCase() === tenantId.toLowerCase()) return undefined;
  return {
    failure: 'F056',
    observed: `the account names the tenant ${value}`,
    expected: tenantId,
    path: keyPath('', 'annotations', TENANT_ID),
  };
}
