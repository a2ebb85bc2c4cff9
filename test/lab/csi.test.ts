import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programNamed } from './build/programs.ts';
import { inDriversPlace, WRONG, type Wrong } from './csi-wrong.ts';
import { CSI_DRIVER, isRotating } from './harness/addons/csi.ts';
import { type Identity, identityOf } from './harness/azure.ts';
import { diagnose } from './harness/diagnosis.ts';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { type NodeAgent, startNodeAgent } from './harness/node-agent/index.ts';
import { LAB } from './harness/place.ts';
import { until } from './harness/processes.ts';
import { enter } from './harness/table.ts';
import { brief } from './harness/words.ts';

const NAMESPACE = 'csi';
const ACCOUNT = 'files';
const VAULT = 'lab-csi-kv';
const APP = 'files-app';
const SYNCED = 'files-synced';
const OBJECTS = '--secret csi-password --secret csi-token=TOKEN --key csi-key --certificate csi-cert=tls.crt';
const WANTED = `--method csi --vault ${VAULT} --workload ${ACCOUNT} --namespace ${NAMESPACE} ${OBJECTS} --sync-secret ${SYNCED} --rotation-interval 10s`;
const FILES = ['TOKEN', 'csi-key', 'csi-password', 'tls.crt'];

interface Pod extends Live {
  readonly status: { readonly phase: string; readonly conditions?: readonly { type: string; status: string }[] };
}
interface Listed<T> {
  readonly items: readonly T[];
}
interface Event {
  readonly lastTimestamp: string;
  readonly message: string;
  readonly reason: string;
  readonly involvedObject: { readonly uid: string };
}

const isReady = ({ status }: Pod): boolean =>
  (status.conditions ?? []).some(({ type, status }) => type === 'Ready' && status === 'True');
