import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Check, Known, Needs } from '../../step.ts';
import type { SecretRef, Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { called } from '../wiring/carrier.ts';
import { checkOf, type Wrong } from '../wiring/finding.ts';
import { identityNeeds, isSameId, otherIdentity } from '../wiring/identity.ts';
import { isGuid } from '../wiring/keys.ts';
import { writtenIn } from '../wiring/live.ts';
import { enumerated, list, record, text } from '../wiring/shape.ts';
import { nameOf, sceneOf } from './classes.ts';
import { driverOf } from './driver.ts';
import type { ProviderClass } from './provider-class.ts';
import { DRIVER, volumesOf, volumesWrong } from './rules.ts';
import { objectsWrong } from './vault-objects.ts';

/** The audience of the provider's exchange through an identity binding. */
const BINDING_AUDIENCE = 'api://AKSIdentityBinding';
const MANAGED = 'secrets-store.csi.k8s.io/managed';

/** `wrong`, said of the class in which it stands. */
const inClass = (each: ProviderClass, wrong: Wrong): Wrong => ({
  ...wrong,
  observed: `${nameOf(each)}: ${wrong.observed}`,
});

/** What the driver is asked for, from the volume of the pod to the objects of the vault. */
export function classChecks(workload: Workload, shared: Shared, scope: Scope): readonly Check[] {
  const { namespace, name } = workload;
  const needs = identityNeeds(workload, shared);
  const scene = (world: World, known: Known<Needs>) => sceneOf(world, workload, scope, known);
  const ofEach = async (
    world: World,
    known: Known<Needs>,
    judge: (each: ProviderClass) => readonly Wrong[] | Promise<readonly Wrong[]>,
  ): Promise<readonly Wrong[]> => {
    const { classes } = await scene(world, known);
    const wrongs = await Promise.all(
      classes.map(async (each) => (await judge(each)).map((wrong) => inClass(each, wrong))),
    );
    return onceEach(wrongs.flat());
  };
  const ask = { category: 'objects', needs } as const;

  return [
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-VOLUME',
      title: 'the volumes of the pods are mounted as the driver allows',
      after: ['AKS-CSI-DRIVER'],
      async run(world, known) {
        const { crew } = await scene(world, known);
        const [wrong] = writtenIn(crew).flatMap((carrier) =>
          volumesWrong(carrier).map((each) => ({ ...each, observed: `${called(carrier.object)}: ${each.observed}` })),
        );
        return wrong ? [wrong] : publishSecretWrong(world, workload, crew);
      },
    }),
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-CLASS',
      title: `a SecretProviderClass in ${namespace} serves ${name}`,
      after: ['AKS-CSI-DRIVER', 'AKS-CSI-KINDS', 'AKS-CSI-VOLUME'],
      async run(world, known): Promise<readonly Wrong[] | string> {
        const { missing, classes } = await scene(world, known);
        const [first] = missing;
        if (first)
          return [
            {
              failure: 'F089',
              observed: `${called(first.by.object)} names ${first.name}, and ${namespace} has ${first.near ?? 'no such class'}`,
              expected: `SecretProviderClass ${namespace}/${first.name}`,
              fix: { say: `Make ${first.name} in the namespace of the pod, or correct its name in the volume.` },
            },
          ];
        if (classes.length === 0)
          return [
            {
              failure: 'F089',
              observed: `${namespace} has none that names ${workload.identity.name}`,
              expected: `SecretProviderClass ${namespace}/${name}`,
              fix: { say: 'Run init, which makes it.' },
            },
          ];
        const others = classes.filter(({ object }) => object.metadata.name !== name);
        return others.length > 0 ? `by ${enumerated(others.map(nameOf))}` : '';
      },
    }),
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-PARAMETERS',
      title: 'the class says all that the provider needs',
      after: ['AKS-CSI-CLASS'],
      async run(world, known) {
        const { crew } = await scene(world, known);
        return ofEach(world, known, (each) => {
          const isPublished = each.mode === 'service principal' && bringsSecret(crew, each);
          return each.wrong.parameters.filter(({ failure }) => !(isPublished && failure === 'F091'));
        });
      },
    }),
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-OBJECTS',
      title: 'the class lists objects that the vault has',
      needs: { ...needs, ...vaultNeeds(workload, shared) },
      after: ['AKS-CSI-PARAMETERS', 'AKS-CSI-VAULT'],
      async run(world, known): Promise<readonly Wrong[]> {
        const wrongs = await ofEach(world, known, (each) => objectsWrong(world, workload, known.vaultUri ?? '', each));
        if (wrongs.length > 0) return wrongs;
        const { classes } = await scene(world, known);
        const lacking = unlisted(workload.secrets, classes).map(({ kind, name: called }) => `${kind} ${called}`);
        if (lacking.length === 0) return [];
        return [
          {
            failure: 'F094',
            observed: `${enumerated(classes.map(nameOf))} does not list ${enumerated(lacking)}`,
            expected: `objects with ${enumerated(lacking)}`,
            path: 'spec.parameters.objects',
            fix: { say: 'Run init, which lists them; pods that run must be restarted to mount them.' },
          },
        ];
      },
    }),
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-IDENTITY',
      title: `the class names ${workload.identity.name} and its tenant`,
      after: ['AKS-CSI-PARAMETERS'],
      run: (world, known) => ofEach(world, known, (each) => identityWrong(world, workload, known, each)),
    }),
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-VAULT',
      title: `the class names the vault ${workload.vault.name} and its cloud`,
      after: ['AKS-CSI-PARAMETERS'],
      run: (world, known) => ofEach(world, known, (each) => vaultWrong(workload, shared, each)),
    }),
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-TOKENS',
      title: 'the driver gets the tokens that the provider exchanges',
      category: 'cluster',
      after: ['AKS-CSI-CLASS'],
      run: (world, known) => ofEach(world, known, (each) => tokensWrong(world, shared.cloud.federationAudience, each)),
    }),
    checkOf(workload, {
      ...ask,
      code: 'AKS-CSI-SECRET',
      title: 'the Secrets that the class writes are its own, of files that there are',
      after: ['AKS-CSI-OBJECTS'],
      run: (world, known) =>
        ofEach(world, known, async (each) => {
          const { secrets } = each.wrong;
          return secrets.length > 0 ? secrets : secretsWrong(world, each);
        }),
    }),
  ];
}

