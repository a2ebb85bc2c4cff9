import type { Resource } from './model.ts';
import type { Store } from './store.ts';
import type { OpenApi } from './structural.ts';

/** One kind of object that the API server serves. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly shortNames: readonly string[];
  /** Has a status of its own: writes to the object leave it, writes to `/status` change nothing else. */
  readonly status: boolean;
  /** The model of the official OpenAPI; absent for kinds that a CustomResourceDefinition defines. */
  readonly model?: string;
  /** What its CustomResourceDefinition says of its fields. */
  readonly openApi?: OpenApi;
  /** The version in which a definition has its objects stored, whichever they are written and read by. */
  readonly stored?: { readonly version: string; readonly openApi?: OpenApi };
  /** The service that converts objects between versions. Absent: they differ in nothing but their name. */
  readonly converter?: Converter;
}

interface Converter {
  readonly name: string;
  readonly namespace: string;
  readonly path?: string;
  readonly port?: number;
}

const builtIn = (
  apiVersion: string,
  kind: string,
  plural: string,
  more: { namespaced?: boolean; status?: boolean; short?: string[]; model?: string } = {},
): Kind => {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return {
    group,
    version,
    kind,
    plural,
    namespaced: more.namespaced ?? true,
    shortNames: more.short ?? [],
    status: more.status ?? false,
    model: more.model ?? `V1${kind}`,
  };
};

const wide = { namespaced: false };

/** The kinds that are built into the API server. Those of later lines are only stored: no controller acts on them. */
const KINDS: readonly Kind[] = [
  builtIn('v1', 'Namespace', 'namespaces', { ...wide, status: true, short: ['ns'] }),
  builtIn('v1', 'Node', 'nodes', { ...wide, status: true, short: ['no'] }),
  builtIn('v1', 'ServiceAccount', 'serviceaccounts', { short: ['sa'] }),
  builtIn('v1', 'ConfigMap', 'configmaps', { short: ['cm'] }),
  builtIn('v1', 'Secret', 'secrets'),
  builtIn('v1', 'Pod', 'pods', { status: true, short: ['po'] }),
  builtIn('v1', 'Service', 'services', { status: true, short: ['svc'] }),
  builtIn('v1', 'Event', 'events', { short: ['ev'], model: 'CoreV1Event' }),
  builtIn('apps/v1', 'Deployment', 'deployments', { status: true, short: ['deploy'] }),
  builtIn('apps/v1', 'ReplicaSet', 'replicasets', { status: true, short: ['rs'] }),
  builtIn('apps/v1', 'DaemonSet', 'daemonsets', { status: true, short: ['ds'] }),
  builtIn('batch/v1', 'Job', 'jobs', { status: true }),
  builtIn('batch/v1', 'CronJob', 'cronjobs', { status: true, short: ['cj'] }),
  builtIn('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices'),
  builtIn('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', { short: ['netpol'] }),
  builtIn('storage.k8s.io/v1', 'CSIDriver', 'csidrivers', wide),
  builtIn('storage.k8s.io/v1', 'CSINode', 'csinodes', wide),
  builtIn('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', wide),
  builtIn('admissionregistration.k8s.io/v1', 'ValidatingWebhookConfiguration', 'validatingwebhookconfigurations', wide),
  builtIn('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', {
    ...wide,
    status: true,
    short: ['crd', 'crds'],
  }),
  builtIn('rbac.authorization.k8s.io/v1', 'Role', 'roles'),
  builtIn('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings'),
  builtIn('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', wide),
  builtIn('rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', wide),
];

const byKind = new Map(KINDS.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind]));

/** A built-in kind by its name alone; names are unique among them. */
export function kindNamed(name: string): Kind {
  const found = KINDS.find((kind) => kind.kind === name);
  if (!found) throw new Error(`no built-in kind ${name}`);
  return found;
}

export function apiVersionOf(kind: Pick<Kind, 'group' | 'version'>): string {
  return kind.group ? `${kind.group}/${kind.version}` : kind.version;
}

interface Definition extends Resource {
  spec: {
    group: string;
    names: { kind: string; plural: string; shortNames?: string[] };
    scope: 'Namespaced' | 'Cluster';
    versions: {
      name: string;
      served: boolean;
      storage: boolean;
      schema?: { openAPIV3Schema?: OpenApi };
      subresources?: { status?: object };
    }[];
    conversion?: { strategy: string; webhook?: { clientConfig?: { service?: Converter } } };
  };
}

/** Kinds that exist now: the built-in ones, and those whose CustomResourceDefinition is there. */
export function kindsIn(store: Store): readonly Kind[] {
  const defined = store.list(kindNamed('CustomResourceDefinition')).flatMap((object) => {
    const { spec } = object as Definition;
    const storage = spec.versions.find((version) => version.storage);
    const schema = storage?.schema?.openAPIV3Schema;
    const converter = spec.conversion?.webhook?.clientConfig?.service;
    const stored = storage && { version: storage.name, ...(schema && { openApi: schema }) };
    return spec.versions
      .filter((version) => version.served)
      .map((version) => ({
        group: spec.group,
        version: version.name,
        kind: spec.names.kind,
        plural: spec.names.plural,
        namespaced: spec.scope === 'Namespaced',
        shortNames: spec.names.shortNames ?? [],
        status: version.subresources?.status !== undefined,
        ...(version.schema?.openAPIV3Schema && { openApi: version.schema.openAPIV3Schema }),
        ...(stored && { stored }),
        ...(converter && { converter }),
      }));
  });
  return [...KINDS, ...defined];
}

/** The apiVersion under which objects of the kind are stored. */
export function storedApiVersionOf(kind: Kind): string {
  return apiVersionOf({ group: kind.group, version: kind.stored?.version ?? kind.version });
}

/** The object as one who reads it by this version sees it: versions differ in nothing but their name (no conversion). */
export function shownAs<T extends Resource>(kind: Kind, object: T): T {
  const apiVersion = apiVersionOf(kind);
  return object.apiVersion === apiVersion ? object : { ...object, apiVersion };
}

/** The kind of an object, by its `apiVersion` and `kind`. */
export function kindOf(store: Store, object: Pick<Resource, 'apiVersion' | 'kind'>): Kind | undefined {
  return (
    byKind.get(`${object.apiVersion} ${object.kind}`) ??
    kindsIn(store).find((kind) => kind.kind === object.kind && apiVersionOf(kind) === object.apiVersion)
  );
}
