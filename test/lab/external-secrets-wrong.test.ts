import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programNamed } from './build/programs.ts';
import { disableSecret, identityOf, takeRoles, trustOtherwise, type Undo } from './harness/azure.ts';
import { diagnose } from './harness/diagnosis.ts';
import {
  anew,
  type Otherwise,
  type Said,
  saidByReal,
  type Twin,
  twinOf,
  withoutChance,
} from './harness/external-secrets.ts';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { withOperator } from './harness/operator.ts';
import { LAB } from './harness/place.ts';
import { until } from './harness/processes.ts';
import { enter } from './harness/table.ts';

const NAMESPACE = 'eso-wrong';
const NAME = 'orders';
const SECRET = 'eso-wrong-password';
const VALUE = 'the value';
const WANTED = `--method external-secrets --vault demo-kv --workload ${NAME} --namespace ${NAMESPACE} --secret ${SECRET}`;
const INIT = `init ${WANTED} --yes --allow cluster,irreversible,install`;
const CLIENT_ID = 'azure.workload.identity/client-id';

type Identity = Awaited<ReturnType<typeof identityOf>>;

/** Something that is wrong, what the operator says of it, and what `verify` must make of that. */
interface Wrong {
  readonly title: string;
  readonly failure: string;
  /** An event of the store or of the ExternalSecret. */
  readonly says: RegExp;
  /** What is wrong elsewhere than in these two. */
  readonly breaks?: (lab: Lab, identity: Identity) => Promise<Undo>;
  /** What is wrong in them. */
  readonly otherwise?: Otherwise;
  /** By `useAzureSDK` it does no harm. */
  readonly wellBySdk?: true;
  /** What its words say by themselves there, where that is another thing. */
  readonly sdkSays?: string;
  /** How the sandbox makes the same: a failure of its catalogue; absent: the same objects. */
  readonly twin?: string;
}

const done = async (lab: Lab, words: string): Promise<void> => {
  const { code, err } = await lab.kubectl(words);
  if (code !== 0) throw new Error(`kubectl ${words}: ${err}`);
};

const OPERATOR_ROLE = 'external-secrets-controller';

/** An ExternalSecret that asks for something else. */
const asks = (remoteRef: object): Otherwise => ({ external: { data: [{ secretKey: SECRET, remoteRef }] } });