const vaultNeeds = (workload: Workload, shared: Shared): Needs => ({
  vaultUri: { step: shared.vault(workload).id, fact: 'vaultUri' },
});

const bringsSecret = (crew: Parameters<typeof writtenIn>[0], { object }: ProviderClass): boolean =>
  writtenIn(crew).some((carrier) =>
    volumesOf(carrier).some(
      ({ csi }) => csi?.publishSecret && csi.attributes.secretProviderClass === object.metadata.name,
    ),
  );

/** The Secret with a service principal that a volume brings along. */
async function publishSecretWrong(
  world: World,
  { namespace }: Workload,
  crew: Parameters<typeof writtenIn>[0],
): Promise<readonly Wrong[]> {
  const named = writtenIn(crew).flatMap((carrier) =>
    volumesOf(carrier).flatMap(({ csi, path }) =>
      csi?.publishSecret ? [{ secret: csi.publishSecret, path, carrier }] : [],
    ),
  );
  for (const { secret, path, carrier } of named) {
    const found = await world.kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace, name: secret });
    if (!found)
      return [
        {
          failure: 'F146',
          observed: `${called(carrier.object)} brings the Secret ${secret}, and ${namespace} has none of that name`,
          expected: 'no nodePublishSecretRef, and clientID in the class',
          path: `${path}.csi.nodePublishSecretRef`,
        },
      ];
  }
  return [];
}

/** Ways to sign in besides Workload ID are well where they work: what the mount shows is their answer. */
async function identityWrong(
  world: World,
  workload: Workload,
  known: Known<Needs>,
  each: ProviderClass,
): Promise<readonly Wrong[]> {
  if (each.mode === 'pod identity') return podIdentityWrong(world);
  if (each.mode === 'node identity') return nodeIdentityWrong(each, known);
  if (each.mode === 'service principal') return [];
  const fix = {
    say: `Set clientID to ${known.clientId} and tenantID to ${known.tenantId}, or run init, which does; pods that wait try again by themselves.`,
  };
  const other = await otherIdentity(world, workload, known, each.clientId, 'clientID');
  if (other) return [{ ...other, path: 'spec.parameters.clientID', fix }];
  const { tenantId = '' } = known;
  if (isSameId(each.tenantId, tenantId)) return [];
  return [
    {
      failure: 'F056',
      observed: `tenantID names ${each.tenantId}`,
      expected: tenantId,
      path: 'spec.parameters.tenantID',
      fix,
    },
  ];
}

/** AAD Pod Identity is out of support, and where its kinds are gone nothing answers for it. */
async function podIdentityWrong(world: World): Promise<readonly Wrong[]> {
  if ((await world.kubernetes.versions('aadpodidentity.k8s.io')).length > 0) return [];
  return [
    {
      failure: 'F048',
      observed: 'usePodIdentity is true, and the cluster has no AAD Pod Identity',
      expected: 'clientID alone, which is Workload ID',
      path: 'spec.parameters.usePodIdentity',
    },
  ];
}

