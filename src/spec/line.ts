import type { Method } from '../methods/method.ts';
import type { Spec } from '../workload.ts';
import type { Answers } from './answers.ts';
import { clusterIdOf, identityName } from './identity-name.ts';
import { camel } from './names.ts';
import { sourceText } from './rules.ts';
import { SAMPLE_IMAGE } from './schema.ts';
import { optionsOf } from './write.ts';

/** What a run was given besides the world to reach; repeated as it was. */
export interface Around {
  readonly command: string;
  /** The file that the Spec came from: then it is named instead of everything in it. */
  readonly file?: string;
  /** Flags of the run itself, in order: `['sandbox', true]`, `['templates', 'mine']`. */
  readonly flags: readonly Said[];
  /** What the surroundings offer for flags; it need not be said. */
  readonly usual?: Answers;
}
type Said = readonly [flag: string, value: string | true];

/** The same run as one line, quoted so that it pastes in bash and in PowerShell. */
export function commandLine(spec: Spec, around: Around, methods: readonly Method[]): string {
  const { command, file, flags, usual } = around;
  const ofWorld = file === undefined ? flagsOf(spec, methods) : [];
  const needed = ofWorld.filter(([flag]) => !isUsual(flag, ofWorld, usual));
  // What the surroundings offer unasked must be declined again.
  if (file === undefined && usual?.get('sample')?.value === true && !spec.workloads[0]?.sample) {
    needed.push(['no-sample', true]);
  }
  const words = [...needed, ...flags].flatMap(([flag, value]) => [
    `--${flag}`,
    ...(value === true ? [] : [quote(value)]),
  ]);
  return ['aks-secrets', command, ...(file === undefined ? [] : ['-f', quote(file)]), ...words].join(' ');
}

function isUsual(flag: string, all: readonly Said[], usual: Answers | undefined): boolean {
  const offered = usual?.get(flag)?.value;
  const said = all.filter((one) => one[0] === flag).map(([, value]) => value);
  return offered !== undefined && JSON.stringify([offered].flat()) === JSON.stringify(said);
}

function flagsOf(spec: Spec, methods: readonly Method[]): Said[] {
  const flags: Said[] = [];
  const add = (flag: string, value: string | true | undefined): void => {
    if (value !== undefined) flags.push([flag, value]);
  };
  const { cluster } = spec;
  const workload = spec.workloads[0];
  if (!workload) return flags;
  const { vault, identity } = workload;
  const unless = (value: string, usual: string): string | undefined => (value === usual ? undefined : value);
  add('subscription', spec.subscription);
  add('cluster', cluster.name);
  add('resource-group', cluster.resourceGroup);
  if (cluster.create) {
    add('create-cluster', true);
    add('node-count', String(cluster.create.nodeCount));
    add('node-size', cluster.create.nodeSize);
  }
  add('vault', vault.name);
  add('vault-resource-group', unless(vault.resourceGroup, cluster.resourceGroup));
  if (vault.create) {
    add('create-vault', true);
    add('purge-protection', vault.create.purgeProtection ? 'yes' : undefined);
  }
  add('location', cluster.create?.location ?? vault.create?.location);
  add('workload', workload.name);
  add('namespace', workload.namespace);
  add('service-account', unless(workload.serviceAccount, workload.name));
  if (identity.kind === 'app registration') add('app-registration', identity.name);
  else {
    add('identity', unless(identity.name, identityName(clusterIdOf(spec.subscription, cluster), workload)));
    add('identity-resource-group', unless(identity.resourceGroup, cluster.resourceGroup));
  }
  add('method', workload.method);
  for (const { kind, name, as } of workload.secrets) add(kind, as === name ? name : `${name}=${as}`);
  for (const { name, value } of workload.secrets) if (value) add('secret-value', `${name}=${sourceText(value)}`);
  for (const { name, rotate } of workload.secrets) if (rotate) add('rotate', name);
  add('role-scope', unless(workload.roleScope, 'vault'));
  const options = optionsOf(workload, methods);
  for (const { flag } of methods.find(({ name }) => name === workload.method)?.questions ?? []) {
    const value = options[camel(flag)];
    if (value !== undefined && value !== false) add(flag, value);
  }
  if (workload.sample) {
    add('sample', true);
    add('sample-image', unless(workload.sample.image, SAMPLE_IMAGE));
  }
  return flags;
}

/**
 * One word for bash and for PowerShell. Single quotes mean the same in both; a word that holds one goes into double
 * quotes, with what either shell would read in them left to bash's way, since no form serves both.
 */
export function quote(word: string): string {
  if (/^[A-Za-z0-9_./:=+-]+$/.test(word)) return word;
  if (!word.includes("'")) return `'${word}'`;
  return /["$`\\!]/.test(word) ? `'${word.replaceAll("'", `'\\''`)}'` : `"${word}"`;
}
