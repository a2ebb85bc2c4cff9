import { Document, isMap, isSeq, visit } from 'yaml';
import { API_VERSION } from '../api-version.ts';
import type { Method } from '../methods/method.ts';
import type { SecretRef, Spec, VaultWish, Workload } from '../workload.ts';
import { clusterIdOf, identityName } from './identity-name.ts';
import { camel } from './names.ts';
import { SAMPLE_IMAGE } from './schema.ts';

/**
 * The Spec as a file that reads back to the same Spec. What follows from other names is left out. Sources of values
 * other than the environment, and rotations, are not part of a world and stay with the flags.
 */
export function specToFile(spec: Spec, methods: readonly Method[]): string {
  const { cluster, workloads } = spec;
  const first = workloads[0]?.vault;
  const shared = first && workloads.every(({ vault }) => same(vault, first)) ? first : undefined;
  const document = new Document({
    apiVersion: API_VERSION,
    subscription: spec.subscription,
    cluster: {
      resourceGroup: cluster.resourceGroup,
      name: cluster.name,
      ...(cluster.create && { create: cluster.create }),
    },
    ...(shared && { vault: vaultOf(shared) }),
    workloads: workloads.map((workload) => workloadOf(spec, workload, methods, shared === undefined)),
  });
  document.commentBefore = ' Which pods of a cluster get which secrets of Azure Key Vault. No value belongs here.';
  // Small groups of names stay on one line, as people write them.
  visit(document, {
    Map(_, node, path) {
      const small = node.items.every(({ value }) => !isMap(value) && !isSeq(value));
      if (small && path.length > 2) node.flow = true;
    },
  });
  return document.toString({ lineWidth: 110, flowCollectionPadding: true });
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

const vaultOf = ({ resourceGroup, name, create }: VaultWish) => ({ resourceGroup, name, ...(create && { create }) });

function workloadOf(spec: Spec, workload: Workload, methods: readonly Method[], ownVault: boolean): object {
  const { name, namespace, serviceAccount, method, identity, vault, secrets, roleScope, sample } = workload;
  const derived = identityName(clusterIdOf(spec.subscription, spec.cluster), workload);
  const isManaged = identity.kind === undefined;
  const ownGroup = isManaged && identity.resourceGroup !== spec.cluster.resourceGroup;
  const ownName = isManaged && identity.name !== derived;
  return {
    name,
    namespace,
    ...(serviceAccount !== name && { serviceAccount }),
    method,
    ...(ownVault && { vault: vaultOf(vault) }),
    ...((ownGroup || ownName) && {
      identity: { ...(ownGroup && { resourceGroup: identity.resourceGroup }), ...(ownName && { name: identity.name }) },
    }),
    ...(!isManaged && { appRegistration: { name: identity.name } }),
    ...listed('secrets', secrets, 'secret'),
    ...listed('keys', secrets, 'key'),
    ...listed('certificates', secrets, 'certificate'),
    ...(roleScope !== 'vault' && { roleScope }),
    ...optionsOf(workload, methods),
    ...(sample && { sample: sample.image === SAMPLE_IMAGE ? true : { image: sample.image } }),
  };
}

function listed(key: string, secrets: readonly SecretRef[], kind: SecretRef['kind']): object {
  const items = secrets.filter((secret) => secret.kind === kind);
  if (items.length === 0) return {};
  return {
    [key]: items.map(({ name, as, value }) => ({
      name,
      ...(as !== name && { as }),
      ...(value && 'env' in value && { value: { env: value.env } }),
    })),
  };
}

/** What only the workload's method asks, by the keys of its questions. */
export function optionsOf(workload: Workload, methods: readonly Method[]): Readonly<Record<string, string | boolean>> {
  const options = Object(workload.options) as Readonly<Record<string, unknown>>;
  const questions = methods.find(({ name }) => name === workload.method)?.questions ?? [];
  return Object.fromEntries(
    questions.flatMap(({ flag }) => {
      const value = options[camel(flag)];
      return typeof value === 'string' || value === true ? [[camel(flag), value]] : [];
    }),
  );
}
