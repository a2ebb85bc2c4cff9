import { type Complaint, Complaints } from '../complaint.ts';
import { EXIT } from '../exit.ts';
import type { Method } from '../methods/method.ts';
import { nearest } from '../nearest.ts';
import type { ClusterWish, SecretRef, Spec, ValueSource, VaultWish, Workload } from '../workload.ts';
import { type Answers, listOf, valuesOf } from './answers.ts';
import { clusterIdOf, identityName } from './identity-name.ts';
import { merge, UNNAMED } from './merge.ts';
import { camel } from './names.ts';
import { nearestAbove, type Path } from './path.ts';
import { type Candidate, labelOf, rules } from './rules.ts';
import { type FileShape, fileSchema, SAMPLE_IMAGE, type VaultShape, type WorkloadShape } from './schema.ts';
import type { Subscriptions } from './subscription.ts';
import { readTree } from './text.ts';
import { at, type Place, validate } from './validate.ts';

/** All that a Spec is made from. */
export interface Sources {
  /** Flags and their environment variables, the flag first. */
  readonly answers: Answers;
  readonly file?: { readonly path: string; readonly text: string };
  /** What the surroundings offer for flags that nobody gave (the sandbox's own world). */
  readonly defaults: Answers;
  readonly methods: readonly Method[];
  /** Where the subscription comes from when neither flag nor file names it. */
  readonly subscriptions: Subscriptions;
  /** What may be done besides; `default-service-account` is asked for here. */
  readonly allow: ReadonlySet<string>;
  /** `--cluster NAME`, as the help writes a flag. */
  describe(flag: string): string;
  /** Names of secrets whose values were typed in this run; the values are elsewhere. */
  readonly typed?: readonly string[];
  /** The workloads are to be taken away: what only their making needs is not missed. */
  readonly removes?: boolean;
}

/** What the sources come to before they are whole. */
export interface Draft {
  /** Everything that is wrong or missing. */
  readonly complaints: readonly Complaint[];
  /** Those that only say what is missing, each with the flag that gives it. */
  readonly gaps: ReadonlyMap<Complaint, string>;
  /** As the Spec, with empty text for names that nobody gave. */
  readonly spec: Spec;
  /** The only workload that is meant, if there is one, and what was said of it. */
  readonly workload?: Workload;
  readonly shape?: WorkloadShape;
}

/**
 * Makes the Spec from flags, environment, file and surroundings, in this order.
 * @throws {Complaints} with everything that is wrong or missing, at once
 */
export async function readSpec(sources: Sources): Promise<Spec> {
  const { complaints, spec } = await draftOf(sources);
  // Whoever is signed in need not name it: alone, it is the sign-in that is missing.
  const unsigned = complaints.length === 1 && complaints[0]?.fix === SIGN_IN;
  if (complaints.length > 0) throw new Complaints(few(complaints), unsigned ? EXIT.signInNeeded : EXIT.usage);
  return spec;
}

/** All that is wrong, unless nobody would read it all: what broke a whole file breaks every line of it. */
const SAID = 200;
const few = (complaints: readonly Complaint[]): readonly Complaint[] =>
  complaints.length <= SAID
    ? complaints
    : [...complaints.slice(0, SAID), { message: `And ${complaints.length - SAID} more.` }];

