import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { begin, type Ran, type Story } from './harness.ts';

let story: Story;
beforeEach(async () => {
  story = await begin();
});
afterEach(() => story.close());

const paths = ({ writes }: Ran): string => writes.map(({ method, path }) => `${method} ${path}`).join('\n');
const EXTENSION = /^PUT \S+demo-aks\/providers\/Microsoft\.KubernetesConfiguration\/extensions\/dapr$/m;
const REGISTER = /^POST \S+Microsoft\.KubernetesConfiguration\/register$/m;
const fine = ({ code, err }: Ran) => expect({ code, err: code ? err : '' }).toEqual({ code: 0, err: '' });

interface Pod {
  readonly kind: string;
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: { readonly containers: readonly { readonly name: string; readonly args?: readonly string[] }[] };
}
const objects = (): Pod[] =>
  Object.values(story.sandbox.parts.state.kubernetes).flatMap((cluster) =>
    Object.values((cluster as { objects: Record<string, Pod> }).objects),
  );
const samplePods = (): Pod[] =>
  objects().filter(({ kind, metadata }) => kind === 'Pod' && metadata.namespace === 'demo');

describe('a cluster without Dapr', () => {
  it('gets the provider registered and the extension installed, and ends with a pod that asked its sidecar', async () => {
    const ran = await story.run('init --method dapr --yes');
    fine(ran);
    expect(paths(ran)).toMatch(REGISTER);
    expect(paths(ran)).toMatch(EXTENSION);
    expect(ran.err).toMatch(/for the\s+whole\s+cluster; about ten pods/);
    expect(ran.out).toMatch(/pod demo\/demo-sample-\S+ read db-password, \d+ bytes/);
    expect(ran.out).toMatch(/pod demo\/demo-sample-\S+ read api-key, \d+ bytes/);
    expect(samplePods().map(({ spec }) => spec.containers.map(({ name }) => name))).toEqual([['reader', 'daprd']]);
    const again = await story.run('init --method dapr --yes');
    expect({ code: again.code, writes: again.writes }).toEqual({ code: 0, writes: [] });
  });

  it('without the consent for it: the extension is left, with the line for whoever may, and the rest is done; exit 6', async () => {
    const words = 'init --method dapr --yes --allow cluster,irreversible --cluster demo-aks --resource-group demo-rg';
    const ran = await story.run(`${words} --vault demo-kv --workload demo --namespace demo --secret db-password`, {
      bare: true,
    });
    expect(ran.code).toBe(6);
    expect(ran.err).toContain('--allow install');
    expect(ran.err).toMatch(
      /az provider register --namespace Microsoft\.KubernetesConfiguration --wait; az k8s-extension create --cluster-type managedClusters/,
    );
    expect(paths(ran)).not.toMatch(REGISTER);
    expect(paths(ran)).not.toMatch(EXTENSION);
    expect(paths(ran)).toMatch(/roleAssignments/);
    expect(paths(ran)).toMatch(/serviceaccounts\/demo/);
    expect(paths(ran)).not.toMatch(/components/);
    // The plan says so before.
    expect(ran.err).toMatch(/Component demo\/demo +follows from provider/);
  });

  it('of AKS Automatic is blocked with the reason and what to do instead; nothing is registered or installed', async () => {
    story.sandbox.world.clusterSku('demo-aks', 'Automatic');
    const ran = await story.run('init --method dapr --yes');
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/AKS Automatic protects/);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('--method workload-identity, csi or external-secrets');
    expect(paths(ran)).not.toMatch(REGISTER);
    expect(paths(ran)).not.toMatch(EXTENSION);
  });
});

