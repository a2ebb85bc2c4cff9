import type { Complaint } from '../complaint.ts';
import type { Method } from '../methods/method.ts';
import { type ValueSource, variableFor, type Workload } from '../workload.ts';
import { UNNAMED } from './merge.ts';
import { camel, isNodeResourceGroup } from './names.ts';
import type { Path } from './path.ts';
import type { WorkloadShape } from './schema.ts';
import { at, list, type Place } from './validate.ts';

/** A workload as it was written and as it came out, with its place in the file. */
export interface Candidate {
  readonly index: number;
  readonly shape: WorkloadShape;
  readonly workload: Workload;
  /** Whether its identity's name was given; else it is made from its own names. */
  readonly namedIdentity: boolean;
}
/** How a workload is called in a sentence; one whose name is missing or wrong is called by its place. */
export const labelOf = ({ name }: { readonly name: string }, index: number): string =>
  name.startsWith(UNNAMED) ? `workloads[${index}]` : name;

type PlaceOf = (path: Path) => Place;

/** What cannot be true together: of one workload, and of several. */
export function rules(candidates: readonly Candidate[], methods: readonly Method[], placeOf: PlaceOf): Complaint[] {
  return [
    ...candidates.flatMap((candidate) => [...ofOne(candidate, methods, placeOf)]),
    ...sameNames(candidates, placeOf),
    ...sameAccounts(candidates, placeOf),
    ...sameIdentities(candidates, placeOf),
    ...wholeCluster(candidates, methods, placeOf),
    ...writtenSecrets(candidates, methods, placeOf),
    ...vaults(candidates, placeOf),
    ...values(candidates, placeOf),
  ];
}

/** A label's value has at most 63 letters (Kubernetes, "Labels and Selectors"). */
const LONGEST_SAMPLED = 63 - '-sample'.length;

function* ofOne(
  { index, shape, workload }: Candidate,
  methods: readonly Method[],
  placeOf: PlaceOf,
): Iterable<Complaint> {
  const own: Path = ['workloads', index];
  const seen = new Map<string, Path>();
  for (const list of ['secrets', 'keys', 'certificates'] as const) {
    for (const [position, item] of (shape[list] ?? []).entries()) {
      const as = typeof item === 'string' ? item : (item.as ?? item.name);
      const path: Path = [...own, list, position];
      const before = seen.get(as);
      if (before) {
        const first = placeOf(before);
        const where = 'line' in first ? ` (also line ${first.line})` : '';
        yield at(
          placeOf(path),
          `Two of ${labelOf(workload, index)}'s secrets are called "${as}" in the pod${where}; give one another name by "as".`,
        );
      } else seen.set(as, path);
    }
  }
  if (shape.identity && shape.appRegistration) {
    // A flag gives the name alone, and not what it is in.
    const placeOfKey = (key: string): Place => {
      const whole = placeOf([...own, key]);
      return 'line' in whole ? whole : placeOf([...own, key, 'name']);
    };
    const other = placeOfKey('identity');
    const where = 'line' in other ? ` (line ${other.line})` : ` (${other.said})`;
    yield at(placeOfKey('appRegistration'), {
      message: `${labelOf(workload, index)} is to become an app registration and a managed identity${where}; a pod is one of them.`,
      fix: { say: 'Keep the managed identity, unless the vault is of another tenant.' },
    });
  }
  if (workload.identity.resourceGroup && isNodeResourceGroup(workload.identity.resourceGroup)) {
    yield at(placeOf([...own, 'identity', 'resourceGroup']), {
      message: `${workload.identity.resourceGroup} is the cluster's node resource group: AKS owns it, and what lies there goes with the cluster.`,
      fix: { say: 'Name the resource group that the cluster itself lies in.' },
    });
  }
  if (workload.sample && workload.name.length > LONGEST_SAMPLED) {
    yield at(
      placeOf([...own, 'name']),
      `The name of a workload with a sample has ${workload.name.length} letters; ${LONGEST_SAMPLED} fit, since the sample is called "<name>-sample" and its label takes 63.`,
    );
  }
  const method = methods.find(({ name }) => name === workload.method);
  if (!method) return;
  yield* notCarried({ index, shape, workload }, method, methods, placeOf);
  if (workload.roleScope === 'secret' && workload.options !== undefined && method.lists?.(workload.options)) {
    yield at(
      placeOf([...own, 'roleScope']),
      `${labelOf(workload, index)} looks through the vault, and a role on single secrets does not let it: take the role scope vault, or name the secrets.`,
    );
  }
  const options = shape as Readonly<Record<string, unknown>>;
  for (const other of new Set(methods.flatMap(({ questions }) => questions.map(({ flag }) => flag)))) {
    if (options[camel(other)] === undefined || method.questions.some(({ flag }) => flag === other)) continue;
    const takers = methods
      .filter(({ questions }) => questions.some(({ flag }) => flag === other))
      .map(({ name }) => name);
    yield at(
      placeOf([...own, camel(other)]),
      `${camel(other)} (--${other}) is for ${list(takers)}, and ${labelOf(workload, index)} is delivered by ${workload.method}.`,
    );
  }
}

