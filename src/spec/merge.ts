import { API_VERSION } from '../api-version.ts';
import type { Complaint } from '../complaint.ts';
import { entryOf } from '../entry.ts';
import type { Method } from '../methods/method.ts';
import { nearest } from '../nearest.ts';
import { type Answer, type Answers, isOn, itemOf, listOf } from './answers.ts';
import { camel } from './names.ts';
import { keyOf, type Path, valueAt } from './path.ts';
import type { FileShape } from './schema.ts';
import { list } from './validate.ts';

export interface Merged {
  readonly tree: Record<string, unknown>;
  /** What was said by a flag, a variable or the surroundings, by path. */
  readonly said: ReadonlyMap<string, string>;
  /** Places of the chosen workloads in `tree.workloads`. */
  readonly chosen: readonly number[];
  readonly complaints: readonly Complaint[];
}

/** Where the answer to a flag lies in the file, seen from the root. */
const OF_FILE: Readonly<Record<string, Path>> = {
  subscription: ['subscription'],
  cluster: ['cluster', 'name'],
  'resource-group': ['cluster', 'resourceGroup'],
};
const OF_VAULT: Readonly<Record<string, Path>> = {
  vault: ['name'],
  'vault-resource-group': ['resourceGroup'],
};
/** The same, seen from a workload. */
const OF_WORKLOAD: Readonly<Record<string, Path>> = {
  namespace: ['namespace'],
  'service-account': ['serviceAccount'],
  method: ['method'],
  identity: ['identity', 'name'],
  'identity-resource-group': ['identity', 'resourceGroup'],
  'app-registration': ['appRegistration', 'name'],
  'role-scope': ['roleScope'],
  secret: ['secrets'],
  key: ['keys'],
  certificate: ['certificates'],
  sample: ['sample'],
};
/** Stands for the name that nobody gave, so that the rest can be judged. */
export const UNNAMED = 'unnamed';
const LISTS = ['secret', 'key', 'certificate'];

/**
 * Lays what flags and variables say over the file, and what the surroundings offer under it. A flag about one workload
 * needs one to be about.
 */
export function merge(
  file: FileShape | undefined,
  answers: Answers,
  defaults: Answers,
  methods: readonly Method[],
  fileName: string,
): Merged {
  const tree = structuredClone(file ?? { apiVersion: API_VERSION }) as Record<string, unknown>;
  const said = new Map<string, string>();
  const complaints: Complaint[] = [];
  const put = (path: Path, value: unknown, answer: Answer, over: boolean): void => {
    if (!over && valueAt(tree, path) !== undefined) return;
    place(tree, path, value);
    said.set(keyOf(path), answer.said);
  };

  const given = file?.workloads ?? [];
  const { chosen, added } = choose(given, answers, defaults, fileName, complaints);
  if (given.length === 0) tree.workloads = [{ name: UNNAMED }];
  if (added) put(['workloads', 0, 'name'], added.name, added.answer, true);
  const layers = [
    { layer: answers, over: true },
    { layer: defaults, over: false },
  ];
  const single = chosen.length === 1 ? chosen[0]! : undefined;
  const ownVault = given.some(({ vault }, index) => chosen.includes(index) && vault !== undefined);
  const workloadFlags = {
    ...OF_WORKLOAD,
    ...Object.fromEntries(
      methods.flatMap(({ questions }) => questions.map(({ flag }) => [flag, [camel(flag)] as Path] as const)),
    ),
  };

  const several: Answer[] = [];
  for (const { layer, over } of layers) {
    for (const [flag, path] of Object.entries(OF_FILE)) {
      const answer = layer.get(flag);
      if (answer) put(path, answer.value, answer, over);
    }
    const vault = vaultPath(ownVault, single);
    const reachesVault = !ownVault || single !== undefined;
    for (const [flag, path] of Object.entries(OF_VAULT)) {
      const answer = layer.get(flag);
      if (answer && reachesVault) put([...vault, ...path], answer.value, answer, over);
      else if (answer && over) several.push(answer);
    }
    const wantsVault = layer.get('create-vault');
    // What a file says of the vault to be made stays; the flags beside this one are laid over it.
    const made = wantsVault?.value === true ? valueAt(tree, [...vault, 'create']) || true : undefined;
    if (wantsVault && reachesVault) put([...vault, 'create'], made, wantsVault, over);
    else if (wantsVault && over) several.push(wantsVault);
    const wantsCluster = layer.get('create-cluster');
    if (wantsCluster) put(['cluster', 'create'], wantsCluster.value === true ? {} : undefined, wantsCluster, over);

    // What the surroundings offer stands in for flags; a workload of the file is taken as it is written.
    if (!over && given.length > 0) continue;
    for (const [flag, path] of Object.entries(workloadFlags)) {
      const answer = layer.get(flag);
      if (!answer) continue;
      if (single === undefined) {
        if (over) several.push(answer);
        continue;
      }
      const at: Path = ['workloads', single, ...path];
      put(at, LISTS.includes(flag) ? listOf(layer, flag).map(itemOf) : answer.value, answer, over);
    }
    for (const flag of ['secret-value', 'rotate', 'sample-image']) {
      const answer = layer.get(flag);
      if (over && answer && single === undefined) several.push(answer);
    }
  }
  sampleImage(tree, single, answers, put, complaints);
  details(tree, vaultPath(ownVault, single), answers, put, complaints);
  if (chosen.length > 1) {
    const names = given.map(({ name }) => name);
    for (const answer of several) {
      complaints.push({
        message: `${answer.said} is about one workload, and ${fileName} gives ${names.length}. Choose one by --workload: ${list(names.slice(0, 8))}${names.length > 8 ? ', …' : ''}.`,
      });
    }
  }
  return { tree, said, chosen, complaints };
}

