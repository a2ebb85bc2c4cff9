import { type Complaint, Complaints } from '../complaint.ts';
import type { Change } from '../engine/events.ts';
import { graphOf } from '../engine/graph.ts';
import type { Observations } from '../engine/observe.ts';
import { knownTo } from '../engine/plan.ts';
import type { Fact, Facts } from '../facts.ts';
import { clean } from '../report/text.ts';
import { variable, word } from '../shell.ts';
import type { Check, Judged, Known, Needs, Ref, Step, StepId } from '../step.ts';
import { KNOWN_AFTER_APPLY } from '../step.ts';
import type { Spec } from '../workload.ts';
import { credentialsOf, type Preamble, prelude } from './prelude.ts';

export interface Material {
  readonly spec: Spec;
  readonly steps: readonly Step[];
  readonly checks: readonly Check[];
  readonly observations: Observations;
  /** The plan over the same observations. */
  readonly changes: readonly Change[];
}

/** One step in the script: what is said of it, what is run, and what it is asked afterwards. */
interface Block {
  readonly comments: readonly string[];
  readonly lines: readonly string[];
  /** Variable → the command that prints it. */
  readonly asks: readonly { readonly name: string; readonly line: string }[];
}

/**
 * The plan as a bash script: what is missing as lines, what is as wanted as a comment. Facts that exist are literals;
 * the others are read back into variables behind the lines that make them. Nothing of it is blocked.
 * @throws {Complaints} for a step that has no lines
 */
export function script(material: Material, preamble: Preamble): string {
  const { spec, steps, checks, observations } = material;
  const changes = new Map(material.changes.map((change) => [change.id, change]));
  const facts = new Map<StepId, Facts>();
  const byId = new Map(steps.map((step) => [step.id, step]));
  const names = namesFor(steps);
  const complaints: Complaint[] = [];

  const fillingOf = ({ step, fact }: Ref): string =>
    facts.get(step)?.[fact] ?? (byId.get(step)?.asks?.[fact] ? variable(names(step, fact)) : KNOWN_AFTER_APPLY);
  const knownAs = (needs: Needs): Known<Needs> =>
    Object.fromEntries(Object.entries(needs).map(([name, need]) => [name, fillingOf(need)]));

  const blockOf = (step: Step): Block => {
    const change = changes.get(step.id);
    const observed = observations.get(step.id);
    const seen = observed && 'seen' in observed ? observed.seen : undefined;
    const judged =
      observed && 'seen' in observed
        ? step.judge(
            seen,
            knownTo(step, (id) => facts.get(id)),
          )
        : undefined;
    facts.set(step.id, judged?.facts ?? {});
    const isWell = change?.action === 'keep' && judged?.state !== 'settling';
    const asks = Object.entries(step.asks ?? {}).flatMap(([fact, line]) =>
      judged?.facts[fact as Fact] === undefined ? [{ name: names(step.id, fact as Fact), line }] : [],
    );
    if (isWell) return { comments: step.quiet ? [] : [`${called(step)}: as wanted`], lines: [], asks };
    const lines = linesOf(step, seen, knownAs(step.needs));
    if (!lines) {
      // What is said only when there is something to change is no part of what the workload needs.
      if (!step.quiet) complaints.push({ message: `There is no line of a script for ${called(step)}.` });
      return { comments: [`${called(step)}: left to aks-secrets init`], lines: [], asks };
    }
    if (lines.some((line) => line.includes(KNOWN_AFTER_APPLY)))
      complaints.push({ message: `A script cannot know what ${called(step)} needs before the rest is there.` });
    return { comments: lines.length > 0 || !step.quiet ? saying(step, judged) : [], lines, asks };
  };

  const blocks = graphOf(steps, checks).map((place): Block & { readonly cluster: boolean } => {
    if ('step' in place) return { ...blockOf(place.step), cluster: place.step.side === 'Kubernetes' };
    const { check } = place;
    const lines = check.recipe?.(knownAs(check.needs)) ?? [];
    if (lines.some((line) => line.includes(KNOWN_AFTER_APPLY)))
      complaints.push({
        message: `A script cannot know what the proof needs before the rest is there: ${check.title}.`,
      });
    return { comments: lines.length > 0 ? [`proof: ${check.title}`] : [], lines, asks: [], cluster: true };
  });
  if (complaints.length > 0) throw new Complaints(complaints, 1);

  const used = (name: string): boolean => {
    const written = new RegExp(`\\$(${name}\\b|\\{${name}\\})`);
    return blocks.some(({ lines }) => lines.some((line) => written.test(line)));
  };
  let connected = false;
  let first = true;
  const body = blocks
    .flatMap(({ comments, lines, asks, cluster }) => {
      const facts = asks.filter(({ name }) => used(name)).flatMap(({ name, line }) => asking(name, line));
      const rows = [...comments.map(comment), ...lines, ...facts];
      if (rows.length === 0) return [];
      // What is as wanted stands in one block.
      const text = `${rows.length === 1 && lines.length === 0 && !first ? '' : '\n'}${rows.join('\n')}\n`;
      first = lines.length > 0;
      if (!cluster || lines.length + facts.length === 0 || connected) return [text];
      connected = true;
      return [credentialsOf(spec.cluster), text];
    })
    .join('');
  return prelude(body, preamble) + body;
}

/** An answer that is empty is no answer: nothing is built on it. */
const asking = (name: string, line: string): readonly string[] => [
  `${name}="$(${line})"`,
  `: "\${${name}:?is not there}"`,
];

const called = ({ kind, subject }: Pick<Step, 'kind' | 'subject'>): string => `${kind} ${subject}`;

/** Whatever a name or a note holds, a comment is one line. */
const comment = (text: string): string => `# ${clean(text).replaceAll(/\s+/g, ' ')}`;

function saying(step: Step, judged: Judged | undefined): readonly string[] {
  const { note, differences = [] } = judged ?? {};
  return [
    called(step) + (note === undefined ? '' : ` (${note})`),
    ...differences.map(
      ({ path, is, want, warning }) =>
        `  ${path}: ${is} -> ${want === KNOWN_AFTER_APPLY ? 'see below' : want}${warning ? ` (${warning})` : ''}`,
    ),
  ];
}

/** What a script runs for a step; nothing when it has no words for that. */
function linesOf(step: Step, seen: unknown, known: Known<Needs>): readonly string[] | undefined {
  if (step.recipe) return step.recipe(seen, known);
  // Written for people: its values stand as they are, so only a variable is put into quotes here.
  return step
    .byHand?.(known)
    .split(' && ')
    .map((line) => line.replaceAll(/\u{E000}\w+\u{E001}/gu, word));
}

/** `client_id`, or `client_id_orders_id` where another step's is called so already. Asked in the order of the script. */
function namesFor(steps: readonly Step[]): (step: StepId, fact: Fact) => string {
  const names = new Map<string, string>();
  const subjects = new Map(steps.map(({ id, subject }) => [id, subject]));
  return (step, fact) => {
    const key = `${step} ${fact}`;
    const known = names.get(key);
    if (known !== undefined) return known;
    const taken = new Set(names.values());
    const longer = snake(`${fact}_${subjects.get(step)}`);
    const free = [snake(fact), longer, ...[2, 3, 4, 5, 6, 7, 8, 9].map((number) => `${longer}_${number}`)];
    const name = free.find((one) => !taken.has(one)) ?? snake(key);
    names.set(key, name);
    return name;
  };
}

const snake = (text: string): string =>
  text
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_');