/** What the file asks for and the method cannot bring into a pod, each with what to do instead. */
function* notCarried(
  { index, shape, workload }: Pick<Candidate, 'index' | 'shape' | 'workload'>,
  method: Method,
  methods: readonly Method[],
  placeOf: PlaceOf,
): Iterable<Complaint> {
  for (const [key, kind] of [
    ['secrets', 'secret'],
    ['keys', 'key'],
    ['certificates', 'certificate'],
  ] as const) {
    if (method.carries.includes(kind)) continue;
    const others = list(methods.filter(({ carries }) => carries.includes(kind)).map(({ name }) => name));
    for (const [position, item] of (shape[key] ?? []).entries()) {
      const name = typeof item === 'string' ? item : item.name;
      // Key Vault keeps a certificate with its private key as a secret of the same name.
      const asSecret = kind === 'certificate' && method.carries.includes('secret');
      yield at(placeOf(['workloads', index, key, position]), {
        message: `${name} is a ${kind}, and ${method.name}, by which ${labelOf(workload, index)} is delivered, brings ${list(method.carries.map((each) => `${each}s`))} only.`,
        fix: {
          say: [
            ...(asSecret
              ? [`For the certificate with its private key name it as a secret (secrets: ${name}, --secret ${name}).`]
              : []),
            `Its public part is delivered by ${others}.`,
          ].join(' '),
        },
      });
    }
  }
}

/** Pairs each later one with the first of its group. */
function* pairs<T>(all: readonly T[], keyOf: (one: T) => string | undefined): Iterable<readonly [first: T, later: T]> {
  const firsts = new Map<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    if (key === undefined) continue;
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, one);
    else yield [first, one];
  }
}

/** A complaint about two places of the file: it stands at the later one and names the line of the first. */
function both(first: Place, later: Place, message: (lines: string) => string): Complaint {
  const lines = 'line' in first && 'line' in later ? ` (lines ${first.line} and ${later.line})` : '';
  return at(later, message(lines));
}

function* sameNames(candidates: readonly Candidate[], placeOf: PlaceOf): Iterable<Complaint> {
  for (const [a, b] of pairs(candidates, ({ workload }) => workload.name)) {
    yield both(
      placeOf(['workloads', a.index, 'name']),
      placeOf(['workloads', b.index, 'name']),
      (lines) => `Two workloads are called "${b.workload.name}"${lines}; each needs a name of its own.`,
    );
  }
}

function* sameAccounts(candidates: readonly Candidate[], placeOf: PlaceOf): Iterable<Complaint> {
  const account = ({ workload }: Candidate) => `${workload.namespace}/${workload.serviceAccount}`;
  for (const [a, b] of pairs(candidates, account)) {
    if (identityOf(a) === identityOf(b) || a.workload.name === b.workload.name) continue;
    yield both(
      placeOf(['workloads', a.index]),
      placeOf(['workloads', b.index]),
      (lines) =>
        `${a.workload.name} and ${b.workload.name} share the service account ${account(b)} and want different identities for it (${a.workload.identity.name}, ${b.workload.identity.name})${lines}; a service account has one. Give each a service account, or both the same identity.`,
    );
  }
}

/** Names that are made from other names can meet (a-b/c and a/b-c); nobody wanted those two to share rights. */
function* sameIdentities(candidates: readonly Candidate[], placeOf: PlaceOf): Iterable<Complaint> {
  for (const [a, b] of pairs(candidates, identityOf)) {
    if ((a.namedIdentity && b.namedIdentity) || a.workload.name === b.workload.name) continue;
    yield both(
      placeOf(['workloads', a.index]),
      placeOf(['workloads', b.index]),
      (lines) =>
        `${a.workload.name} and ${b.workload.name} would share the identity ${b.workload.identity.name}${lines}; name an identity for one of them.`,
    );
  }
}