describe('a Dapr that is there', () => {
  it('by Helm is used, said by what, and no extension is put over it', async () => {
    await story.sandbox.world.daprByHelm('demo-aks', { namespace: 'mesh' });
    const ran = await story.run('init --method dapr --yes -v');
    fine(ran);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('by the Helm release dapr (Dapr 1.16.4 in mesh)');
    expect(paths(ran)).not.toMatch(REGISTER);
    expect(paths(ran)).not.toMatch(EXTENSION);
    expect(ran.out).toMatch(/pod demo\/demo-sample-\S+ read db-password/);
    expect(await story.run('init --method dapr --yes')).toMatchObject({ code: 0, writes: [] });
  });

  it('by an extension of any version is used', async () => {
    await story.sandbox.world.daprExtension('demo-aks', { version: '1.15.8-msft.2' });
    const ran = await story.run('init --method dapr --yes');
    fine(ran);
    expect(paths(ran)).not.toMatch(REGISTER);
    expect(paths(ran)).not.toMatch(EXTENSION);
  });

  it('as an extension that failed is begun again, with its own error in the plan', async () => {
    const error = { code: 'ExtensionOperationFailed', message: 'timed out waiting for the condition' };
    await story.sandbox.world.daprExtension('demo-aks', { state: 'Failed', error });
    const ran = await story.run('init --method dapr --yes');
    fine(ran);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('timed out waiting for the condition');
    expect(paths(ran)).toMatch(EXTENSION);
  });

  it('as one that failed over what another left is blocked, with the words of the extension', async () => {
    await story.sandbox.world.daprExtension('demo-aks', { state: 'Failed' });
    const ran = await story.run('init --method dapr --yes');
    expect(ran.code).toBe(1);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toContain('invalid ownership metadata');
    expect(paths(ran)).not.toMatch(EXTENSION);
  });

  it('as one that never ends being made: waited for, and said what is awaited', async () => {
    await story.sandbox.world.daprExtension('demo-aks', { state: 'Creating' });
    const ran = await story.run('init --method dapr --yes');
    expect(ran.code).toBe(124);
    expect(ran.err).toMatch(/the extension is Creating/);
  });
});

describe('what the pod gets', () => {
  /** A template of the user's own: the namespace enforces the restricted profile of Pod Security. */
  const restricted = () => {
    const own = `${story.folder}/mine`;
    const shipped = readFileSync(new URL('../../templates/namespace.yaml', import.meta.url), 'utf8');
    mkdirSync(own);
    writeFileSync(
      `${own}/namespace.yaml`,
      `${shipped.trimEnd()}\n    pod-security.kubernetes.io/enforce: restricted\n`,
    );
    return 'init --method dapr --templates mine --yes';
  };

  it('is admitted where the restricted profile of Pod Security is enforced, sidecar and all', async () => {
    fine(await story.run(restricted()));
    expect(samplePods()).toHaveLength(1);
  });

  it('is refused there by a Dapr whose sidecars keep their capabilities, and the Deployment says so', async () => {
    await story.sandbox.world.daprByHelm('demo-aks');
    const ran = await story.run(restricted());
    expect(ran.code).toBe(124);
    expect(ran.err.replaceAll(/\s+/g, ' ')).toMatch(/Deployment demo\/demo-sample .*violates PodSecurity "restricted/);
  });

  it('with --secret-scopes is what is named: the sidecar starts with a Configuration that denies the rest', async () => {
    const words = 'init --method dapr --secret-scopes --secret db-password --yes';
    const ran = await story.run(words);
    fine(ran);
    expect(ran.out).toMatch(/dapr\.io\/config: demo/);
    expect(paths(ran)).toMatch(/configurations\/demo/);
    const [daprd] = samplePods().flatMap(({ spec }) => spec.containers.filter(({ name }) => name === 'daprd'));
    expect(daprd?.args?.join(' ')).toContain('--config demo');
    expect(await story.run(words)).toMatchObject({ code: 0, writes: [] });
  });

  it('is no certificate and no key: the file says where, and what to do', async () => {
    const ran = await story.run('init --method dapr --certificate tls --yes');
    expect({ code: ran.code, requests: ran.requests }).toEqual({ code: 2, requests: [] });
    expect(ran.err.replaceAll(/\s+/g, ' ')).toMatch(/--certificate: tls is a certificate, and dapr.*--secret tls/);
  });
});