describe.skipIf(!LAB)('the Secrets Store CSI driver', () => {
  const row = (program: 'csi-driver' | 'csi-provider-azure') => ({ program, version: programNamed(program).version });
  let lab: Lab;
  let agent: NodeAgent;
  let identity: Identity;

  const done = async (words: string) => {
    const { code, out, err } = await lab.kubectl(words);
    if (code !== 0) throw new Error(`kubectl ${words}: ${err}`);
    return out;
  };
  const podsOf = async (app: string) => {
    const found = await lab.object<Listed<Pod>>(`pods -n ${NAMESPACE} -l app.kubernetes.io/name=${app}`);
    return (found?.items ?? []).filter(({ metadata }) => !metadata.deletionTimestamp);
  };
  const ready = (app: string) =>
    until(
      `${app} is ready`,
      async () => (await podsOf(app)).find(isReady),
      () => '',
      30_000,
    );
  const files = async (app: string): Promise<Record<string, string>> => {
    const { metadata } = await ready(app);
    const list =
      'const fs = require("fs"); console.log(JSON.stringify(Object.fromEntries(fs.readdirSync("/mnt/secrets").filter((name) => !name.startsWith("..")).map((name) => [name, fs.readFileSync("/mnt/secrets/" + name, "utf8")]))))';
    const { out, err } = await agent.exec(NAMESPACE, metadata.name, 'reader', ['node', '-e', list]);
    return out ? JSON.parse(out) : { [err]: '' };
  };
  const synced = async (): Promise<Record<string, string> | undefined> => {
    const found = await lab.object<Live>(`secret/${SYNCED} -n ${NAMESPACE}`);
    const data = Object.entries(found?.data ?? {});
    return found && Object.fromEntries(data.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
  };

  beforeAll(async () => {
    lab = await theLab();
    agent = await startNodeAgent(lab);
    await vaultFor(lab);
    await lab.sandbox.seed(VAULT, 'csi-password', 'a value of the lab');
    await lab.sandbox.seed(VAULT, 'csi-token', 'another');
    await lab.sandbox.give(VAULT, 'key', 'csi-key');
    await lab.sandbox.give(VAULT, 'certificate', 'csi-cert');
  });

  it('init deploys a sample that reads the files which driver and provider mount', async () => {
    const { code, out, err } = await lab.aksSecrets(`init ${WANTED} --sample --yes --allow cluster,irreversible`);
    expect({ code, said: code ? out + err : '' }).toEqual({ code: 0, said: '' });
    await until('the driver rotates as wanted', () => isRotating(lab, '10s'));
    const seen = await files(`${ACCOUNT}-sample`);
    const { first, line } = await diagnose(lab, WANTED);
    const right =
      seen['csi-password'] === 'a value of the lab' &&
      seen.TOKEN === 'another' &&
      seen['csi-key']?.startsWith('-----BEGIN PUBLIC KEY-----') === true &&
      seen['tls.crt']?.startsWith('-----BEGIN CERTIFICATE-----') === true;
    enter(
      {
        ...{ ...row('csi-provider-azure'), case: 'init with a sample: two secrets, a key, a certificate, two aliases' },
        expected: 'four files with their contents; verify finds nothing',
        ...{ seen: `${Object.keys(seen).sort().join(', ')}; contents ${right ? 'right' : 'wrong'}`, verify: line },
      },
      right && Object.keys(seen).sort().join() === FILES.join() && first === 'well',
    );
  });

  it('the driver keeps what it has mounted, and the kubelet gave it a token of the pod', async () => {
    const { metadata } = await ready(`${ACCOUNT}-sample`);
    const kept = await lab.object<Live & { status: { objects: readonly { id: string }[]; mounted: boolean } }>(
      `secretproviderclasspodstatus/${metadata.name}-${NAMESPACE}-${ACCOUNT} -n ${NAMESPACE}`,
    );
    const ids = kept?.status.objects.map(({ id }) => id).join(', ') ?? 'nothing';
    enter(
      {
        ...row('csi-driver'),
        case: 'SecretProviderClassPodStatus',
        expected: 'mounted, an entry for each object',
        seen: ids,
      },
      kept?.status.mounted === true && ids === 'cert/csi-cert, key/csi-key, secret/csi-password, secret/csi-token',
    );
  });

  it('--sync-secret: the same values are in a Secret, which its ReplicaSet holds', async () => {
    const found = await until('the Secret has its owner', async () => {
      const secret = await lab.object<Live>(`secret/${SYNCED} -n ${NAMESPACE}`);
      const { ownerReferences } = (secret?.metadata ?? {}) as { ownerReferences?: readonly { kind: string }[] };
      return ownerReferences && { data: await synced(), owner: ownerReferences[0]?.kind };
    });
    const mounted = await files(`${ACCOUNT}-sample`);
    const same = FILES.every((name) => found.data?.[name] === mounted[name]);
    enter(
      {
        ...{ ...row('csi-driver'), case: '--sync-secret' },
        expected: 'a Secret with the same values, owned by the ReplicaSet',
        seen: `${Object.keys(found.data ?? {}).join(', ')}; ${same ? 'the same' : 'other'} values; owned by a ${found.owner}`,
      },
      same && found.owner === 'ReplicaSet',
    );
  });

  it('a second init writes nothing', async () => {
    const mark = lab.sandbox.log.mark();
    const versions = async () =>
      Promise.all(
        ['deployment/files-sample', 'secretproviderclass/files', 'serviceaccount/files', 'configmap/files-sample'].map(
          async (words) => (await lab.object(`${words} -n ${NAMESPACE}`))?.metadata.resourceVersion,
        ),
      );
    const before = await versions();
    const { code } = await lab.aksSecrets(`init ${WANTED} --sample --yes`);
    const writes = lab.sandbox.log.since(mark).filter(({ kind }) => kind === 'write');
    expect({ code, writes, versions: await versions() }).toEqual({ code: 0, writes: [], versions: before });
  });

  it('a new version of a secret reaches file, record and Secret while the pod runs', async () => {
    const before = await ready(`${ACCOUNT}-sample`);
    const begun = Date.now();
    await lab.sandbox.seed(VAULT, 'csi-token', 'a newer one');
    const early = await diagnose(lab, WANTED);
    await until('the file is new', async () => (await files(`${ACCOUNT}-sample`)).TOKEN === 'a newer one');
    const seconds = Math.round((Date.now() - begun) / 1000);
    await until('the Secret is new', async () => (await synced())?.TOKEN === 'a newer one');
    const after = await ready(`${ACCOUNT}-sample`);
    const { line, first } = await diagnose(lab, WANTED);
    const told = early.report.checks.find(({ id }) => id === 'AKS-CSI-FRESH');
    enter(
      {
        ...{ ...row('csi-driver'), case: 'rotation every 10 s' },
        expected: 'new in file and Secret, in the same pod; verify: on its way, then well',
        seen: `new in both after ${seconds} s, ${before.metadata.uid === after.metadata.uid ? 'the same pod' : 'another pod'}`,
        verify: `${told?.verdict}: ${told?.observed}; then ${line}`,
      },
      before.metadata.uid === after.metadata.uid && seconds < 30 && told?.verdict === 'unknown' && first === 'well',
    );
  });

  it('the Secret stays as long as its ReplicaSet, also without pods', async () => {
    await done(`scale deployment/${ACCOUNT}-sample -n ${NAMESPACE} --replicas=0`);
    await until('no pod is left', async () => (await podsOf(`${ACCOUNT}-sample`)).length === 0);
    await until('its record is gone', async () => {
      const found = await lab.object<Listed<Live>>(`secretproviderclasspodstatus -n ${NAMESPACE}`);
      return found?.items.length === 0;
    });
    const seen = (await synced()) ? 'the Secret is there' : 'the Secret is gone';
    await done(`scale deployment/${ACCOUNT}-sample -n ${NAMESPACE} --replicas=1`);
    await ready(`${ACCOUNT}-sample`);
    enter(
      {
        ...row('csi-driver'),
        case: 'the last pod goes, its ReplicaSet stays',
        expected: 'as the simulated one: it stays',
        seen,
      },
      /is there/,
    );
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
      await ready(APP);
      const { spec } = (await lab.object<{ spec: { parameters: { clientID: string } } } & Live>(
        `secretproviderclass/${ACCOUNT} -n ${NAMESPACE}`,
      ))!;
      identity = await identityOf(lab, spec.parameters.clientID);
    });

    it.each(WRONG)('$title', async (wrong) => {
      const place = inDriversPlace(lab, {
        namespace: NAMESPACE,
        account: ACCOUNT,
        app: APP,
        vault: VAULT,
        wanted: WANTED,
        identity,
      });
      const undo = await wrong.breaks(place);
      try {
        const seen = await saidOf(wrong);
        const found = await diagnose(lab, WANTED);
        const program = wrong.by ?? 'csi-provider-azure';
        enter(
          {
            ...row(program),
            case: wrong.title,
            expected: wrong.failure,
            seen: brief(seen),
            verify: found.line,
          },
          wrong.says.test(seen) && found.first === wrong.failure,
        );
      } finally {
        await undo();
        await anew();
        await ready(APP);
      }
    });

    it('and verify finds nothing once it is mended', async () => {
      expect((await diagnose(lab, WANTED)).line).toBe('all well');
    });

    /** Without a driver a pod cannot end, so nobody waits for that. */
    const anew = () =>
      done(`delete pods -n ${NAMESPACE} -l app.kubernetes.io/name=${APP} --grace-period=1 --wait=false`);

    /** What the cluster says of a pod that was made after it broke; or of one that ran before. */
    async function saidOf({ says, running }: Wrong): Promise<string> {
      if (!running) await anew();
      let last = 'nothing';
      await until(
        `an event says ${says}`,
        async () => {
          const uids = (await podsOf(APP)).map(({ metadata }) => metadata.uid);
          const found = await lab.object<Listed<Event>>(`events -n ${NAMESPACE}`);
          const said = (found?.items ?? [])
            .filter(({ involvedObject, reason }) => uids.includes(involvedObject.uid) && /^Failed/.test(reason))
            .sort((a, b) => (a.lastTimestamp < b.lastTimestamp ? -1 : 1));
          last = said.at(-1)?.message ?? last;
          return said.some(({ message }) => says.test(message));
        },
        () => '',
        20_000,
      ).catch(() => {});
      return last;
    }
  });

  it('verify --probe looks from within: a Job of the real controllers mounts the same', async () => {
    const { first, line, report } = await diagnose(lab, `${WANTED} --probe`);
    const probe = report.checks
      .filter(({ id }) => /PROBE/.test(id))
      .map(({ title, observed }) => `${title}: ${observed}`);
    const left = await done(`get jobs,pods -n ${NAMESPACE} -l app.kubernetes.io/name=aks-secrets-probe -o name`);
    enter(
      {
        ...{ ...row('csi-driver'), case: 'verify --probe' },
        expected: 'a Job that mounts and reads, and nothing of it is left',
        ...{ seen: `${probe.join('; ') || 'no probe'}${left ? `; left: ${left}` : ''}`, verify: line },
      },
      first === 'well' && probe.length > 0 && left === '',
    );
  });

  it('destroy takes away what init made, and the cluster keeps the driver', async () => {
    // For up to five seconds after each of its writes the driver leaves the Secret to nobody.
    await until('the Secret has its owner', async () => {
      const secret = await lab.object<Live>(`secret/${SYNCED} -n ${NAMESPACE}`);
      return 'ownerReferences' in (secret?.metadata ?? {});
    });
    await done(`delete deployment ${APP} -n ${NAMESPACE} --ignore-not-found`);
    const { code, out, err } = await lab.aksSecrets(`destroy ${WANTED} --sample --yes`);
    expect({ code, said: code ? out + err : '' }).toEqual({ code: 0, said: '' });
    const kinds = 'deployment,pods,secretproviderclass,secretproviderclasspodstatus,secret,serviceaccount';
    let left = '';
    await until('all is gone', async () => {
      left = await done(`get ${kinds} -n ${NAMESPACE} -o name`).catch(() => '');
      return !/files/.test(left);
    }).catch(() => {});
    const driver = await lab.object(`csidriver/${CSI_DRIVER}`);
    enter(
      {
        ...{ ...row('csi-driver'), case: 'destroy' },
        expected: 'class, account, sample and synchronized Secret are gone; the driver stays',
        seen: `left: ${left.trim().split('\n').join(', ') || 'nothing'}; the driver is ${driver ? 'there' : 'gone'}`,
      },
      /^\s*(?:serviceaccount\/default\s*)?$/.test(left) && driver !== undefined,
    );
  });

  afterAll(async () => {
    await lab?.kubectl(`delete namespace ${NAMESPACE} --wait=false --ignore-not-found`);
  });
});

