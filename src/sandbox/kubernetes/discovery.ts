import { apiVersionOf, type Kind } from './kinds.ts';

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
  const groups = [...new Set(kinds.map((kind) => kind.group))].filter((group) => group !== '');
  const group = (name: string) => {
    const versions = [...new Set(kinds.filter((kind) => kind.group === name).map((kind) => kind.version))].map(
      (version) => ({ groupVersion: `${name}/${version}`, version }),
    );
    return { name, versions, preferredVersion: versions[0] };
  };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(group) };
  const named = /^\/apis\/([^/]+)$/.exec(path)?.[1];
  if (named && groups.includes(named)) return { kind: 'APIGroup', apiVersion: 'v1', ...group(named) };

  const groupVersion = /^\/(?:api|apis)\/(.+)$/.exec(path)?.[1];
  const served = kinds.filter((kind) => apiVersionOf(kind) === groupVersion);
  if (!groupVersion || served.length === 0) return undefined;
  const resource = (kind: Kind, name: string, verbs: readonly string[], more: object = {}) => ({
    name,
    singularName: name.includes('/') ? '' : kind.kind.toLowerCase(),
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs,
    ...more,
  });
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: served.flatMap((kind) => [
      resource(kind, kind.plural, VERBS, kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
      ...(kind.status ? [resource(kind, `${kind.plural}/status`, ['get', 'patch', 'update'])] : []),
      ...(kind.kind === 'Pod' ? [resource(kind, 'pods/log', ['get'])] : []),
      ...(kind.kind === 'ServiceAccount'
        ? [
            resource(kind, 'serviceaccounts/token', ['create'], {
              group: 'authentication.k8s.io',
              version: 'v1',
              kind: 'TokenRequest',
            }),
          ]
        : []),
    ]),
  };
}
