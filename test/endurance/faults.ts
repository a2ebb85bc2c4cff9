import type { Faults } from '../../src/sandbox/faults.ts';
import type { LogEntry } from '../../src/sandbox/index.ts';
import { begin } from '../stories/harness.ts';
import { FAULTS, type Fault } from './fault-kinds.ts';
import { type Against, eachOf, judged, undisturbed } from './judge.ts';
import type { Scenario } from './scenarios.ts';
import { ALL, tally } from './tally.ts';

/** One request of a run: the nth of its kind, since the order of those side by side is chance. */
export interface Point {
  readonly method: string;
  readonly host: string;
  /** What is chance in it stands as `*`. */
  readonly path: string;
  readonly nth: number;
  readonly kind: LogEntry['kind'];
}

const CHANCE = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?<=\/pods\/)[^/]+/g;
const keyOf = ({ method, host, path }: LogEntry) => ({ method, host, path: path.replace(CHANCE, '*') });
const textOf = ({ method, host, path }: Pick<Point, 'method' | 'host' | 'path'>) => `${method} ${host}${path}`;
const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const patternOf = (path: string) => new RegExp(`^${path.split('*').map(literally).join('[^/]+')}$`);

/** The requests of a run, each as the nth of its kind. */
function pointsOf(requests: readonly LogEntry[]): Point[] {
  const seen = new Map<string, number>();
  return requests.map((entry) => {
    const key = keyOf(entry);
    const nth = seen.get(textOf(key)) ?? 0;
    seen.set(textOf(key), nth + 1);
    return { ...key, nth, kind: entry.kind };
  });
}

/** Real milliseconds. Who is never answered four times gives up; who is not answered once must not wait too short. */
const PATIENCE = { once: 2_000, stays: 500 } as const;

/**
 * The run with this fault at this request, once or from then on; then, without it, the run again. Answers what is not
 * as promised, in words.
 */
async function suffer(
  scenario: Scenario,
  against: Against,
  point: Point,
  fault: Fault,
  times: 'once' | 'stays',
): Promise<string[]> {
  const { words, more, from, name } = scenario;
  const story = await begin({}, await from());
  try {
    const match = { ...point, path: patternOf(point.path), after: point.nth, outside: true } as const;
    const reply: Parameters<Faults['failAt']>[1] = fault.reply(point);
    story.sandbox.faults.failAt(match, reply, times === 'once' ? 1 : undefined);
    const patience = reply === 'silence' ? { answerWithin: PATIENCE[times] } : {};
    const first = await story.run(`${words} -v`, { ...more, ...patience });
    const met = first.requests.filter((entry) => textOf(keyOf(entry)) === textOf(point)).length > point.nth;
    story.sandbox.faults.heal();
    const what = `${fault.name}${times === 'once' ? '' : ', for good'}${met ? '' : ', not met'}`;
    return await judged(story, scenario, against, first, { part: 'faults', run: name, what });
  } finally {
    await story.close();
  }
}

/** Every fault at every request, or at every nth; and some that do not pass. Answers what went wrong, one entry each. */
export async function endure(scenario: Scenario, step: number): Promise<string[]> {
  const against = await undisturbed(scenario);
  const all = pointsOf(against.requests);
  const points = all.filter((_, index) => ALL || index % step === 0);
  const once = points.flatMap((point) => faultsAt(point).map((fault) => [point, fault, 'once'] as const));
  const stays = once
    .filter(([, fault]) => fault.mayStay)
    .filter((_, index) => ALL || index % 11 === 0)
    .map(([point, fault]) => [point, fault, 'stays'] as const);
  const wrong: string[] = [];
  await eachOf([...once, ...stays], 4, async ([point, fault, times]) => {
    const found = await suffer(scenario, against, point, fault, times);
    wrong.push(...found.map((said) => `${fault.name} (${times}) at ${textOf(point)} #${point.nth}: ${said}`));
  });
  tally({ part: 'requests', run: scenario.name, all: all.length, met: points.length });
  return wrong;
}

const faultsAt = ({ kind }: Point): readonly Fault[] => FAULTS.filter(({ only }) => !only || only.includes(kind));
