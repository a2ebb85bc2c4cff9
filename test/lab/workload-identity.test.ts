import { beforeAll, describe, expect, it } from 'vitest';
import { programNamed } from './build/programs.ts';
import { scaleWebhook } from './harness/addons/webhook.ts';
import { disableSecret, identityOf, takeRoles, trustOtherwise, type Undo } from './harness/azure.ts';
import { diagnose } from './harness/diagnosis.ts';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { startNodeAgent } from './harness/node-agent/index.ts';
import { LAB } from './harness/place.ts';
import { until } from './harness/processes.ts';
import { enter } from './harness/table.ts';

const NAMESPACE = 'wi';
const ACCOUNT = 'reader';
const APP = 'reader-app';
const SECRET = 'wi-password';
const WANTED = `--method workload-identity --vault demo-kv --workload ${ACCOUNT} --namespace ${NAMESPACE} --secret ${SECRET}`;
const PREFIX = 'azure.workload.identity/';

interface Identity extends Awaited<ReturnType<typeof identityOf>> {}

/** Something that is wrong, what the pod then says, and what `verify` must make of it. */
interface Wrong {
  readonly title: string;
  readonly breaks: (lab: Lab, identity: Identity) => Promise<Undo>;
  readonly says: RegExp;
  readonly failure: string;
}

const done = async (lab: Lab, words: string): Promise<void> => {
  const { code, err } = await lab.kubectl(words);
  if (code !== 0) throw new Error(`kubectl ${words}: ${err}`);
};

/** An annotation of the account; `null` takes it away. */
async function annotate(lab: Lab, key: string, value: string | null): Promise<Undo> {
  const before = (await lab.object<Live>(`serviceaccount/${ACCOUNT} -n ${NAMESPACE}`))?.metadata.annotations?.[key];
  const set = (to: string | null | undefined) =>
    done(
      lab,
      to === null || to === undefined
        ? `annotate serviceaccount ${ACCOUNT} -n ${NAMESPACE} ${key}-`
        : `annotate serviceaccount ${ACCOUNT} -n ${NAMESPACE} --overwrite ${key}=${to}`,
    );
  await set(value);
  return () => set(before);
}

/** The label of the pods' template. */
const label = (lab: Lab, value: string | null) =>
  done(
    lab,
    `patch deployment ${APP} -n ${NAMESPACE} --type=merge -p '${JSON.stringify({ spec: { template: { metadata: { labels: { [`${PREFIX}use`]: value } } } } })}'`,
  );

const WRONG: readonly Wrong[] = [
  {
    title: 'the label is on the service account, and not on the pod',
    async breaks(lab) {
      await done(lab, `label serviceaccount ${ACCOUNT} -n ${NAMESPACE} ${PREFIX}use=true`);
      await label(lab, null);
      return async () => {
        await label(lab, 'true');
        await done(lab, `label serviceaccount ${ACCOUNT} -n ${NAMESPACE} ${PREFIX}use-`);
      };
    },
    says: /AZURE_AUTHORITY_HOST is not set/,
    failure: 'F025',
  },
  {
    title: 'the service account names no client id',
    breaks: (lab) => annotate(lab, `${PREFIX}client-id`, null),
    says: /AZURE_CLIENT_ID is not set/,
    failure: 'F028',
  },
  {
    title: 'the service account names the principal id instead',
    breaks: (lab, { principalId }) => annotate(lab, `${PREFIX}client-id`, principalId),
    says: /AADSTS700016: Application with identifier '.*' was not found in the directory/,
    failure: 'F055',
  },
  {
    title: 'the service account names a tenant that there is not',
    breaks: (lab) => annotate(lab, `${PREFIX}tenant-id`, '00000000-0000-4000-8000-000000000bad'),
    says: /AADSTS90002: Tenant '.*' not found/,
    failure: 'F056',
  },
  {
    title: 'the credential names another subject',
    breaks: (lab, identity) => trustOtherwise(lab, identity, ({ subject }) => ({ subject: `${subject}-v2` })),
    says: /AADSTS700213: No matching federated identity record found for presented assertion subject/,
    failure: 'F052',
  },
  {
    title: 'the credential names the issuer without its slash',
    breaks: (lab, identity) =>
      trustOtherwise(lab, identity, ({ issuer }) => ({ issuer: String(issuer).replace(/\/$/, '') })),
    says: /AADSTS700211: No matching federated identity record found for presented assertion issuer/,
    failure: 'F050',
  },
  {
    title: 'the credential wants another audience',
    breaks: (lab, identity) =>
      trustOtherwise(lab, identity, () => ({ audiences: ['api://AzureADTokenExchangeUSGov'] })),
    says: /AADSTS700212: No matching federated identity record found for presented assertion audience/,
    failure: 'F051',
  },
  {
    title: 'the identity has no role at the vault',
    breaks: (lab, { principalId }) => takeRoles(lab, principalId),
    says: new RegExp(`failed ${SECRET} 403 ForbiddenByRbac`),
    failure: 'F067',
  },
  {
    title: 'the secret is disabled',
    breaks: (lab) => disableSecret(lab, 'demo-kv', SECRET),
    says: new RegExp(`failed ${SECRET} 403 SecretDisabled`),
    failure: 'F079',
  },
  {
    title: 'the pod sets the path that the token had up to v1.5',
    async breaks(lab) {
      const file = 'AZURE_FEDERATED_TOKEN_FILE';
      const set = (value: string) => done(lab, `set env deployment/${APP} -n ${NAMESPACE} ${file}${value}`);
      await set('=/var/run/secrets/azure/tokens/azure-identity-token');
      return () => set('-');
    },
    says: /ENOENT.*\/var\/run\/secrets\/azure\/tokens\/azure-identity-token/,
    failure: 'F042',
  },
  {
    title: 'no pod of the webhook runs',
    async breaks(lab) {
      await scaleWebhook(lab, 0);
      return () => scaleWebhook(lab, 1);
    },
    says: /failed calling webhook "mutation.azure-workload-identity.io".*no endpoints available for service/,
    failure: 'F034',
  },
  {
    title: 'the service account was deleted',
    async breaks(lab) {
      const text = JSON.stringify(await lab.object(`serviceaccount/${ACCOUNT} -n ${NAMESPACE}`));
      const { metadata, ...rest } = JSON.parse(text) as Live;
      await done(lab, `delete serviceaccount ${ACCOUNT} -n ${NAMESPACE}`);
      const { name, labels, annotations } = metadata;
      return () => lab.apply({ ...rest, metadata: { name, namespace: NAMESPACE, labels, annotations } });
    },
    says: /error looking up service account wi\/reader: serviceaccount "reader" not found/,
    failure: 'F033',
  },
];