const WRONG: readonly Wrong[] = [
  {
    title: 'the credential names another subject',
    breaks: (lab, identity) => trustOtherwise(lab, identity, ({ subject }) => ({ subject: `${subject}-v2` })),
    ...{ failure: 'F052', twin: 'F052', says: /AADSTS700213/ },
  },
  {
    title: 'the credential names the issuer without its slash',
    breaks: (lab, identity) =>
      trustOtherwise(lab, identity, ({ issuer }) => ({ issuer: String(issuer).replace(/\/$/, '') })),
    ...{ failure: 'F050', twin: 'F050', says: /AADSTS700211/ },
  },
  {
    title: 'the credential wants another audience',
    breaks: (lab, identity) =>
      trustOtherwise(lab, identity, () => ({ audiences: ['api://AzureADTokenExchangeUSGov'] })),
    ...{ failure: 'F051', twin: 'F051', says: /AADSTS700212/ },
  },
  {
    title: 'the service account names a client that there is not',
    async breaks(lab, { principalId, properties }) {
      const set = (id: unknown) =>
        done(lab, `annotate serviceaccount ${NAME} -n ${NAMESPACE} --overwrite ${CLIENT_ID}=${id}`);
      await set(principalId);
      return () => set(properties.clientId);
    },
    ...{ failure: 'F055', twin: 'F055', says: /AADSTS700016/ },
  },
  {
    title: 'the service account names no client',
    async breaks(lab, { properties }) {
      await done(lab, `annotate serviceaccount ${NAME} -n ${NAMESPACE} ${CLIENT_ID}-`);
      return () => done(lab, `annotate serviceaccount ${NAME} -n ${NAMESPACE} ${CLIENT_ID}=${properties.clientId}`);
    },
    ...{ failure: 'F114', twin: 'F114', says: /client-id/ },
  },
  {
    title: 'the store names a tenant that there is not',
    otherwise: { azurekv: { tenantId: '00000000-0000-4000-8000-000000000bad' } },
    ...{ failure: 'F056', sdkSays: 'F084', says: /AADSTS90002|isn't configured to acquire tokens for tenant/ },
  },
  {
    title: 'the store names no tenant',
    otherwise: { azurekv: { tenantId: undefined } },
    ...{ failure: 'F115', says: /missing tenantID/ },
  },
  {
    title: 'the store and the service account both name the tenant',
    async breaks(lab) {
      const key = 'azure.workload.identity/tenant-id';
      const { tenantId } = lab.sandbox.parts.state;
      await done(lab, `annotate serviceaccount ${NAME} -n ${NAMESPACE} ${key}=${tenantId}`);
      return () => done(lab, `annotate serviceaccount ${NAME} -n ${NAMESPACE} ${key}-`);
    },
    ...{ failure: 'F116', twin: 'F116', says: /multiple tenantID found/, wellBySdk: true },
  },
  {
    title: 'the store names a service account that is not there',
    otherwise: { azurekv: { serviceAccountRef: { name: 'nobody' } } },
    ...{ failure: 'F033', says: /serviceaccounts? "nobody" not found/i },
  },
  {
    title: 'the operator may not ask for tokens',
    async breaks(lab) {
      interface Role {
        readonly rules: readonly { readonly resources?: readonly string[] }[];
      }
      const role = await lab.object<Role>(`clusterrole/${OPERATOR_ROLE}`);
      const set = (rules: Role['rules']) =>
        done(lab, `patch clusterrole ${OPERATOR_ROLE} --type=merge -p '${JSON.stringify({ rules })}'`);
      await set(role!.rules.filter(({ resources }) => !resources?.includes('serviceaccounts/token')));
      return () => set(role!.rules);
    },
    ...{ failure: 'F119', twin: 'F119', says: /cannot create resource "serviceaccounts\/token"/ },
  },
  {
    title: 'the identity has no role at the vault',
    breaks: (lab, { principalId }) => takeRoles(lab, principalId),
    ...{ failure: 'F067', twin: 'F067', says: /ForbiddenByRbac/ },
  },
  {
    title: 'the secret is disabled',
    breaks: (lab) => disableSecret(lab, 'demo-kv', SECRET),
    ...{ failure: 'F079', twin: 'F079', says: /SecretDisabled/ },
  },
  {
    title: 'the secret is not in the vault',
    otherwise: asks({ key: 'secret/eso-passwort' }),
    ...{ failure: 'F077', says: /Secret does not exist/ },
  },
  {
    title: 'the secret has no such property',
    otherwise: asks({ key: `secret/${SECRET}`, property: 'password' }),
    ...{ failure: 'F125', says: /property password does not exist in key/ },
  },
  {
    title: 'the store names no service account',
    otherwise: { azurekv: { serviceAccountRef: undefined } },
    ...{ failure: 'F117', says: /AZURE_FEDERATED_TOKEN_FILE must be set|no client ID specified/ },
  },
  {
    title: 'the ExternalSecret names a ClusterSecretStore',
    otherwise: { external: { secretStoreRef: { kind: 'ClusterSecretStore', name: NAME } } },
    ...{ failure: 'F122', says: /could not get ClusterSecretStore "orders"/ },
  },
];

describe.skipIf(!LAB)('what the External Secrets Operator says', () => {
  const { version } = programNamed('operator');
  const program = 'external-secrets';
  let lab: Lab;
  let identity: Identity;

  beforeAll(async () => {
    lab = await theLab();
    const { helm } = await withOperator(lab);
    await lab.sandbox.seed('demo-kv', SECRET, VALUE);
    const { code, out, err } = await lab.aksSecrets(INIT, { env: helm.env });
    if (code !== 0) throw new Error(out + err);
    const account = await lab.object(`serviceaccount/${NAME} -n ${NAMESPACE}`);
    identity = await identityOf(lab, account?.metadata.annotations?.[CLIENT_ID] ?? '');
  });

  const secret = async () => {
    const found = await lab.object<Live>(`secret/${NAME} -n ${NAMESPACE}`);
    return found && Buffer.from(found.data?.[SECRET] ?? '', 'base64').toString();
  };

  /** What `explain` makes of what `kubectl describe` prints of both objects. */
  const explain = async () => {
    // One after the other: of several objects at once kubectl shows no events.
    const describe = async (kind: string) => (await lab.kubectl(`describe ${kind} ${NAME} -n ${NAMESPACE}`)).out;
    const text = `${await describe('secretstore')}\n${await describe('externalsecret')}`;
    const { out: said } = await lab.aksSecrets('explain -o json', { stdin: text, bare: true });
    const { matches } = JSON.parse(said) as { matches: readonly { failure: string }[] };
    return matches[0]?.failure ?? 'nothing';
  };

  describe.each([
    { path: 'the default client (go-autorest)', useAzureSDK: false },
    { path: 'useAzureSDK', useAzureSDK: true },
  ])('by $path', ({ path, useAzureSDK }) => {
    let twin: Twin;
    beforeAll(async () => {
      twin = await twinOf({ namespace: NAMESPACE, name: NAME, init: INIT, secrets: { [SECRET]: VALUE } });
    });
    afterAll(() => twin?.close());

    it('when it reads the secret', async () => {
      const mark = lab.sandbox.log.mark();
      await anew(lab, NAMESPACE, NAME, { azurekv: { useAzureSDK } });
      const seen = await until('the Secret is there', secret);
      const asked = lab.sandbox.log.since(mark).filter(({ host }) => host === 'demo-kv.vault.azure.net');
      const last = asked.at(-1);
      const verified = await diagnose(lab, WANTED);
      enter(
        {
          ...{ program, version, case: `${path}: the secret is read` },
          expected: 'the Secret has its value; verify finds nothing',
          seen: `${seen.length} bytes, by ${asked.length} requests: ${last?.path}?${last?.query} of ${last?.userAgent.split(' ')[0]}`,
          verify: verified.line,
        },
        seen === VALUE && verified.first === 'well',
      );
    });

    it.each(WRONG)(
      'when $title',
      async ({ title, failure, says, breaks, otherwise = {}, wellBySdk, sdkSays, twin: id }) => {
        const wrong: Otherwise = { ...otherwise, azurekv: { useAzureSDK, ...otherwise.azurekv } };
        const isWell = useAzureSDK && wellBySdk === true;
        const wanted = isWell ? /^True SecretSynced/ : says;
        const undo = await breaks?.(lab, identity);
        try {
          await anew(lab, NAMESPACE, NAME, wrong);
          const look = () => saidByReal(lab, NAMESPACE, NAME);
          const isTold = ({ store, external }: Said) =>
            external.condition !== '' &&
            [store.event, external.event, external.condition].some((each) => wanted.test(each));
          const said = await until(
            `the operator says ${wanted}`,
            async () => {
              const found = await look();
              // The ExternalSecret may be judged before the store that it does not name.
              return isTold(found) && found.store.condition !== '' && found;
            },
            undefined,
            30_000,
          ).catch(look);
          const verified = await diagnose(lab, WANTED);
          const expected = isWell ? 'well' : failure;
          enter(
            { program, version, case: `${path}: ${title}`, expected, seen: wordsOf(said), verify: verified.line },
            isTold(said) && verified.first === expected,
          );
          const explained = await explain();
          enter(
            {
              ...{ program: 'kubectl', version: programNamed('kubernetes').version },
              case: `describe, ${path}: ${title}`,
              expected: `explain says ${isWell ? 'nothing' : bySdk(useAzureSDK, failure, sdkSays)}`,
              seen: `explain says ${explained}`,
            },
            explained === (isWell ? 'nothing' : bySdk(useAzureSDK, failure, sdkSays)),
          );
          const simulated = await saidByTwin(twin, wrong, id);
          // It writes its conditions and events one after the other; looking again is what one would do.
          await expect.poll(async () => comparable(await look()), { timeout: 20_000 }).toEqual(comparable(simulated));
        } finally {
          await undo?.();
        }
      },
    );

    it('nothing, once all is mended', async () => {
      await anew(lab, NAMESPACE, NAME, { azurekv: { useAzureSDK } });
      await until('the Secret is there', secret);
      expect((await diagnose(lab, WANTED)).line).toBe('all well');
    });
  });
});

/** The same in the sandbox, which is as it was afterwards. */
async function saidByTwin(twin: Twin, wrong: Otherwise, id: string | undefined): Promise<Said> {
  const { sandbox } = twin.story;
  if (id) await sandbox.break(id, { workload: NAME, namespace: NAMESPACE, method: 'external-secrets' });
  try {
    await twin.anew(wrong);
    return await twin.said();
  } finally {
    if (id) await sandbox.mend();
  }
}

const bySdk = (isSdk: boolean, failure: string, other = failure): string => (isSdk ? other : failure);

const comparable = (said: Said): unknown => JSON.parse(withoutChance(JSON.stringify(said)));

const wordsOf = ({ store, external }: Said): string =>
  [`SecretStore ${store.condition}`, store.event, `ExternalSecret ${external.condition}`, external.event]
    .filter((each) => each !== '')
    .join(' | ');