/** The image of a sample, whoever asked for the sample: a flag, the file or the surroundings. */
function sampleImage(
  tree: Record<string, unknown>,
  single: number | undefined,
  answers: Answers,
  put: (path: Path, value: unknown, answer: Answer, over: boolean) => void,
  complaints: Complaint[],
): void {
  const answer = answers.get('sample-image');
  if (!answer || single === undefined) return;
  const at: Path = ['workloads', single, 'sample'];
  if (valueAt(tree, at)) put(at, { image: answer.value }, answer, true);
  else if (answer.said.startsWith('--')) complaints.push({ message: `${answer.said} goes with --sample.` });
}

/** Region and size of what is made: they matter only where something is made. */
function details(
  tree: Record<string, unknown>,
  vault: Path,
  answers: Answers,
  put: (path: Path, value: unknown, answer: Answer, over: boolean) => void,
  complaints: Complaint[],
): void {
  const makesCluster = valueAt(tree, ['cluster', 'create']) !== undefined;
  const made = valueAt(tree, [...vault, 'create']);
  const makesVault = made !== undefined && made !== false;
  const location = answers.get('location');
  const purge = answers.get('purge-protection');
  if (location && makesCluster) put(['cluster', 'create', 'location'], region(location.value), location, true);
  if ((location || purge) && makesVault) {
    if (made === true) put([...vault, 'create'], {}, (location ?? purge)!, true);
    if (location) put([...vault, 'create', 'location'], region(location.value), location, true);
    if (purge)
      put([...vault, 'create', 'purgeProtection'], entryOf(PURGE, String(purge.value)) ?? purge.value, purge, true);
  }
  const needless = (flag: string, of: string, needed: boolean): void => {
    const answer = answers.get(flag);
    if (answer?.said.startsWith('--') && !needed) complaints.push({ message: `${answer.said} goes with ${of}.` });
  };
  needless('keep-grant', '--grant-self', isOn(answers, 'grant-self'));
  needless('location', '--create-cluster or --create-vault', makesCluster || makesVault);
  needless('purge-protection', '--create-vault', makesVault);
  for (const [flag, key] of [
    ['node-count', 'nodeCount'],
    ['node-size', 'nodeSize'],
  ] as const) {
    const answer = answers.get(flag);
    needless(flag, '--create-cluster', makesCluster);
    if (!answer || !makesCluster) continue;
    const number = flag === 'node-count' && /^\d+$/.test(String(answer.value));
    put(['cluster', 'create', key], number ? Number(answer.value) : answer.value, answer, true);
  }
}

const vaultPath = (ownVault: boolean, single: number | undefined): Path =>
  single !== undefined && ownVault ? ['workloads', single, 'vault'] : ['vault'];

const PURGE: Readonly<Record<string, boolean>> = { yes: true, no: false };

/** People write "West Europe" as the portal shows it. */
const region = (value: Answer['value']): unknown =>
  typeof value === 'string' ? value.toLowerCase().replaceAll(' ', '') : value;

function choose(
  given: readonly { readonly name: string }[],
  answers: Answers,
  defaults: Answers,
  fileName: string,
  complaints: Complaint[],
): { chosen: readonly number[]; added?: { name: string; answer: Answer } } {
  const names = [...new Set(listOf(answers, 'workload'))];
  const answer = answers.get('workload');
  if (given.length > 0) {
    const known = given.map(({ name }) => name);
    if (!answer || names.length === 0) return { chosen: known.map((_, index) => index) };
    const chosen = names.flatMap((name) => {
      const index = known.indexOf(name);
      if (index >= 0) return [index];
      const like = nearest(name, known);
      complaints.push({
        message: `${answer.said}: ${fileName} has no workload "${name}". ${like ? `Did you mean "${like}"?` : `It has ${known.slice(0, 8).join(', ')}.`}`,
      });
      return [];
    });
    return { chosen };
  }
  if (names.length > 1) {
    complaints.push({
      message: `${answer!.said}: several workloads need a file that gives each its own; flags describe one.`,
    });
  }
  const taken = names.length > 0 ? answer! : defaults.get('workload');
  const name = names[0] ?? listOf(defaults, 'workload')[0];
  return { chosen: [0], ...(taken && name !== undefined && { added: { name, answer: taken } }) };
}

/** Sets the value at the path, making what lies on the way; `undefined` takes the key away. */
function place(tree: Record<string, unknown>, path: Path, value: unknown): void {
  let node = tree;
  for (const part of path.slice(0, -1)) {
    const next = node[part];
    if (typeof next !== 'object' || next === null) node[part] = {};
    node = node[part] as Record<string, unknown>;
  }
  if (value === undefined) delete node[path.at(-1)!];
  else node[path.at(-1)!] = value;
}