describe.skipIf(!LAB)('workload identity', () => {
  const { version } = programNamed('webhook');
  const program = 'webhook';
  let lab: Lab;
  let identity: Identity;

  beforeAll(async () => {
    lab = await theLab();
    await startNodeAgent(lab);
    await lab.sandbox.seed('demo-kv', SECRET, 'a value of the lab');
  });

  const logOf = async (app: string) =>
    (await lab.kubectl(`logs -n ${NAMESPACE} -l app.kubernetes.io/name=${app} --tail=-1`)).out.trim();

  it('init deploys a sample that reads its secret by the environment that the webhook gives it', async () => {
    const { code, out, err } = await lab.aksSecrets(
      `init ${WANTED} --sample --yes --allow cluster,irreversible --timeout 90s`,
    );
    expect({ code, said: code ? out + err : '' }).toEqual({ code: 0, said: '' });
    const seen = await logOf(`${ACCOUNT}-sample`);
    const { first, line } = await diagnose(lab, WANTED);
    const { metadata } = (await lab.object(`serviceaccount/${ACCOUNT} -n ${NAMESPACE}`))!;
    identity = await identityOf(lab, metadata.annotations?.[`${PREFIX}client-id`] ?? '');
    enter(
      {
        ...{ program, version, case: 'init with a sample' },
        expected: 'the sample pod, mutated by the webhook, reads its secret; verify finds nothing',
        ...{ seen, verify: line },
      },
      new RegExp(`read ${SECRET} 18 bytes`).test(seen) && first === 'well',
    );
  });

  it('a second init writes nothing', async () => {
    const mark = lab.sandbox.log.mark();
    const version = async () =>
      (await lab.object(`deployment/${ACCOUNT}-sample -n ${NAMESPACE}`))?.metadata.resourceVersion;
    const before = await version();
    const { code } = await lab.aksSecrets(`init ${WANTED} --sample --yes`);
    const writes = lab.sandbox.log.since(mark).filter(({ kind }) => kind === 'write');
    expect({ code, writes, version: await version() }).toEqual({ code: 0, writes: [], version: before });
  });

  describe('what goes wrong', () => {
    beforeAll(async () => {
      // Somebody's own application, that does what the sample does.
      const sample = JSON.parse(
        JSON.stringify(await lab.object(`deployment/${ACCOUNT}-sample -n ${NAMESPACE}`)).replaceAll(
          `"app.kubernetes.io/name":"${ACCOUNT}-sample"`,
          `"app.kubernetes.io/name":"${APP}"`,
        ),
      );
      await lab.apply({
        ...{ apiVersion: 'apps/v1', kind: 'Deployment', spec: sample.spec },
        metadata: { name: APP, namespace: NAMESPACE },
      });
      await until('the application reads', async () => /^read/m.test(await logOf(APP)));
    });

    it.each(WRONG)('$title', async ({ title, breaks, says, failure }) => {
      const undo = await breaks(lab, identity);
      try {
        await done(lab, `delete pods -n ${NAMESPACE} -l app.kubernetes.io/name=${APP} --grace-period=1`);
        const seen = await until(
          `the pod says ${says}`,
          async () => {
            const text = `${await logOf(APP)}\n${await failedCreates()}`;
            return text.split('\n').findLast((line) => says.test(line));
          },
          () => '',
          30_000,
        ).catch(async (error: Error) => `${await logOf(APP)} ${error.message}`);
        const found = await diagnose(lab, WANTED);
        enter(
          { program, version, case: title, expected: `${failure}`, seen, verify: found.line },
          says.test(seen) && found.first === failure,
        );
      } finally {
        await undo();
        await done(lab, `delete pods -n ${NAMESPACE} -l app.kubernetes.io/name=${APP} --grace-period=1`);
        await until('the application reads again', async () => /^read/m.test(await logOf(APP)));
      }
    });

    it('and verify finds nothing once it is mended', async () => {
      await done(lab, `rollout status deployment/${APP} -n ${NAMESPACE} --timeout=60s`);
      expect((await diagnose(lab, WANTED)).line).toBe('all well');
    });
  });

  /** Events by which a ReplicaSet says why it makes no pod. */
  async function failedCreates(): Promise<string> {
    const found = await lab.object<{ items: readonly { message: string }[] }>(
      `events -n ${NAMESPACE} --field-selector reason=FailedCreate`,
    );
    return (found?.items ?? []).map(({ message }) => message).join('\n');
  }
});
