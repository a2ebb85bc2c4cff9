import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programNamed } from './build/programs.ts';
import { disableSecret, identityOf, takeRoles, trustOtherwise, type Undo, vault } from './harness/azure.ts';
import { resend } from './harness/dapr.ts';
import { diagnose } from './harness/diagnosis.ts';
import { registered } from './harness/features.ts';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { startNodeAgent } from './harness/node-agent/index.ts';
import { LAB } from './harness/place.ts';
import { until } from './harness/processes.ts';
import { enter } from './harness/table.ts';

const NAMESPACE = 'dapr-shop';
const APP = 'orders';
const SECRET = 'dapr-password';
const VALUE = 'a value of the lab';
const WANTED = `--method dapr --vault demo-kv --workload ${APP} --namespace ${NAMESPACE} --secret ${SECRET}`;
const CLIENT_ID = 'azure.workload.identity/client-id';
const TENANT_ID = 'azure.workload.identity/tenant-id';

interface Identity extends Awaited<ReturnType<typeof identityOf>> {}
interface Item {
  readonly name: string;
  readonly value: string;
}
interface Component extends Live {
  readonly spec: { readonly metadata: readonly Item[] };
  readonly scopes: readonly string[];
}
interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Wrong {
  readonly title: string;
  readonly breaks: (of: { readonly lab: Lab; readonly identity: Identity }) => Promise<Undo>;
  /** The sidecar's answer or, where it does not start, what it ends with. */
  readonly says: RegExp;
  /** What `verify` must make of it; absent where nothing is wrong. */
  readonly failure?: string;
}

const done = async (lab: Lab, words: string): Promise<void> => {
  const { code, err } = await lab.kubectl(words);
  if (code !== 0) throw new Error(`kubectl ${words}: ${err}`);
};

/** An annotation of the account; `null` takes it away. */
async function annotate(lab: Lab, key: string, value: string | null): Promise<Undo> {
  const before = (await lab.object<Live>(`serviceaccount/${APP} -n ${NAMESPACE}`))?.metadata.annotations?.[key];
  const set = (to: string | null | undefined) =>
    done(lab, `annotate serviceaccount ${APP} -n ${NAMESPACE} --overwrite ${key}${to ? `=${to}` : '-'}`);
  await set(value);
  return () => set(before);
}

/** Changes the component as somebody would by hand. */
async function compose(lab: Lab, change: (component: Component) => object): Promise<Undo> {
  const component = (await lab.object<Component>(`component/${APP} -n ${NAMESPACE}`))!;
  const patch = (to: object) =>
    done(lab, `patch component ${APP} -n ${NAMESPACE} --type=merge -p '${JSON.stringify(to)}'`);
  await patch(change(component));
  return () => patch({ spec: component.spec, scopes: component.scopes });
}

/** Items of its metadata, set or added. */
const metadata = (lab: Lab, name: string, value: string): Promise<Undo> =>
  compose(lab, ({ spec }) => ({
    spec: { metadata: [...spec.metadata.filter((each) => each.name !== name), { name, value }] },
  }));

const templated = (lab: Lab, to: object) =>
  done(
    lab,
    `patch deployment ${APP} -n ${NAMESPACE} --type=merge -p '${JSON.stringify({ spec: { template: { metadata: to } } })}'`,
  );

