import { parse } from 'yaml';
import { entryOf } from '../../entry.ts';
import type { Kubernetes, KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { SecretRef } from '../../workload.ts';
import type { PodAround, Recognised } from '../method.ts';
import { secretsIn } from '../wiring/carrier.ts';
import { list, record, text, texts } from '../wiring/shape.ts';

const DRIVER = 'secrets-store.csi.k8s.io';
const CLASS = { apiVersion: 'secrets-store.csi.x-k8s.io/v1', kind: 'SecretProviderClass' };
const KINDS: Readonly<Record<string, SecretRef['kind']>> = { secret: 'secret', key: 'key', cert: 'certificate' };

/**
 * What the driver brings: by the classes that the pod's volumes name, and by those whose Kubernetes Secret it reads, for a
 * pod may read that one and have forgotten the volume without which it is not there.
 */
export async function recognise({ pod, namespace }: PodAround, kubernetes: Kubernetes): Promise<readonly Recognised[]> {
  const named = pod.spec.volumes.flatMap(({ csi }) =>
    csi?.driver === DRIVER ? [csi.attributes.secretProviderClass] : [],
  );
  const read = secretsIn(pod.spec);
  if (named.length === 0 && read.length === 0) return [];
  const classes = await kubernetes.list(CLASS, namespace);
  const there = classes.filter(
    (each) => named.includes(each.metadata.name) || syncedBy(each).some((secret) => read.includes(secret)),
  );
  const lost = named.filter((name) => !there.some(({ metadata }) => metadata.name === name));
  const serviceAccount = pod.spec.serviceAccountName;
  return [
    ...there.filter(isOfAzure).map((each) => ({ ...shownBy(each), serviceAccount })),
    // That it is missing is for others to say; that the pod wants it is known.
    ...[...new Set(lost)].map((name = '') => ({
      ...{ by: `SecretProviderClass ${namespace}/${name}`, serviceAccount },
      ...{ secrets: [], answers: {}, names: { providerClass: name }, unseen: [] },
    })),
  ];
}

const specOf = ({ spec }: KubernetesObject) => record(spec);
const isOfAzure = (found: KubernetesObject): boolean => specOf(found).provider === 'azure';
const syncedBy = (found: KubernetesObject): readonly string[] =>
  list(specOf(found).secretObjects).flatMap((each) => text(record(each).secretName) ?? []);

function shownBy(found: KubernetesObject): Omit<Recognised, 'serviceAccount'> {
  const { namespace, name } = found.metadata;
  const parameters = texts(specOf(found).parameters);
  const { clientID: clientId } = parameters;
  // People write its address; which vault they mean is plain.
  const vault = parameters.keyvaultName?.replace(/^https?:\/\//, '').split(/[./]/)[0];
  const tenantId = parameters.tenantID || parameters.tenantId;
  const [syncSecret] = syncedBy(found);
  return {
    by: `SecretProviderClass ${namespace}/${name}`,
    ...(clientId && { clientId }),
    ...(tenantId && { tenantId }),
    ...(vault && { vault }),
    secrets: objectsIn(parameters.objects ?? ''),
    answers: syncSecret ? { 'sync-secret': syncSecret } : {},
    names: { providerClass: name },
    unseen: [],
  };
}

/** The provider's own format: a YAML list of YAML strings, inside a string. What cannot be read holds nothing. */
function objectsIn(written: string): readonly SecretRef[] {
  return list(record(yamlOf(written)).array).flatMap((each): readonly SecretRef[] => {
    const { objectName, objectType, objectAlias } = record(typeof each === 'string' ? yamlOf(each) : each);
    const [name, kind] = [text(objectName), entryOf(KINDS, text(objectType) ?? 'secret')];
    // What no secret can be called is for others to complain of.
    return name && kind && /^[0-9a-zA-Z-]{1,127}$/.test(name) ? [{ kind, name, as: text(objectAlias) || name }] : [];
  });
}

function yamlOf(written: string): unknown {
  try {
    return parse(written, { logLevel: 'error' });
  } catch {
    return undefined;
  }
}