/** As far as a Spec can be made from the sources, and what stands in its way. */
export async function draftOf(sources: Sources): Promise<Draft> {
  const { answers, defaults, methods } = sources;
  const schema = fileSchema(methods);
  const complaints: Complaint[] = [];
  // Not by spreading them into one call: a file may be wrong in more places than a call has room for.
  const complain = (...lists: readonly Iterable<Complaint>[]): void => {
    for (const list of lists) for (const complaint of list) complaints.push(complaint);
  };
  const fileName = sources.file?.path ?? '';

  const text = sources.file && readTree(sources.file.text, fileName);
  const file = text && validate(text.root, schema, (path) => ({ file: fileName, line: text.line(path) }));
  complain(text?.complaints ?? [], file && !broken(text) ? file.complaints : []);

  const merged = merge(file?.value, answers, defaults, methods, fileName);
  const placeOf = (path: Path): Place => {
    const said = nearestAbove(path, (key) => merged.said.get(key));
    if (said !== undefined) return { said };
    return text ? { file: fileName, line: text.line(path) } : { said: 'What was given' };
  };
  const whole = validate(merged.tree, schema, placeOf);
  complain(merged.complaints, whole.complaints);

  const wrong = (path: Path): boolean => whole.wrong(path) || (file?.wrong(path) ?? false);
  const { values: given, complaints: wrongValues } = valuesOf(answers);
  const values = new Map([...(sources.typed ?? []).map((name) => [name, { typed: name }] as const), ...given]);
  complain(wrongValues);
  const subscription = await sources.subscriptions.choose(
    whole.value.subscription,
    complaints,
    placeOf(['subscription']),
  );

  // A file whose text is broken lacks everything; that is its echo.
  const gaps = new Map<Complaint, string>();
  if (!broken(text)) {
    complain(missing(whole.value, merged.chosen, subscription, wrong, sources, placeOf, gaps));
  }
  const candidates = (whole.value.workloads ?? []).map((shape, index) =>
    candidate(shape, index, whole.value, subscription ?? '', methods, placeOf, complaints),
  );
  const chosen = candidates.filter(({ index }) => merged.chosen.includes(index));
  complain(rules(candidates, methods, placeOf), accounts(chosen, sources, placeOf));
  const single = chosen.length === 1 ? chosen[0] : undefined;
  if (single) complain(unknownNames(single, values, answers, wrong));

  const rotate = new Set(listOf(answers, 'rotate'));
  const others = candidates.filter((one) => !chosen.includes(one) && isWhole(one)).map(({ workload }) => workload);
  const spec = {
    subscription: subscription ?? '',
    cluster: clusterOf(whole.value),
    workloads: chosen.map(({ workload }) => (single ? withValues(workload, values, rotate) : workload)),
    ...(others.length > 0 && { others }),
  };
  return {
    complaints: inOrder(complaints),
    gaps,
    spec,
    ...(single && { workload: spec.workloads[0]!, shape: single.shape }),
  };
}

/** Of a workload that was not chosen nobody is told what it lacks. */
const isWhole = ({ workload: { namespace, method, vault } }: Candidate): boolean =>
  namespace !== '' && method !== '' && vault.name !== '';

const broken = (text: ReturnType<typeof readTree> | undefined): boolean =>
  text !== undefined && text.complaints.length > 0 && Object.keys(Object(text.root)).length === 0;

