import { apiVersionOf, type Kind } from './kinds.ts';
import { REVIEWS } from './reviews.ts';
import { scales } from './scale.ts';

/** What `kubectl get all` shows. */
const ALL = new Set(['Pod', 'Service', 'Deployment', 'ReplicaSet', 'DaemonSet', 'Job', 'CronJob']);
const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** What kubectl and client libraries read to learn which kinds are served; `undefined` for a path that is none of it. */
export function discover(path: string, kinds: readonly Kind[], gitVersion: string): object | undefined {
  if (path === '/version') {
    const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(gitVersion) ?? ['', '1', '36'];
    return {
      major,
      minor,
      gitVersion,
      gitCommit: 'sandbox',
      gitTreeState: 'clean',
      buildDate: '2026-08-12T00:00:00Z',
      goVersion: 'go1.26.0',
      compiler: 'gc',
      platform: 'linux/amd64',
    };
  }
  if (path === '/api') {
    return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  }
  const all = [...new Set([...kinds.map(apiVersionOf), ...REVIEWS.map((each) => each.groupVersion)])];
  const groups = [...new Set(all.filter((each) => each.includes('/')).map((each) => each.split('/')[0]!))];
  const group = (name: string) => {
    const versions = all
      .filter((each) => each.startsWith(`${name}/`))
      .map((groupVersion) => ({ groupVersion, version: groupVersion.slice(name.length + 1) }));
    return { name, versions, preferredVersion: versions[0] };
  };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(group) };
  const named = /^\/apis\/([^/]+)$/.exec(path)?.[1];
  if (named && groups.includes(named)) return { kind: 'APIGroup', apiVersion: 'v1', ...group(named) };

  const groupVersion = /^\/(?:api|apis)\/(.+)$/.exec(path)?.[1];
  const served = kinds.filter((kind) => apiVersionOf(kind) === groupVersion);
  const reviews = REVIEWS.filter((each) => each.groupVersion === groupVersion);
  if (!groupVersion || served.length + reviews.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: [
      ...reviews.map(({ kind, plural }) => ({
        name: plural,
        singularName: kind.toLowerCase(),
        namespaced: false,
        kind,
        verbs: ['create'],
      })),
      ...served.flatMap(resources),
    ],
  };
}

function resources(kind: Kind): object[] {
  const resource = (name: string, verbs: readonly string[], more: object = {}) => ({
    name,
    singularName: name.includes('/') ? '' : kind.kind.toLowerCase(),
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs,
    ...more,
  });
  return [
    resource(kind.plural, VERBS, {
      ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
      ...(ALL.has(kind.kind) && { categories: ['all'] }),
    }),
    ...(kind.status ? [resource(`${kind.plural}/status`, ['get', 'patch', 'update'])] : []),
    ...(scales(kind)
      ? [
          resource(`${kind.plural}/scale`, ['get', 'patch', 'update'], {
            group: 'autoscaling',
            version: 'v1',
            kind: 'Scale',
          }),
        ]
      : []),
    ...(kind.kind === 'Pod' ? [resource('pods/log', ['get'])] : []),
    ...(kind.kind === 'ServiceAccount'
      ? [
          resource('serviceaccounts/token', ['create'], {
            group: 'authentication.k8s.io',
            version: 'v1',
            kind: 'TokenRequest',
          }),
        ]
      : []),
  ];
}
