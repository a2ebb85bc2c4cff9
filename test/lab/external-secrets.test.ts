import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHART } from '../../src/steps/operator.ts';
import { binary, programNamed } from './build/programs.ts';
import { diagnose } from './harness/diagnosis.ts';
import { type Twin, twinOf, withoutChance } from './harness/external-secrets.ts';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { startNodeAgent } from './harness/node-agent/index.ts';
import { FIRST, type Installed, withOperator } from './harness/operator.ts';
import { LAB } from './harness/place.ts';
import { run, until } from './harness/processes.ts';
import { enter } from './harness/table.ts';

const { namespace: NAMESPACE, name: NAME, secret: SECRET } = FIRST;
const SECOND = 'the second value';
const INIT = 'init --yes --allow cluster,irreversible,install';

describe.skipIf(!LAB)('the External Secrets Operator', () => {
  const { version } = programNamed('operator');
  const program = 'external-secrets';
  let lab: Lab;
  let installed: Installed;

  beforeAll(async () => {
    lab = await theLab();
    await startNodeAgent(lab);
    installed = await withOperator(lab);
  });

  const init = (words: string) => lab.aksSecrets(`${INIT} ${words}`, { env: installed.helm.env });
  const values = async (name: string, namespace = NAMESPACE): Promise<Record<string, string> | undefined> => {
    const found = await lab.object<Live>(`secret/${name} -n ${namespace}`);
    const entries = Object.entries(found?.data ?? {});
    return found && Object.fromEntries(entries.map(([key, text]) => [key, Buffer.from(text, 'base64').toString()]));
  };
  const well = async (words: string) => {
    const { code, out, err } = await init(words);
    expect({ code, said: code ? out + err : '' }).toEqual({ code: 0, said: '' });
    return out;
  };

  describe('is installed by init', () => {
    it('not without helm, which it says before anything else is tried', () => {
      const { code, err } = installed.without;
      const said = /helm is not on this machine: \S+/.exec(err.replaceAll(/\s+/g, ' '))?.[0] ?? '';
      const row = { program: 'helm', version: 'none', case: 'init --allow install without helm' };
      enter({ ...row, expected: 'blocked, with where to get it', seen: said }, code !== 0 && said !== '');
    });

    it('also by a run that follows one that was cut while helm was at work', () => {
      const { cut, whole } = installed;
      enter(
        {
          ...{ program: 'helm', version: programNamed('helm').version, case: 'init cut after 3 s, and run again' },
          expected: 'the first ends with 124, the second brings it to its end',
          seen: `exit ${cut.code}, then exit ${whole.code}: ${told(whole.out)}`,
        },
        cut.code === 124 && whole.code === 0,
      );
    });

    it('with the chart of its makers, whose Deployments then run', async () => {
      const { items = [] } = (await lab.object<{ items: readonly Live[] }>(`deployments -n ${CHART.namespace}`)) ?? {};
      const ready = items.map(({ metadata, status }) => `${metadata.name} ${status?.availableReplicas}`);
      enter(
        {
          ...{ program, version, case: 'what the chart deploys' },
          expected: 'operator, webhook and cert-controller, each by its own account and roles',
          seen: ready.join(', '),
        },
        ready.length === 3 && ready.every((each) => each.endsWith(' 1')),
      );
    });

    it('as a release that helm knows', async () => {
      const { out } = await run(binary('helm'), ['list', '--namespace', CHART.namespace, '--output', 'json'], {
        env: { KUBECONFIG: `${lab.folder}/${lab.plane.address}.kubeconfig`, HOME: lab.folder },
      });
      const [release] = JSON.parse(out) as { name: string; status: string; chart: string }[];
      enter(
        {
          ...{ program: 'helm', version: programNamed('helm').version, case: 'helm list' },
          expected: 'the release that init installed',
          seen: `${release?.name} ${release?.chart} ${release?.status}`,
        },
        /^external-secrets external-secrets-[\d.]+ (deployed|pending-install)$/,
      );
    });
  });

  it('fills the Secret from what init made, and verify finds nothing', async () => {
    const seen = await values(NAME);
    const { first, line } = await diagnose(lab, FIRST.wanted);
    enter(
      {
        ...{ program, version, case: 'SecretStore and ExternalSecret of init' },
        expected: 'the Secret has the value of the vault',
        seen: Object.entries(seen ?? {})
          .map(([key, value]) => `${key}: ${value.length} bytes`)
          .join(),
        verify: line,
      },
      seen?.[SECRET] === FIRST.value && first === 'well',
    );
  });

  it('is left alone by a second init, which writes nothing', async () => {
    const versions = async () =>
      (await lab.object<{ items: readonly Live[] }>(`externalsecret,secretstore,serviceaccount -n ${NAMESPACE}`))?.items
        .map(({ metadata }) => `${metadata.name} ${metadata.uid}`)
        .join();
    const before = { versions: await versions(), asked: installed.helm.repository.asked.length };
    const mark = lab.sandbox.log.mark();
    const out = await well(FIRST.wanted);
    const writes = lab.sandbox.log.since(mark).filter(({ kind }) => kind === 'write').length;
    const asked = installed.helm.repository.asked.length;
    enter(
      {
        ...{ program, version, case: 'a second init' },
        expected: 'writes nothing, installs nothing',
        seen: `${told(out)}; ${writes} writes in Azure, ${asked - before.asked} requests for the chart`,
      },
      writes === 0 && asked === before.asked && (await versions()) === before.versions && !out.includes('created'),
    );
  });

  it('brings a new version within the interval that was asked for', async () => {
    await lab.sandbox.seed('demo-kv', SECRET, SECOND);
    const begun = Date.now();
    await until('the new value is there', async () => (await values(NAME))?.[SECRET] === SECOND);
    const seconds = Math.ceil((Date.now() - begun) / 1000);
    enter(
      {
        ...{ program, version, case: 'a new version, --rotation-interval 5s' },
        expected: 'the Secret follows by itself',
        seen: `after ${seconds} s`,
      },
      seconds <= 20,
    );
  });

  it('finds secrets by their names', async () => {
    for (const each of ['one', 'two']) await lab.sandbox.seed('demo-kv', `lab-find-${each}`, `value ${each}`);
    const words = `--method external-secrets --vault demo-kv --workload finder --namespace ${NAMESPACE} --secret ${SECRET} --find ^lab-find-`;
    await well(words);
    const seen = await values('finder');
    const { line, first } = await diagnose(lab, words);
    enter(
      {
        ...{ program, version, case: '--find ^lab-find-' },
        expected: 'every secret that matches, besides the one named',
        ...{ seen: Object.keys(seen ?? {}).join(', '), verify: line },
      },
      first === 'well' &&
        seen?.['lab-find-one'] === 'value one' &&
        seen['lab-find-two'] === 'value two' &&
        seen[SECRET] !== undefined,
    );
  });

  it('brings keys and certificates in the form that the sandbox says', async () => {
    await lab.sandbox.give('demo-kv', 'key', 'lab-key');
    await lab.sandbox.give('demo-kv', 'certificate', 'lab-cert');
    const words = `--method external-secrets --vault demo-kv --workload keys --namespace ${NAMESPACE} --key lab-key --certificate lab-cert`;
    await well(words);
    const formOf = (data: Record<string, string> | undefined) => ({
      key: Object.keys(JSON.parse(data?.['lab-key'] ?? '{}')).sort(),
      certificate: Buffer.from(data?.['lab-cert'] ?? '', 'latin1')
        .toString('latin1')
        .slice(0, 1),
    });
    const found = await lab.object<Live>(`secret/keys -n ${NAMESPACE}`);
    const real = formOf(decoded(found));
    const twin = await twinOf({
      namespace: NAMESPACE,
      name: 'keys',
      init: `${INIT} ${words}`,
      secrets: {},
      gives: true,
    });
    try {
      const simulated = await twin.ask<Live>('GET', `/api/v1/namespaces/${NAMESPACE}/secrets/keys`);
      expect(formOf(decoded(simulated))).toEqual(real);
    } finally {
      await twin.close();
    }
    enter(
      {
        ...{ program, version, case: 'a key and a certificate' },
        expected: 'the key as JWK, the certificate as DER',
        seen: `JWK of ${real.key}; first byte 0x${Buffer.from(real.certificate, 'latin1').toString('hex')}`,
      },
      real.certificate === '\u0030',
    );
  });

  it('fills the Secret that a sample pod reads', async () => {
    const words = `--method external-secrets --vault demo-kv --workload sampled --namespace ${NAMESPACE} --secret ${SECRET} --sample`;
    await well(`${words} --timeout 90s`);
    const { out } = await lab.kubectl(`logs -n ${NAMESPACE} deployment/sampled-sample`);
    const { line, first } = await diagnose(lab, words.replace(' --sample', ''));
    enter(
      {
        ...{ program, version, case: 'a sample pod' },
        expected: 'reads the file from the Secret; verify finds nothing',
        ...{ seen: out.trim(), verify: line },
      },
      /read eso-password \d+ bytes/.test(out) && first === 'well',
    );
  });

  describe('does as the simulated one', () => {
    let twin: Twin;
    beforeAll(async () => {
      twin = await twinOf({
        ...{ namespace: NAMESPACE, name: NAME, init: `${INIT} ${FIRST.wanted}` },
        secrets: { [SECRET]: SECOND },
      });
    });
    afterAll(() => twin?.close());

    it('and leaves objects that are the same to the last field', async () => {
      const path = (kind: string) => `/apis/external-secrets.io/v1/namespaces/${NAMESPACE}/${kind}/${NAME}`;
      const simulated = await Promise.all([
        twin.ask<Live>('GET', path('secretstores')),
        twin.ask<Live>('GET', path('externalsecrets')),
        twin.ask<Live>('GET', `/api/v1/namespaces/${NAMESPACE}/secrets/${NAME}`),
      ]);
      const kinds = ['secretstore', 'externalsecret', 'secret'];
      const real = await Promise.all(
        kinds.map((kind) => lab.object<Live>(`${kind}/${NAME} -n ${NAMESPACE} --show-managed-fields`)),
      );
      expect(simulated.map(lasting)).toEqual(real.map(lasting));
      enter(
        {
          ...{ program, version, case: 'SecretStore, ExternalSecret and Secret after a sync' },
          expected: 'field by field as the simulated operator leaves them',
          seen: `${JSON.stringify(real[2]?.metadata.labels)} ${JSON.stringify(real[1]?.status?.binding)}`,
        },
        true,
      );
    });

    it.each<[string, object]>([
      ['a namespace', { serviceAccountRef: { name: NAME, namespace: 'other' } }],
      ['Azure Stack without its end points', { environmentType: 'AzureStackCloud', useAzureSDK: true }],
      ['an unknown authType', { authType: 'Workload' }],
      ['no vault', { vaultUrl: null }],
      ['a field that there is not', { vaultURL: 'https://x.vault.azure.net' }],
    ])('when its webhook or its schema denies a store with %s', async (title, change) => {
      const patch = JSON.stringify({ spec: { provider: { azurekv: change } } });
      const { code, err } = await lab.kubectl(
        `patch secretstore ${NAME} -n ${NAMESPACE} --type=merge --dry-run=server -p '${patch}'`,
      );
      const path = `/apis/external-secrets.io/v1/namespaces/${NAMESPACE}/secretstores/${NAME}`;
      const simulated = await twin
        .ask('PATCH', `${path}?dryRun=All`, JSON.parse(patch), 'application/merge-patch+json')
        .then(
          () => '',
          (error: Error) =>
            (JSON.parse(error.message.slice(error.message.indexOf('{'))) as { message: string }).message,
        );
      const seen =
        code === 0 ? '' : err.replace(/^(Error from server( \([^)]*\))?: |The SecretStore.*?is invalid: )/, '').trim();
      enter(
        {
          ...{ program, version, case: `its webhook and schema: ${title}` },
          expected: simulated || 'taken',
          seen: seen || 'taken',
        },
        simulated.includes(seen),
      );
    });
  });

  it('goes on without what destroy takes away, and stays itself', async () => {
    const { code, out } = await lab.aksSecrets(`destroy ${FIRST.wanted} --yes`);
    const left = await Promise.all(
      ['externalsecret', 'secretstore', 'secret', 'serviceaccount'].map(async (kind) =>
        (await lab.object(`${kind}/${NAME} -n ${NAMESPACE}`)) ? kind : undefined,
      ),
    );
    const operator = await lab.object(`deployment/external-secrets -n ${CHART.namespace}`);
    enter(
      {
        ...{ program, version, case: 'destroy' },
        expected: 'takes store, ExternalSecret, account and with them the Secret; leaves the operator',
        seen: `${told(out)}; left: ${left.filter(Boolean).join() || 'nothing'}, operator ${operator ? 'there' : 'gone'}`,
      },
      code === 0 && left.every((each) => each === undefined) && operator !== undefined,
    );
  });
});

