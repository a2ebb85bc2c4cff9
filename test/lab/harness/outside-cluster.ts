import type { KubernetesPart } from '../../../src/sandbox/index.ts';

/** An issuer that publishes its keys: what a discovery document and its `jwks_uri` say. */
export interface Issuer {
  /** `https://…/`, as its tokens bear it. */
  readonly url: string;
  /** By what follows the URL (`.well-known/openid-configuration`); undefined for what it does not publish. */
  published(rest: string): Promise<string | undefined>;
}

/** The sandbox's clusters, where they run outside of it. */
export function outsideCluster(of: {
  readonly kubeconfig: KubernetesPart['kubeconfig'];
  /** The first that the address begins with answers. */
  readonly issuers: () => readonly Issuer[];
  /** What Resource Manager does inside of one. */
  readonly changed: KubernetesPart['clusterChanged'];
  readonly installDapr: KubernetesPart['installDapr'];
}): KubernetesPart {
  return {
    // Its name leads to the API server itself.
    handler: async ({ host }) => ({ status: 502, body: `${host} is not served by the sandbox here` }),
    async issuerHandler({ method, host, path }) {
      const url = `https://${host}${path}`;
      const issuer = of.issuers().find((each) => url.startsWith(each.url));
      const body = method === 'GET' ? await issuer?.published(url.slice(issuer.url.length)) : undefined;
      if (body === undefined) return { status: 404, body: 'not found' };
      return { status: 200, body: JSON.parse(body) as object };
    },
    clusterChanged: of.changed,
    installDapr: of.installDapr,
    async removeDapr() {},
    externalSecrets: () => Promise.reject(new Error('the real operator is installed by helm')),
    kubeconfig: of.kubeconfig,
    start() {},
    async stop() {},
  };
}