const WRONG: readonly Wrong[] = [
  {
    title: 'the credential names another subject',
    breaks: ({ lab, identity }) => trustOtherwise(lab, identity, ({ subject }) => ({ subject: `${subject}-v2` })),
    says: /^500 ERR_SECRET_GET .*AADSTS700213: No matching federated identity record found/s,
    failure: 'F052',
  },
  {
    title: 'the credential names the issuer without its slash',
    breaks: ({ lab, identity }) =>
      trustOtherwise(lab, identity, ({ issuer }) => ({ issuer: String(issuer).replace(/\/$/, '') })),
    says: /^500 ERR_SECRET_GET .*AADSTS700211: No matching federated identity record found/s,
    failure: 'F050',
  },
  {
    title: 'the identity has no role at the vault',
    breaks: ({ lab, identity }) => takeRoles(lab, identity.principalId),
    says: /^500 ERR_SECRET_GET .*403.*ForbiddenByRbac/s,
    failure: 'F067',
  },
  {
    title: 'the service account names a tenant that there is not',
    breaks: ({ lab }) => annotate(lab, TENANT_ID, '00000000-0000-4000-8000-000000000bad'),
    says: /^500 ERR_SECRET_GET .*AADSTS90002/s,
    failure: 'F056',
  },
  {
    title: 'the service account names the principal id instead',
    breaks: ({ lab, identity }) => annotate(lab, CLIENT_ID, identity.principalId),
    says: /^500 ERR_SECRET_GET .*AADSTS700016/s,
    failure: 'F055',
  },
  {
    title: 'the secret is disabled',
    breaks: ({ lab }) => disableSecret(lab, 'demo-kv', SECRET),
    says: /^500 ERR_SECRET_GET .*403.*SecretDisabled/s,
    failure: 'F079',
  },
  {
    title: 'the secret was deleted',
    async breaks({ lab }) {
      await vault(lab, 'demo-kv', 'DELETE', `/secrets/${SECRET}`);
      return async () => void (await vault(lab, 'demo-kv', 'POST', `/deletedsecrets/${SECRET}/recover`));
    },
    says: /^500 ERR_SECRET_GET .*404.*SecretNotFound/s,
    failure: 'F077',
  },
  {
    title: 'the component names a vault that there is not',
    breaks: ({ lab }) => metadata(lab, 'vaultName', 'nobody-has-it-kv'),
    says: /^500 ERR_SECRET_GET .*(?:no such host|lookup nobody-has-it-kv.vault.azure.net)/s,
    failure: 'F075',
  },
  {
    title: "the component's scopes leave the application out",
    breaks: ({ lab }) => compose(lab, () => ({ scopes: ['somebody-else'] })),
    says: /^(?:500 ERR_SECRET_STORES_NOT_CONFIGURED|401 ERR_SECRET_STORE_NOT_FOUND)/,
    failure: 'F130',
  },
  {
    title: 'the service account names no client id',
    breaks: ({ lab }) => annotate(lab, CLIENT_ID, null),
    says: /no client ID specified/,
    failure: 'F028',
  },
  {
    title: 'the pod does not bear the label',
    async breaks({ lab }) {
      await templated(lab, { labels: { 'azure.workload.identity/use': null } });
      return () => templated(lab, { labels: { 'azure.workload.identity/use': 'true' } });
    },
    says: /no client ID specified/,
    failure: 'F025',
  },
  {
    title: 'the pod names a Configuration that forbids the secret',
    async breaks({ lab }) {
      const scopes = [{ storeName: APP, defaultAccess: 'deny', allowedSecrets: ['another'] }];
      await lab.apply({
        ...{ apiVersion: 'dapr.io/v1alpha1', kind: 'Configuration', metadata: { name: 'tight', namespace: NAMESPACE } },
        spec: { secrets: { scopes } },
      });
      await templated(lab, { annotations: { 'dapr.io/config': 'tight' } });
      return () => templated(lab, { annotations: { 'dapr.io/config': null } });
    },
    says: /^403 ERR_PERMISSION_DENIED access denied by policy to get "dapr-password" from "orders"/,
    failure: 'F132',
  },
  {
    title: 'the component names the client id of another identity, which counts for nothing',
    breaks: ({ lab }) => metadata(lab, 'azureClientId', '00000000-0000-4000-8000-0000000000cc'),
    says: /^200 .*a value of the lab/s,
    failure: 'F135', // a warning
  },
  {
    title: "the component names the vault's whole host",
    breaks: ({ lab }) => metadata(lab, 'vaultName', 'demo-kv.vault.azure.net'),
    says: /^200 .*a value of the lab/s,
  },
];