/** Complaints of the file by line, then the rest. */
function inOrder(complaints: readonly Complaint[]): Complaint[] {
  const seen = new Set<string>();
  return complaints
    .filter(({ message, line }) => !seen.has(`${line} ${message}`) && seen.add(`${line} ${message}`))
    .toSorted((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
}

function clusterOf({ cluster }: FileShape): ClusterWish {
  const { resourceGroup = '', name = '', create } = cluster ?? {};
  const made = create && {
    location: create.location ?? '',
    nodeCount: create.nodeCount ?? 1,
    nodeSize: create.nodeSize ?? 'Standard_D2s_v5',
  };
  return { resourceGroup, name, ...(made && { create: made }) };
}

function vaultOf(shape: VaultShape | undefined, group: string): VaultWish {
  const create = shape?.create === true ? {} : shape?.create || undefined;
  return {
    resourceGroup: shape?.resourceGroup ?? group,
    name: shape?.name ?? '',
    ...(create && {
      create: {
        ...(create.location && { location: create.location }),
        purgeProtection: create.purgeProtection ?? false,
      },
    }),
  };
}

function candidate(
  shape: WorkloadShape,
  index: number,
  file: FileShape,
  subscription: string,
  methods: readonly Method[],
  placeOf: (path: Path) => Place,
  complaints: Complaint[],
): Candidate {
  const cluster = clusterOf(file);
  const { name, namespace = '', sample } = shape;
  const method = methods.find((one) => one.name === shape.method);
  const image = typeof sample === 'object' ? sample.image : SAMPLE_IMAGE;
  const workload: Workload = {
    name,
    namespace,
    serviceAccount: shape.serviceAccount ?? name,
    method: shape.method ?? '',
    vault: vaultOf(shape.vault ?? file.vault, cluster.resourceGroup),
    identity: shape.appRegistration
      ? { kind: 'app registration', name: shape.appRegistration.name }
      : {
          resourceGroup: shape.identity?.resourceGroup ?? cluster.resourceGroup,
          name: shape.identity?.name ?? identityName(clusterIdOf(subscription, cluster), { namespace, name }),
        },
    secrets: [...refs('secret', shape.secrets), ...refs('key', shape.keys), ...refs('certificate', shape.certificates)],
    roleScope: shape.roleScope ?? 'vault',
    ...(sample && { sample: { image } }),
    options:
      method &&
      optionsOf(method, shape, (flag, message) => {
        const place = placeOf(['workloads', index, ...(flag ? [camel(flag)] : [])]);
        // The place names the flag; a line of the file has it as a key.
        const subject = 'said' in place ? '' : `${camel(flag ?? '')} `;
        complaints.push(at(place, flag ? message.replace(`--${flag} `, subject) : message));
      }),
  };
  return { index, shape, workload, namedIdentity: (shape.appRegistration ?? shape.identity)?.name !== undefined };
}

/** Asks the method what it makes of its own answers: of each alone, so that all that is wrong is said, then of all. */
function optionsOf(
  method: Method,
  shape: WorkloadShape,
  complain: (flag: string | undefined, message: string) => void,
): unknown {
  const given = shape as Readonly<Record<string, unknown>>;
  const answers = Object.fromEntries(
    method.questions.flatMap(({ flag }) => {
      const value = given[camel(flag)];
      return value === undefined || value === false ? [] : [[flag, String(value)] as const];
    }),
  );
  const tried = (some: Readonly<Record<string, string>>, flag?: string): { options?: unknown; wrong: boolean } => {
    try {
      return { options: method.options(some), wrong: false };
    } catch (error) {
      complain(flag, error instanceof Error ? error.message : String(error));
      return { wrong: true };
    }
  };
  const wrong = Object.entries(answers).filter(([flag, value]) => tried({ [flag]: value }, flag).wrong);
  return wrong.length > 0 ? undefined : tried(answers).options;
}

function refs(kind: SecretRef['kind'], items: WorkloadShape['secrets']): SecretRef[] {
  return (items ?? []).map((item) => {
    if (typeof item === 'string') return { kind, name: item, as: item };
    return { kind, name: item.name, as: item.as ?? item.name, ...(item.value && { value: item.value }) };
  });
}

function withValues(
  workload: Workload,
  values: ReadonlyMap<string, ValueSource>,
  rotate: ReadonlySet<string>,
): Workload {
  const secrets = workload.secrets.map((secret) => {
    const value = secret.kind === 'secret' ? (values.get(secret.name) ?? secret.value) : undefined;
    return { ...secret, ...(value && { value }), ...(rotate.has(secret.name) && { rotate: true }) };
  });
  return { ...workload, secrets };
}

/** Values and rotations are for the secrets that the workload gets, and a rotation needs a value. */
function* unknownNames(
  { workload }: Candidate,
  values: ReadonlyMap<string, ValueSource>,
  answers: Answers,
  wrong: (path: Path) => boolean,
): Iterable<Complaint> {
  if (wrong(['workloads', 0, 'secrets']) || workload.secrets.length === 0) return;
  const secrets = workload.secrets.filter(({ kind }) => kind === 'secret');
  const names = secrets.map(({ name }) => name);
  for (const [flag, wanted] of [
    ['secret-value', [...values.keys()]],
    ['rotate', listOf(answers, 'rotate')],
  ] as const) {
    for (const name of wanted.filter((one) => !names.includes(one))) {
      const like = nearest(name, names);
      const hint = like ? `Did you mean "${like}"?` : `Add --secret ${name}.`;
      yield { message: `${answers.get(flag)!.said}: ${workload.name} gets no secret "${name}". ${hint}` };
    }
  }
  for (const name of listOf(answers, 'rotate').filter((one) => names.includes(one))) {
    if (values.has(name) || secrets.some((secret) => secret.name === name && secret.value)) continue;
    yield {
      message: `${answers.get('rotate')!.said}: ${name} needs its new value: add --secret-value ${name}=env:VARIABLE.`,
    };
  }
}

/** The account that every pod of a namespace has unless it says otherwise; whoever may start a pod there would be let in. */
function* accounts(
  chosen: readonly Candidate[],
  { allow, removes }: Sources,
  placeOf: (path: Path) => Place,
): Iterable<Complaint> {
  if (removes || allow.has('default-service-account')) return;
  for (const { index, workload } of chosen.filter(({ workload }) => workload.serviceAccount === 'default')) {
    yield at(placeOf(['workloads', index, 'serviceAccount']), {
      message: `${workload.name} would use the service account "default" of ${workload.namespace}: every pod there that names none could read the secrets.`,
      fix: { say: 'Take a service account of its own, or consent by --allow default-service-account.' },
    });
  }
}

const SIGN_IN = { say: 'Or sign in: the default subscription of the Azure CLI is taken then.', run: 'az login' };

/** What nobody gave, each with the flag that gives it. */
function* missing(
  file: FileShape,
  chosen: readonly number[],
  subscription: string | undefined,
  wrong: (path: Path) => boolean,
  sources: Sources,
  placeOf: (path: Path) => Place,
  gaps: Map<Complaint, string>,
): Iterable<Complaint> {
  const ask = (
    flag: string,
    what: string,
    path: Path,
    key = path.join('.'),
    more: Pick<Complaint, 'fix'> = {},
  ): Complaint | undefined => {
    if (wrong(path)) return undefined;
    const message = `Missing: ${what}. Give it by ${sources.describe(flag)}${sources.file ? `, or ${key} in ${sources.file.path}` : ''}.`;
    const complaint = { message, ...more };
    gaps.set(complaint, flag);
    return complaint;
  };
  const all: (Complaint | undefined)[] = [];
  if (subscription === undefined && file.subscription === undefined) {
    all.push(ask('subscription', 'the subscription', ['subscription'], 'subscription', { fix: SIGN_IN }));
  }
  if (!file.cluster?.name) all.push(ask('cluster', 'the AKS cluster', ['cluster', 'name']));
  if (!file.cluster?.resourceGroup)
    all.push(ask('resource-group', "the cluster's resource group", ['cluster', 'resourceGroup']));
  if (file.cluster?.create && !file.cluster.create.location) {
    all.push(ask('location', 'the region of the cluster to be made', ['cluster', 'create', 'location']));
  }
  const workloads = file.workloads ?? [];
  const several = workloads.length > 1;
  for (const index of chosen) {
    const workload = workloads[index];
    if (!workload) continue;
    if (workload.name === UNNAMED) {
      all.push(ask('workload', 'a workload', ['workloads'], 'workloads'));
    }
    const gap = (flag: string, what: string, key: string): void => {
      const path: Path = ['workloads', index, key];
      if (!several) all.push(ask(flag, what, path, `workloads[${index}].${key}`));
      else if (!wrong(path)) all.push(at(placeOf(['workloads', index]), `${labelOf(workload, index)} lacks ${key}.`));
    };
    if (!workload.namespace) gap('namespace', 'the namespace', 'namespace');
    if (!workload.method) {
      gap('method', `the method (${sources.methods.map(({ name }) => name).join(', ')})`, 'method');
    }
    if (!(workload.vault ?? file.vault)?.name && !wrong(['vault']) && !wrong(['vault', 'name'])) {
      if (workload.vault) gap('vault', 'the Key Vault', 'vault');
      else all.push(ask('vault', 'the Key Vault', ['vault', 'name']));
    }
    const given = [workload.secrets, workload.keys, workload.certificates].some((list) => list && list.length > 0);
    const method = sources.methods.find(({ name }) => name === workload.method);
    const options = method?.lists && optionsOf(method, workload, () => undefined);
    // Of options that are wrong, that is said already.
    if (method?.lists && (options === undefined || method.lists(options))) continue;
    const lost = ['keys', 'certificates'].some((key) => wrong(['workloads', index, key]));
    if (!given && !lost && !sources.removes) gap('secret', 'what the pod gets', 'secrets');
  }
  for (const complaint of all) if (complaint) yield complaint;
}