/** The nodes know an identity by its client id. */
function nodeIdentityWrong({ userAssigned }: ProviderClass, { principalId = '' }: Known<Needs>): readonly Wrong[] {
  if (userAssigned === '' || (isGuid(userAssigned) && !isSameId(userAssigned, principalId))) return [];
  return [
    {
      failure: 'F047',
      observed: `userAssignedIdentityID is ${userAssigned}, which is no client id`,
      expected: 'the client id of an identity that the nodes have; or clientID alone, which is Workload ID',
      path: 'spec.parameters.userAssignedIdentityID',
    },
  ];
}

/** One name for each cloud, whichever of its names is written. */
const cloudOf = (written: string): string => {
  const name = written.toUpperCase().replace(/CLOUD$/, '');
  return name === '' || name === 'AZURE' || name === 'AZUREPUBLIC' ? 'AZUREPUBLIC' : name;
};

function vaultWrong({ vault }: Workload, { cloud }: Shared, each: ProviderClass): readonly Wrong[] {
  if (!isSameId(each.vault, vault.name))
    return [
      {
        failure: 'F075',
        observed: `keyvaultName is ${each.vault}`,
        expected: vault.name,
        path: 'spec.parameters.keyvaultName',
        fix: { say: `Set keyvaultName to ${vault.name}.` },
      },
    ];
  // A cloud of one's own has a file that says what it is.
  if (cloudOf(each.cloud) === 'AZURESTACK' || cloudOf(each.cloud) === cloudOf(cloud.csiName)) return [];
  return [
    {
      failure: 'F143',
      observed: `cloudName is ${each.cloud || 'not said, which is the public cloud'}`,
      expected: cloud.csiName || 'AzurePublicCloud, or nothing',
      path: 'spec.parameters.cloudName',
      fix: { say: 'Name the cloud of the vault.' },
    },
  ];
}

/** Tokens of the pod's service account come by the CSIDriver, one for each audience that it asks for. */
async function tokensWrong(world: World, audience: string, each: ProviderClass): Promise<readonly Wrong[]> {
  if (!['workload identity', 'identity binding'].includes(each.mode)) return [];
  const wanted = each.mode === 'identity binding' ? BINDING_AUDIENCE : audience;
  const driver = await driverOf(world);
  const asked = list(record(driver?.spec).tokenRequests).map((one) => text(record(one).audience) ?? '');
  if (asked.includes(wanted)) return [];
  return [
    {
      failure: asked.length === 0 ? 'F092' : 'F093',
      observed:
        asked.length === 0
          ? `the CSIDriver ${DRIVER} asks for no tokens`
          : `the CSIDriver asks for tokens for ${enumerated(asked)}`,
      expected: `tokenRequests with audience ${wanted}`,
      path: 'spec.tokenRequests',
      fix: { say: `Give the driver's chart tokenRequests with that audience, or use the add-on, which has it.` },
    },
  ];
}

/** A Secret of that name that the driver did not make is replaced whole by it. */
async function secretsWrong(world: World, { object, synced }: ProviderClass): Promise<readonly Wrong[]> {
  const namespace = object.metadata.namespace ?? '';
  const found = await Promise.all(
    synced.map(async ({ secretName: name }) => ({
      name,
      secret: await world.kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace, name }),
    })),
  );
  return found.flatMap(({ name, secret }) => {
    if (!secret) return [];
    const isTaken = secret.metadata.labels?.[MANAGED] === 'true';
    const maker = makerOf(secret);
    if (isTaken && maker === undefined) return [];
    return [
      {
        failure: 'F155',
        observed: isTaken
          ? `the Secret ${namespace}/${name} was made by ${maker}, and the driver has replaced what was in it`
          : `the Secret ${namespace}/${name} is not the driver's`,
        expected: 'a name that nobody else uses',
        path: 'spec.secretObjects',
        fix: { say: 'Take another secretName: the driver replaces the whole Secret.' },
      },
    ];
  });
}

/** Who made a Secret, if not the driver: its type never changes, so whoever wrote that made it. */
const makerOf = ({ metadata }: KubernetesObject): string | undefined =>
  metadata.managedFields?.find(
    ({ manager, fieldsV1 }) => 'f:type' in record(fieldsV1) && !/secrets-store/.test(manager),
  )?.manager;

/** The same mistake in every object is one mistake. */
const onceEach = (wrongs: readonly Wrong[]): readonly Wrong[] =>
  wrongs.filter(({ failure }, at) => !failure || wrongs.findIndex((each) => each.failure === failure) === at);

/** What a workload is to have and no class of it lists. */
const unlisted = (secrets: readonly SecretRef[], classes: readonly ProviderClass[]): readonly SecretRef[] =>
  secrets.filter(
    ({ kind, name }) =>
      !classes.some(({ objects }) => objects.some((each) => each.kind === kind && isSameId(each.name, name))),
  );
