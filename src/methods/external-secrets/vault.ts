import type { SecretProperties } from '../../azure/azure.ts';
import { isNamed } from '../../steps/secret.ts';
import type { SecretRef } from '../../workload.ts';
import type { World } from '../../world.ts';
import { vaultAddress } from '../subjects.ts';
import type { Wrong } from '../wiring/finding.ts';
import { orHidden } from '../wiring/live.ts';
import type { Chain, Question } from './look.ts';
import { hostOf, type Wanted } from './model.ts';

type Kind = SecretRef['kind'];

/** A thing of the vault; `hidden` where one may not look. */
async function inVault(
  { azure }: World,
  { workload, shared }: Question,
  kind: Kind,
  name: string,
): Promise<SecretProperties | 'hidden' | undefined> {
  const shelf = { secret: azure.secrets, key: azure.keys, certificate: azure.certificates }[kind];
  const all = await orHidden(shelf.list(vaultAddress(shared.cloud, workload.vault.name)).then((list) => list ?? []));
  return all === undefined ? 'hidden' : all.find((each) => isNamed(name, each.name));
}

/** Whether an ExternalSecret reads the workload's vault, and not another one. */
const reads = ({ sources }: Chain, { workload, shared }: Question): boolean =>
  sources.some(
    ({ store }) => store && hostOf(store.vaultUrl) === hostOf(vaultAddress(shared.cloud, workload.vault.name)),
  );

/** When the newest version of what is asked for came into the vault; `undefined` where one may not look. */
export async function newestOf(world: World, question: Question, chain: Chain): Promise<Date | undefined> {
  if (!reads(chain, question)) return undefined;
  // What is pinned to a version does not grow old.
  const unpinned = chain.external.wanted.filter(({ version }) => !version);
  const found = await Promise.all(
    unpinned.map(async ({ kind, name }) => (kind ? inVault(world, question, kind, name) : undefined)),
  );
  const dates = found.flatMap((one) => (one && one !== 'hidden' && one.created ? [one.created.getTime()] : []));
  return dates.length > 0 ? new Date(Math.max(...dates)) : undefined;
}

/** What is asked for and is not in the vault, as far as one may look. */
export async function contentWrong(world: World, question: Question, chain: Chain): Promise<readonly Wrong[]> {
  if (!reads(chain, question)) return [];
  const looked = await Promise.all(
    chain.external.wanted.map(async (wanted) => {
      const meant = otherKind(question, wanted);
      if (meant) return [ofKind(question, wanted, meant)];
      const found = wanted.kind && (await inVault(world, question, wanted.kind, wanted.name));
      return wanted.kind && found === undefined ? [await absentWrong(world, question, wanted)] : [];
    }),
  );
  return looked.flat();
}

/** The kind that the workload needs it as, where that is another one. */
function otherKind({ workload }: Question, { kind, name }: Wanted): Kind | undefined {
  const meant = workload.secrets.filter((one) => isNamed(one.name, name));
  return kind && meant.every((one) => one.kind !== kind) ? meant[0]?.kind : undefined;
}

const ofKind = ({ workload }: Question, { key, name, path }: Wanted, kind: Kind): Wrong => ({
  failure: 'F078',
  observed: `${key}, and ${name} in ${workload.vault.name} is a ${kind}`,
  expected: `${SPELT[kind]}/${name}`,
  fix: { say: `Ask for ${SPELT[kind]}/${name}.` },
  path: `${path}.key`,
});

const OTHERS: readonly Kind[] = ['secret', 'key', 'certificate'];
const SPELT = { secret: 'secret', key: 'key', certificate: 'cert' } as const;

/** The operator says that something does not exist, and not what: the name, its version, or its type. */
export async function absentWrong(world: World, question: Question, wanted: Wanted): Promise<Wrong> {
  const { key, kind = 'secret', name, version, path } = wanted;
  const base = { expected: `one in ${question.workload.vault.name}`, path: `${path}.key` };
  if (version) {
    const found = await inVault(world, question, kind, name);
    if (found && found !== 'hidden')
      return {
        ...base,
        failure: 'F082',
        observed: `${key} has no version ${version}`,
        fix: { say: 'Leave the version out, or pin one that this vault has.' },
        path: `${path}.version`,
      };
  }
  for (const other of OTHERS.filter((one) => one !== kind)) {
    const found = await inVault(world, question, other, name);
    if (!found || found === 'hidden') continue;
    return ofKind(question, wanted, other);
  }
  return { ...base, failure: kind === 'secret' ? 'F077' : 'F078', observed: `there is no ${kind} ${name}` };
}
