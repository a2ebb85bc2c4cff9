import type { Parts, Reply } from '../parts.ts';
import { CannotBreak } from './break.ts';

/** An object as the API server gives it. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly creationTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly uid: string }[];
    readonly deletionTimestamp?: string;
  };
  // biome-ignore lint/suspicious/noExplicitAny: of any kind
  readonly [other: string]: any;
}

/** The API server as its administrator sees it. Every method throws with the server's own words when it refuses. */
export interface Kubectl {
  get(kind: string, name: string, namespace?: string): Promise<KubeObject | undefined>;
  /** In every namespace when none is given. Empty when the kind is not served. */
  list(kind: string, namespace?: string): Promise<readonly KubeObject[]>;
  create(object: object): Promise<KubeObject>;
  /** A JSON merge patch: null takes away. */
  patch(kind: string, name: string, namespace: string | undefined, patch: object): Promise<KubeObject>;
  /** Puts the object in the place of the one that is there. */
  replace(object: KubeObject): Promise<KubeObject>;
  remove(kind: string, name: string, namespace?: string): Promise<void>;
  /** A token of an account for Entra, an hour long. */
  token(account: string, namespace: string): Promise<string>;
}

/** Kinds that are built in, by where they are served; those of a definition are looked up. */
const BUILT_IN: Readonly<Record<string, readonly [path: string, plural: string]>> = {
  Namespace: ['/api/v1', 'namespaces'],
  Node: ['/api/v1', 'nodes'],
  ServiceAccount: ['/api/v1', 'serviceaccounts'],
  ConfigMap: ['/api/v1', 'configmaps'],
  Secret: ['/api/v1', 'secrets'],
  Pod: ['/api/v1', 'pods'],
  Service: ['/api/v1', 'services'],
  Event: ['/api/v1', 'events'],
  Deployment: ['/apis/apps/v1', 'deployments'],
  ReplicaSet: ['/apis/apps/v1', 'replicasets'],
  DaemonSet: ['/apis/apps/v1', 'daemonsets'],
  NetworkPolicy: ['/apis/networking.k8s.io/v1', 'networkpolicies'],
  Job: ['/apis/batch/v1', 'jobs'],
  CronJob: ['/apis/batch/v1', 'cronjobs'],
  EndpointSlice: ['/apis/discovery.k8s.io/v1', 'endpointslices'],
  CSIDriver: ['/apis/storage.k8s.io/v1', 'csidrivers'],
  CSINode: ['/apis/storage.k8s.io/v1', 'csinodes'],
  MutatingWebhookConfiguration: ['/apis/admissionregistration.k8s.io/v1', 'mutatingwebhookconfigurations'],
  ValidatingWebhookConfiguration: ['/apis/admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations'],
  CustomResourceDefinition: ['/apis/apiextensions.k8s.io/v1', 'customresourcedefinitions'],
  ClusterRole: ['/apis/rbac.authorization.k8s.io/v1', 'clusterroles'],
  ClusterRoleBinding: ['/apis/rbac.authorization.k8s.io/v1', 'clusterrolebindings'],
};

/** @param host of the API server, and the token of its user, both as they are at each call */
export function kubectlOf(parts: Parts, reach: () => { readonly host: string; readonly token: string }): Kubectl {
  const ask = async (method: string, path: string, body?: object, type = 'application/json'): Promise<Reply> => {
    const { host, token } = reach();
    return parts.dispatch({
      method,
      host,
      path,
      query: new URLSearchParams(method === 'GET' || method === 'DELETE' ? '' : 'fieldManager=kubectl-edit'),
      headers: { authorization: `Bearer ${token}`, 'content-type': type, 'user-agent': 'kubectl/v1.34 (sandbox)' },
      body: body ? JSON.stringify(body) : '',
    });
  };
  // biome-ignore lint/suspicious/noExplicitAny: whatever the server answers
  const bodyOf = ({ body }: Reply): any => (typeof body === 'string' && body.startsWith('{') ? JSON.parse(body) : body);
  const must = (reply: Reply): KubeObject => {
    const body = bodyOf(reply);
    if (reply.status < 300) return body;
    throw new CannotBreak(`the cluster refuses it: ${body?.message ?? reply.status}`);
  };
  const placeOf = async (kind: string): Promise<readonly [path: string, plural: string] | undefined> => {
    const known = BUILT_IN[kind];
    if (known) return known;
    const definitions = must(await ask('GET', pathOf(BUILT_IN.CustomResourceDefinition!))).items as KubeObject[];
    const found = definitions.find(({ spec }) => spec.names.kind === kind);
    const served = found?.spec.versions.find((version: { served: boolean }) => version.served);
    return served && [`/apis/${found!.spec.group}/${served.name}`, found!.spec.names.plural];
  };
  const there = async (kind: string) => {
    const place = await placeOf(kind);
    if (!place) throw new CannotBreak(`the cluster serves no ${kind}`);
    return place;
  };

  return {
    async get(kind, name, namespace) {
      const place = await placeOf(kind);
      if (!place) return undefined;
      const reply = await ask('GET', pathOf(place, namespace, name));
      return reply.status === 404 ? undefined : must(reply);
    },
    async list(kind, namespace) {
      const place = await placeOf(kind);
      if (!place) return [];
      const { items, apiVersion } = must(await ask('GET', pathOf(place, namespace)));
      return (items as KubeObject[]).map((item) => ({ ...item, apiVersion: item.apiVersion ?? apiVersion, kind }));
    },
    async create(object) {
      const { kind, metadata } = object as KubeObject;
      return must(await ask('POST', pathOf(await there(kind), metadata.namespace), object));
    },
    async patch(kind, name, namespace, patch) {
      const type = 'application/merge-patch+json';
      return must(await ask('PATCH', pathOf(await there(kind), namespace, name), patch, type));
    },
    async replace(object) {
      const { namespace, name } = object.metadata;
      return must(await ask('PUT', pathOf(await there(object.kind), namespace, name), object));
    },
    async token(account, namespace) {
      const audiences = ['api://AzureADTokenExchange'];
      const made = await ask('POST', `${pathOf(BUILT_IN.ServiceAccount!, namespace, account)}/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences, expirationSeconds: 3600 },
      });
      return must(made).status.token;
    },
    async remove(kind, name, namespace) {
      must(await ask('DELETE', pathOf(await there(kind), namespace, name)));
    },
  };
}

const pathOf = ([path, plural]: readonly [string, string], namespace?: string, name?: string): string =>
  `${path}${namespace ? `/namespaces/${namespace}` : ''}/${plural}${name ? `/${name}` : ''}`;