/** A vault of these cases' own, whose keys and certificates the pipeline may look at, and whose secrets its owner may change. */
async function vaultFor(lab: Lab): Promise<void> {
  const { subscriptionId } = lab.sandbox.place;
  const id = `/subscriptions/${subscriptionId}/resourceGroups/demo-rg/providers/Microsoft.KeyVault/vaults/${VAULT}`;
  const put = async (path: string, body: object) => {
    const { status, body: said } = await lab.arm('PUT', path, body);
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(said)}`);
  };
  await put(`${id}?api-version=2026-02-01`, {
    location: 'westeurope',
    properties: {
      ...{ tenantId: lab.sandbox.parts.state.tenantId, enableRbacAuthorization: true, accessPolicies: [] },
      sku: { family: 'A', name: 'standard' },
    },
  });
  lab.resolve(`${VAULT}.vault.azure.net`);
  const credential = await lab.sandbox.surroundings.credential();
  const { token } = await credential.getToken('https://management.azure.com/.default');
  const owner = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { oid: string };
  const grant = async (number: number, role: string, principalId: string) => {
    const name = `c5100000-0000-4000-8000-00000000000${number}`;
    const roleDefinitionId = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
    const properties = { roleDefinitionId, principalId };
    await put(`${id}/providers/Microsoft.Authorization/roleAssignments/${name}?api-version=2022-04-01`, { properties });
  };
  const [reader, officer] = ['21090545-7ca7-4776-b22c-e363652d74d2', 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'];
  await grant(1, reader, lab.deployer.objectId);
  await grant(2, officer, owner.oid);
}