const identityOf = ({ workload: { identity } }: Candidate): string =>
  `${identity.resourceGroup ?? identity.kind}/${identity.name}`.toLowerCase();

/** A setting of the whole cluster has one value. */
function* wholeCluster(
  candidates: readonly Candidate[],
  methods: readonly Method[],
  placeOf: PlaceOf,
): Iterable<Complaint> {
  for (const method of methods) {
    for (const { flag } of method.questions.filter(({ wholeCluster }) => wholeCluster)) {
      const wanting = candidates.flatMap(({ index, shape, workload }) => {
        const want = (shape as Readonly<Record<string, unknown>>)[camel(flag)];
        return workload.method === method.name && want !== undefined ? [{ index, workload, want: String(want) }] : [];
      });
      for (const [a, b] of pairs(wanting, () => '')) {
        if (a.want === b.want) continue;
        yield both(
          placeOf(['workloads', a.index, camel(flag)]),
          placeOf(['workloads', b.index, camel(flag)]),
          (lines) =>
            `${a.workload.name} wants ${camel(flag)} ${a.want} and ${b.workload.name} wants ${b.want}${lines}; it is a setting of the whole cluster, and there is one.`,
        );
      }
    }
  }
}

/** A Kubernetes Secret that two write would hold what the last one wrote, or the second is refused. */
function* writtenSecrets(
  candidates: readonly Candidate[],
  methods: readonly Method[],
  placeOf: PlaceOf,
): Iterable<Complaint> {
  const written = candidates.flatMap(({ index, workload }) => {
    const method = methods.find(({ name }) => name === workload.method);
    const secret = workload.options === undefined ? undefined : method?.writesSecret?.(workload);
    return secret === undefined ? [] : [{ index, workload, secret: `${workload.namespace}/${secret}` }];
  });
  for (const [a, b] of pairs(written, ({ secret }) => secret)) {
    if (a.workload.name === b.workload.name) continue;
    yield both(
      placeOf(['workloads', a.index]),
      placeOf(['workloads', b.index]),
      (lines) =>
        `${a.workload.name} and ${b.workload.name} would both write the Secret ${b.secret}${lines}; give one another name by syncSecret (--sync-secret).`,
    );
  }
}

/** A vault's name is its own in all of Azure, so it lies in one group and is made in one way. */
function* vaults(candidates: readonly Candidate[], placeOf: PlaceOf): Iterable<Complaint> {
  for (const [a, b] of pairs(candidates, ({ workload }) => workload.vault.name.toLowerCase())) {
    const places = [placeOf(['workloads', a.index, 'vault']), placeOf(['workloads', b.index, 'vault'])] as const;
    const [one, other] = [a.workload.vault, b.workload.vault];
    if (one.resourceGroup.toLowerCase() !== other.resourceGroup.toLowerCase()) {
      yield both(
        ...places,
        (lines) =>
          `The vault ${one.name} is said to lie in ${one.resourceGroup} and in ${other.resourceGroup}${lines}; a name is one vault.`,
      );
    } else if (one.create && other.create && JSON.stringify(one.create) !== JSON.stringify(other.create)) {
      yield both(...places, (lines) => `The vault ${one.name} is to be made in two ways${lines}; it is made once.`);
    }
  }
}

function* values(candidates: readonly Candidate[], placeOf: PlaceOf): Iterable<Complaint> {
  const given = candidates.flatMap(({ index, workload }) =>
    workload.secrets.flatMap(({ name, value }) => (value ? [{ index, name, value, vault: workload.vault.name }] : [])),
  );
  for (const [a, b] of pairs(given, ({ vault, name }) => `${vault}/${name}`.toLowerCase())) {
    if (sourceText(a.value) === sourceText(b.value)) continue;
    yield both(
      placeOf(['workloads', a.index, 'secrets']),
      placeOf(['workloads', b.index, 'secrets']),
      (lines) =>
        `${b.name} in ${b.vault} is to get its value from ${sourceText(a.value)} and from ${sourceText(b.value)}${lines}; keep one.`,
    );
  }
}

/** As `--secret-value` takes it, after the name; what was typed once is a variable the next time. */
export function sourceText(source: ValueSource): string {
  if ('typed' in source) return `env:${variableFor(source.typed)}`;
  if ('env' in source) return `env:${source.env}`;
  return 'file' in source ? `file:${source.file}` : 'stdin';
}
