import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { addExisting } from '../../src/sandbox/world/demo.ts';
import { programNamed } from './build/programs.ts';
import { diagnose } from './harness/diagnosis.ts';
import { kubeconfigOf } from './harness/kubeconfig.ts';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { LAB } from './harness/place.ts';
import type { Ended } from './harness/processes.ts';
import { enter } from './harness/table.ts';

const program = 'kube-apiserver';
const { version } = programNamed('kubernetes');
const ALL = '--yes --allow cluster,irreversible,install';

const wanted = (name: string) =>
  `--method workload-identity --vault demo-kv --workload ${name} --namespace ${name} --secret db-password`;

/** What `init` counts: `3 created, 4 as wanted.` */
const told = ({ out }: Ended): string => /^.*(?:as wanted|created)\b.*\.$/m.exec(out)?.[0] ?? 'nothing';

describe.skipIf(!LAB)('a real API server', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await theLab();
  });

  const well = async (words: string): Promise<Ended> => {
    const ran = await lab.aksSecrets(words);
    expect({ words, code: ran.code, err: ran.code ? ran.out + ran.err : '' }).toEqual({ words, code: 0, err: '' });
    return ran;
  };
  const account = (name: string) => lab.object(`serviceaccount/${name} -n ${name}`);
  const writes = () => lab.sandbox.log.entries.filter(({ kind }) => kind === 'write').length;

  it('takes what init applies, and a second init changes nothing', async () => {
    await well(`init ${wanted('shop')} ${ALL}`);
    const before = { account: await account('shop'), writes: writes() };
    const again = await well(`init ${wanted('shop')} ${ALL}`);
    const after = { account: await account('shop'), writes: writes() };
    expect(after).toEqual(before);
    enter(
      {
        ...{ program, version, case: 'init by workload-identity, twice' },
        expected: 'server-side apply is accepted, the second changes no version and writes nothing',
        seen: `resourceVersion ${before.account?.metadata.resourceVersion}, then ${after.account?.metadata.resourceVersion}; ${told(again)}`,
      },
      before.account?.metadata.resourceVersion === after.account?.metadata.resourceVersion,
    );
  });

  it('signs a token that Entra takes by the discovery document of its issuer', async () => {
    const found = await diagnose(lab, wanted('shop'));
    const proof = found.report.checks.find(({ id }) => id === 'AKS-PROOF');
    enter(
      {
        ...{ program, version, case: 'TokenRequest, Entra, vault: the proof without a pod' },
        expected: "the token is let through by its issuer's published keys",
        seen: `${proof?.verdict}: ${proof?.observed}`,
        verify: found.line,
      },
      found.first === 'well' && proof?.verdict === 'pass',
    );
  });

  describe('what is wrong with a token that was signed by the cluster', () => {
    const name = 'broken';
    let credential: string;
    let clientId: string;
    beforeAll(async () => {
      await well(`init ${wanted(name)} ${ALL}`);
      const { identities } = lab.sandbox.place.slice;
      const identity = Object.values(identities).find(({ resource }) => resource.name.startsWith(`${name}-`))!;
      const [only] = Object.keys(identity.credentials);
      credential = `${identity.resource.id}/federatedIdentityCredentials/${only}?api-version=2024-11-30`;
      clientId = String(identity.resource.properties.clientId);
    });

    /** What Entra says to the cluster's own token for this service account. */
    const exchanged = async (): Promise<string> => {
      const audience = 'api://AzureADTokenExchange';
      const { out: assertion } = await lab.kubectl(`create token ${name} -n ${name} --audience ${audience}`);
      const form = new URLSearchParams({
        ...{ client_id: clientId, scope: 'https://vault.azure.net/.default', grant_type: 'client_credentials' },
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: assertion.trim(),
      });
      const { parts } = lab.sandbox;
      const reply = await parts.dispatch({
        ...{ method: 'POST', host: 'login.microsoftonline.com', query: new URLSearchParams() },
        path: `/${parts.state.tenantId}/oauth2/v2.0/token`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: form.toString(),
      });
      const { error_description: said } = reply.body as { error_description?: string };
      return said ? said.split(' Trace ID')[0]! : `${reply.status}: a token`;
    };
    interface Credential {
      readonly properties: { readonly issuer: string; readonly subject: string; readonly audiences: readonly string[] };
    }

    it.each<[name: string, failure: string, words: RegExp, change: (was: Credential['properties']) => object]>([
      ['subject of another account', 'F052', /AADSTS700213/, () => ({ subject: 'system:serviceaccount:broken:other' })],
      ['subject in another case', 'F053', /AADSTS7002138/, ({ subject }) => ({ subject: subject.toUpperCase() })],
      ['issuer without its slash', 'F050', /AADSTS700211/, ({ issuer }) => ({ issuer: issuer.replace(/\/$/, '') })],
      ['audience of another cloud', 'F051', /AADSTS700212/, () => ({ audiences: ['api://AzureADTokenExchangeUSGov'] })],
    ])('credential: %s', async (what, failure, words, change) => {
      const { body } = await lab.arm<Credential>('GET', credential);
      await lab.arm('PUT', credential, { properties: { ...body.properties, ...change(body.properties) } });
      const said = await exchanged();
      const found = await diagnose(lab, wanted(name));
      await lab.arm('PUT', credential, body);
      expect(await exchanged()).toBe('200: a token');
      enter(
        {
          ...{ program, version, case: `credential: ${what}` },
          ...{ expected: String(words).replaceAll('/', ''), seen: said, verify: found.line },
        },
        words.test(said) && found.first === failure,
      );
    });

    it('an account with the client id of nobody', async () => {
      const before = await account(name);
      const id = before?.metadata.annotations?.['azure.workload.identity/client-id'];
      const annotate = (value: string) =>
        lab.kubectl(
          `annotate serviceaccount ${name} -n ${name} --overwrite azure.workload.identity/client-id=${value}`,
        );
      await annotate('11111111-1111-4111-8111-111111111111');
      const found = await diagnose(lab, wanted(name));
      await annotate(String(id));
      enter(
        {
          ...{ program, version, case: 'service account: client id of nobody' },
          ...{ expected: 'F057', seen: 'changed by kubectl annotate', verify: found.line },
        },
        found.first === 'F057',
      );
    });
  });

  it('refuses a field that somebody else manages, and the plan names the manager', async () => {
    await lab.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'taken' } });
    const { code, err } = await lab.kubectl(
      'apply --server-side --field-manager platform-team -f -',
      JSON.stringify({
        ...{ apiVersion: 'v1', kind: 'ServiceAccount' },
        metadata: {
          ...{ name: 'taken', namespace: 'taken', labels: { team: 'platform' } },
          annotations: { 'azure.workload.identity/client-id': '22222222-2222-4222-8222-222222222222' },
        },
      }),
    );
    expect({ code, err: code ? err : '' }).toEqual({ code: 0, err: '' });
    const planned = await lab.aksSecrets(`plan ${wanted('taken')}`);
    const ran = await lab.aksSecrets(`init ${wanted('taken')} ${ALL}`);
    const live = await account('taken');
    const seen = `${planned.out}${ran.out}${ran.err}`.split('\n').find((line) => line.includes('platform-team')) ?? '';
    enter(
      {
        ...{ program, version, case: 'a field that another manager applied' },
        expected: 'not forced; the other manager is named; exit 1',
        seen: `exit ${ran.code}; ${seen.trim()}`,
      },
      seen !== '' &&
        ran.code === 1 &&
        live?.metadata.annotations?.['azure.workload.identity/client-id'] === '22222222-2222-4222-8222-222222222222',
    );
  });

  it('keeps what is others, through init and destroy', async () => {
    await lab.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'kept', labels: { team: 'web' } } });
    await lab.apply({
      ...{ apiVersion: 'v1', kind: 'ServiceAccount' },
      metadata: { name: 'kept', namespace: 'kept', labels: { team: 'web' }, annotations: { note: 'ours' } },
    });
    const before = await account('kept');
    await well(`init ${wanted('kept')} ${ALL}`);
    const between = await account('kept');
    await well(`destroy ${wanted('kept').replace(/--secret \S+/, '')} --yes`);
    const after = await account('kept');
    const others = ({ metadata }: Live) => ({ labels: metadata.labels, note: metadata.annotations?.note });
    enter(
      {
        ...{ program, version, case: 'an account that was there: init, then destroy' },
        expected: 'its labels and annotations stay, and so does it',
        seen: JSON.stringify({
          during: others(between!),
          after: others(after!),
          uid: after?.metadata.uid === before?.metadata.uid,
        }),
      },
      after?.metadata.uid === before?.metadata.uid &&
        after?.metadata.annotations?.note === 'ours' &&
        after.metadata.labels?.team === 'web' &&
        between?.metadata.annotations?.['azure.workload.identity/client-id'] !== undefined,
    );
  });

  it('has nothing of ours left after destroy', async () => {
    await well(`init ${wanted('gone')} ${ALL}`);
    await well(`destroy ${wanted('gone').replace(/--secret \S+/, '')} --yes`);
    const left = await account('gone');
    const ours = await lab.kubectl(
      'get serviceaccounts,secrets,configmaps -n gone -l app.kubernetes.io/managed-by=aks-secrets -o name',
    );
    enter(
      {
        ...{ program, version, case: 'init, then destroy' },
        ...{
          expected: 'no service account',
          seen: left ? 'it is there' : `none; ${ours.out.trim() || 'nothing labelled'}`,
        },
      },
      left === undefined && ours.out.trim() === '',
    );
  });

  it('--rebind lets the same workload come in from a second cluster', async () => {
    const { place, give } = lab.sandbox;
    await well(`init ${wanted('moved')} ${ALL}`);
    await addExisting(place, give, { clusters: [{ resourceGroup: 'demo-rg', name: 'new-aks' }] });
    const second = await lab.startCluster('new-aks');
    // What AKS brings with the feature; the webhook itself is not called here.
    const webhook = await lab.object<{ metadata: object; webhooks: object }>(
      'mutatingwebhookconfiguration/azure-wi-webhook-mutating-webhook-configuration',
    );
    const there = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' };
    const metadata = { name: 'azure-wi-webhook-mutating-webhook-configuration' };
    await lab.kubectl('apply -f -', JSON.stringify({ ...there, metadata, webhooks: webhook?.webhooks }), second);
    const at = `--cluster new-aks --resource-group demo-rg --subscription ${place.subscriptionId}`;
    const ran = await lab.aksSecrets(`init ${wanted('moved')} ${at} ${ALL} --rebind`, { bare: true });
    const identities = Object.values(place.slice.identities).filter(({ resource }) =>
      resource.name.startsWith('moved-'),
    );
    const proven = await diagnose(lab, wanted('moved'));
    enter(
      {
        ...{ program, version, case: 'the same workload on a second cluster, --rebind' },
        expected: 'one identity, two credentials, and both clusters come in',
        seen: `exit ${ran.code}; ${identities.length} identity, ${Object.keys(identities[0]?.credentials ?? {}).length} credentials`,
        verify: `on the first: ${proven.line}`,
      },
      ran.code === 0 &&
        identities.length === 1 &&
        Object.keys(identities[0]!.credentials).length === 2 &&
        proven.first === 'well',
    );
  });

  it('is enough to be the admin of one namespace', async () => {
    const name = 'narrow';
    const rbac = 'rbac.authorization.k8s.io';
    await lab.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'team', namespace: name } },
      {
        ...{ apiVersion: `${rbac}/v1`, kind: 'RoleBinding', metadata: { name: 'team', namespace: name } },
        roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'team', namespace: name }],
      },
    );
    const { out: token } = await lab.kubectl(`create token team -n ${name}`);
    const { server } = lab.plane;
    const file = join(lab.folder, 'team.kubeconfig');
    writeFileSync(file, kubeconfigOf({ server, ca: lab.sandbox.parts.access.ca, token: token.trim() }), {
      mode: 0o600,
    });
    const ran = await lab.aksSecrets(`init ${wanted(name)} ${ALL} --kubeconfig ${file}`);
    enter(
      {
        ...{ program, version, case: 'init by the admin of one namespace, who sees nothing beyond' },
        expected: 'cluster-wide objects are not seen, and the secret is proven',
        seen: `exit ${ran.code}; ${told(ran)}`,
      },
      ran.code === 0,
    );
  });
});
