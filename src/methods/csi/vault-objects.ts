import type { SecretProperties } from '../../azure/azure.ts';
import { Problem } from '../../trouble.ts';
import type { SecretRef, Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import { hiddenFrom, type Wrong } from '../wiring/finding.ts';
import { isSameId } from '../wiring/identity.ts';
import type { ProviderClass, VaultObject } from './provider-class.ts';

const SHELF = { secret: 'secrets', key: 'keys', certificate: 'certificates' } as const;
const ABSENT = { secret: 'F077', key: 'F078', certificate: 'F078' } as const;

export const versionsOf = ({ azure }: World, vaultUri: string, { kind, name }: Pick<SecretRef, 'kind' | 'name'>) =>
  azure[SHELF[kind]].versions(vaultUri, name);

/**
 * What the class lists, against the vault. Whether the workload's own secrets are there and enabled is asked elsewhere;
 * here it is what stands beside them, a version that is asked for, and what a file is to be made of.
 */
export async function objectsWrong(
  world: World,
  workload: Workload,
  vaultUri: string,
  each: ProviderClass,
): Promise<readonly Wrong[]> {
  if (each.wrong.objects.length > 0) return each.wrong.objects;
  const own = (object: VaultObject): boolean =>
    workload.secrets.some(({ kind, name }) => kind === object.kind && isSameId(name, object.name));
  const typed = each.objects.flatMap((object) => typeWrong(workload, each, object));
  if (typed.length > 0) return typed;
  const asked = each.objects.filter((object) => !own(object) || object.version !== '' || object.format !== '');
  const found = await Promise.all(
    asked.map(async (object): Promise<readonly Wrong[]> => {
      try {
        const versions = await versionsOf(world, vaultUri, object);
        return await objectWrong(object, versions, own(object), () => otherKinds(world, vaultUri, object));
      } catch (error) {
        return [hiddenFrom(error, `the ${object.kind} ${object.name}`)];
      }
    }),
  );
  return found.flat();
}

/** Asked for as something else than what the workload wants of that name. */
function typeWrong({ secrets }: Workload, each: ProviderClass, { name, kind, path }: VaultObject): readonly Wrong[] {
  const wanted = secrets.find((secret) => isSameId(secret.name, name));
  const isListed = wanted && each.objects.some((other) => other.kind === wanted.kind && isSameId(other.name, name));
  if (!wanted || wanted.kind === kind || isListed) return [];
  return [
    {
      failure: 'F078',
      observed: `it asks for the ${kind} ${name}`,
      expected: `objectType for the ${wanted.kind} of that name`,
      path: `${path}.objectType`,
    },
  ];
}

async function objectWrong(
  object: VaultObject,
  versions: readonly SecretProperties[],
  isOwn: boolean,
  others: () => Promise<string | undefined>,
): Promise<readonly Wrong[]> {
  const { kind, name, version, path, format } = object;
  const [newest] = versions.toSorted((a, b) => (b.created?.getTime() ?? 0) - (a.created?.getTime() ?? 0));
  if (!newest) {
    if (isOwn) return [];
    const other = await others();
    return [
      {
        failure: other ? 'F078' : ABSENT[kind],
        observed: `the vault has no ${kind} ${name}${other ? `, but a ${other} of that name` : ''}`,
        expected: other ? `objectType for a ${other}` : `an object that is there: without it nothing is mounted`,
        path: `${path}.${other ? 'objectType' : 'objectName'}`,
      },
    ];
  }
  const wanted = version === '' ? newest : versions.find((one) => isSameId(one.version ?? '', version));
  if (!wanted)
    return [
      {
        failure: 'F082',
        observed: `${name} has no version ${version}`,
        expected: 'no objectVersion, which is the current one',
        path: `${path}.objectVersion`,
      },
    ];
  if (!wanted.enabled && (!isOwn || version !== ''))
    return [{ failure: 'F079', observed: `${name} is disabled`, expected: 'an enabled version', path }];
  return formatWrong(object, format, wanted);
}

/** A certificate with its private key is stored in one format, and given out in it. */
function formatWrong(
  { name, kind, path }: VaultObject,
  format: string,
  { contentType = '' }: SecretProperties,
): readonly Wrong[] {
  const isPfx = contentType === 'application/x-pkcs12';
  const isPem = contentType === 'application/x-pem-file';
  if (kind !== 'secret' || format !== 'pfx' || isPfx || !isPem) return [];
  return [
    {
      failure: 'F147',
      observed: `objectFormat of ${name} is pfx, and the vault holds ${contentType}`,
      expected: 'objectFormat: pem',
      path: `${path}.objectFormat`,
    },
  ];
}

/** Whether the vault has something else of that name. */
async function otherKinds(world: World, vaultUri: string, { kind, name }: VaultObject): Promise<string | undefined> {
  const kinds = (['secret', 'key', 'certificate'] as const).filter((each) => each !== kind);
  const found = await Promise.all(
    kinds.map(async (each) => {
      try {
        return (await versionsOf(world, vaultUri, { kind: each, name })).length > 0 ? each : undefined;
      } catch (error) {
        if (error instanceof Problem) return undefined;
        throw error;
      }
    }),
  );
  return found.find((each) => each !== undefined);
}