describe.skipIf(!LAB)('dapr', () => {
  const program = { program: 'daprd', version: programNamed('daprd').version };
  let lab: Lab;
  let identity: Identity;

  beforeAll(async () => {
    lab = await theLab();
    await startNodeAgent(lab);
    registered(lab);
    await lab.sandbox.seed('demo-kv', SECRET, VALUE);
  });

  interface Running {
    readonly name: string;
    readonly port: number;
  }
  /** The pod of now, with the port of its sidecar. */
  const podOf = async (app: string): Promise<Running | undefined> => {
    const found = await lab.object<{ items: readonly (Live & { metadata: { deletionTimestamp?: string } })[] }>(
      `pods -n ${NAMESPACE} -l app.kubernetes.io/name=${app}`,
    );
    const pod = found?.items.find(({ metadata: { deletionTimestamp } }) => !deletionTimestamp);
    const containers = (pod?.spec?.containers ?? []) as readonly { name: string; args?: readonly string[] }[];
    const args = containers.find(({ name }) => name === 'daprd')?.args ?? [];
    const port = Number(args[args.indexOf('--dapr-http-port') + 1]);
    return pod && port ? { name: pod.metadata.name, port } : undefined;
  };
  const ask = async (port: number, path: string): Promise<Answer> => {
    const reply = await fetch(`http://127.0.0.1:${port}/v1.0${path}`, { signal: AbortSignal.timeout(10_000) });
    return { status: reply.status, body: (await reply.json()) as Answer['body'] };
  };
  const wordsOf = ({ status, body }: Answer): string =>
    `${status} ${body.errorCode ? `${body.errorCode} ${body.message}` : JSON.stringify(body)}`;

  /** The application's pod, made anew; what its sidecar says: to a request, or of its end. */
  async function heard(path = `/secrets/${APP}/${SECRET}`): Promise<string> {
    // Down and up again: a pod of the template as it was cannot come in between.
    await done(lab, `scale deployment ${APP} -n ${NAMESPACE} --replicas=0`);
    await done(lab, `delete pods -n ${NAMESPACE} -l app.kubernetes.io/name=${APP} --grace-period=1 --wait=true`);
    await until('the old pod is gone', async () => (await podOf(APP)) === undefined);
    await done(lab, `scale deployment ${APP} -n ${NAMESPACE} --replicas=1`);
    return until('the sidecar says something', async () => {
      const pod = await podOf(APP);
      if (!pod) return undefined;
      const { out } = await lab.kubectl(`logs ${pod.name} -n ${NAMESPACE} -c daprd --tail=-1`);
      const fatal = /level=fatal msg="((?:[^"\\]|\\.)*)"/.exec(out)?.[1];
      return fatal ?? wordsOf(await ask(pod.port, path));
    });
  }

  const ready = () =>
    until('the pod is ready', async () => {
      const found = await lab.object<Live>(`deployment/${APP} -n ${NAMESPACE}`);
      return found?.status?.readyReplicas === 1;
    });

  it('init deploys a sample whose sidecar answers for its secret', async () => {
    const { code, out, err } = await lab.aksSecrets(
      `init ${WANTED} --sample --yes --allow cluster,irreversible,install`,
    );
    expect({ code, said: code ? out + err : '' }).toEqual({ code: 0, said: '' });
    const { out: seen } = await lab.kubectl(`logs -n ${NAMESPACE} -l app.kubernetes.io/name=${APP}-sample -c reader`);
    const { first, line } = await diagnose(lab, WANTED);
    const { metadata } = (await lab.object(`serviceaccount/${APP} -n ${NAMESPACE}`))!;
    identity = await identityOf(lab, metadata.annotations?.[CLIENT_ID] ?? '');
    enter(
      {
        ...{ ...program, case: 'init with a sample' },
        expected:
          'the sample reads its secret from the sidecar, whose identity the webhook gave it; verify finds nothing',
        ...{ seen: seen.trim(), verify: line },
      },
      new RegExp(`read ${SECRET} ${VALUE.length} bytes`).test(seen) && first === 'well',
    );
  });

  it('a second init writes nothing', async () => {
    const mark = lab.sandbox.log.mark();
    const { code } = await lab.aksSecrets(`init ${WANTED} --sample --yes`);
    const writes = lab.sandbox.log.since(mark).filter(({ kind }) => kind === 'write');
    expect({ code, writes }).toEqual({ code: 0, writes: [] });
  });

  describe("somebody's application", () => {
    beforeAll(async () => {
      // Of what is changed from now on, its sidecar knows nothing.
      await done(lab, `delete deployment ${APP}-sample -n ${NAMESPACE}`);
      const labels = { 'app.kubernetes.io/name': APP };
      await lab.apply({
        ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: APP, namespace: NAMESPACE } },
        spec: {
          selector: { matchLabels: labels },
          template: {
            metadata: {
              labels: { ...labels, 'azure.workload.identity/use': 'true' },
              annotations: { 'dapr.io/enabled': 'true', 'dapr.io/app-id': APP },
            },
            spec: {
              serviceAccountName: APP,
              containers: [{ name: 'app', image: 'node:24', command: ['node', '-e', 'setInterval(() => {}, 1e6)'] }],
            },
          },
        },
      });
    });
    afterAll(() => lab.kubectl(`delete deployment ${APP} -n ${NAMESPACE} --wait=false`));

    it('gets the value', async () => {
      const seen = await heard();
      enter(
        { ...program, case: 'GET /v1.0/secrets/{store}/{secret}', expected: `200 {"${SECRET}":"…"}`, seen },
        seen === `200 ${JSON.stringify({ [SECRET]: VALUE })}`,
      );
    });

    it('gets all that the role opens at once', async () => {
      const { port } = (await podOf(APP))!;
      const seen = await ask(port, `/secrets/${APP}/bulk`);
      enter(
        {
          ...{ ...program, case: 'GET /v1.0/secrets/{store}/bulk', expected: 'every enabled secret of the vault' },
          seen: `${seen.status} ${Object.keys(seen.body).join(', ')}`,
        },
        seen.status === 200 && JSON.stringify(seen.body[SECRET]) === JSON.stringify({ [SECRET]: VALUE }),
      );
    });

    it.each([
      ['a secret that there is not', `/secrets/${APP}/nope`, /^500 ERR_SECRET_GET .*404.*SecretNotFound/s],
      ['a store that there is not', '/secrets/nope/x', /^401 ERR_SECRET_STORE_NOT_FOUND failed finding secret store/],
      ['a name that no secret can have', `/secrets/${APP}/no_pe`, /^500 ERR_SECRET_GET .*BadParameter/s],
    ])('asks for %s', async (title, path, says) => {
      const seen = wordsOf(await ask((await podOf(APP))!.port, path));
      enter({ ...program, case: `asked for ${title}`, expected: says.source, seen }, says);
    });

    it('has a component changed under its running sidecar', async () => {
      const { port } = (await podOf(APP))!;
      const undo = await metadata(lab, 'vaultName', 'nobody-has-it-kv');
      try {
        await resend(lab, NAMESPACE, port);
        const changed = await until('the sidecar has it', async () => {
          const answer = await ask(port, `/secrets/${APP}/${SECRET}`);
          return answer.status !== 200 || undefined;
        }).catch(() => false);
        const { line } = await diagnose(lab, WANTED);
        enter(
          {
            ...{ ...program, case: 'a component changed under a running sidecar' },
            expected: 'Dapr 1.18 loads it anew: the sidecar asks the other vault',
            ...{ seen: changed ? 'it asks the other vault' : 'it goes on as it was', verify: line },
          },
          changed,
        );
      } finally {
        await undo();
      }
    });

    it.each(WRONG)('$title', async ({ title, breaks, says, failure }) => {
      const undo = await breaks({ lab, identity });
      try {
        const seen = await heard();
        if (seen.startsWith('200')) await ready();
        const found = await diagnose(lab, WANTED);
        enter(
          { ...program, case: title, expected: failure ?? 'the value, and nothing fails', seen, verify: found.line },
          says.test(seen) && found.first === (failure ?? 'well'),
        );
      } finally {
        await undo();
      }
    });

    it('and all is well once it is mended', async () => {
      expect(await heard()).toMatch(/^200/);
      await ready();
      expect((await diagnose(lab, WANTED)).line).toBe('all well');
    });
  });
});