/** What a run counts: `3 created, 4 as wanted.` */
const told = (text: string): string => /^.*\b(?:as wanted|created|removed)\b.*\.$/m.exec(text)?.[0] ?? '';

/** Defaults that the definition of 0.20 writes out, and that of 2.9, which the sandbox has, does not. */
const WRITTEN_OUT = ['conversionStrategy', 'decodingStrategy', 'metadataPolicy'];

/** An object without what chance and time give it. */
function lasting(object: Live | undefined): unknown {
  const { metadata, data, ...rest } = JSON.parse(withoutChance(JSON.stringify(object)), (key, value) =>
    WRITTEN_OUT.includes(key) ? undefined : value,
  ) as Live;
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _at,
    managedFields,
    ...own
  } = metadata as Live['metadata'] & {
    readonly creationTimestamp: string;
    readonly managedFields: readonly {
      readonly manager: string;
      readonly operation: string;
      readonly subresource?: string;
    }[];
  };
  const managers = managedFields.map(
    ({ manager, operation, subresource = '' }) => `${manager} ${operation} ${subresource}`,
  );
  return { ...rest, data, metadata: own, managers: managers.sort() };
}

/** A byte for each character. */
const decoded = (found: Live | undefined): Record<string, string> =>
  Object.fromEntries(
    Object.entries(found?.data ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64').toString('latin1')]),
  );
