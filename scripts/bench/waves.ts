/** How much a run asks, how often it waits for an answer, and how far its time is from that of the answers it waits for. */
import { type Account, account, type Command, floorOf, METHODS, type Method } from './floor.ts';
import { type Figure, median, milliseconds, missedOf, type Section, table, times } from './section.ts';
import { begin, DEMO, type Run, type World } from './world.ts';

/** Milliseconds that every answer takes. */
const LATENCIES = [0, 50, 200] as const;
const TURNS = 5;
const COMMANDS: readonly Command[] = ['fresh', 'again', 'verify'];
const SAYS: Readonly<Record<Command, string>> = { fresh: 'init, fresh', again: 'init again', verify: 'verify' };

type Runs = Readonly<Record<Command, Run>>;

export async function requestsAndWaves(): Promise<Section> {
  const counts: (readonly string[])[] = [];
  const walls: (readonly string[])[] = [];
  const list: Figure[] = [];
  for (const method of METHODS) {
    const world = await begin();
    try {
      // Its features are on and what it needs is installed, so that no operation of minutes is in what follows.
      await world.run(
        `init --method ${method} ${DEMO} --workload first --namespace first --yes --allow cluster,irreversible,install`,
      );
      world.sandbox.settings.waves = true;
      const counted = await runs(world, method, 'counted');
      world.sandbox.settings.waves = false;
      const timed = await timesOf(world, method);
      for (const command of COMMANDS) {
        const accounted = account(method, command, counted[command].requests);
        counts.push(countRow(method, command, accounted));
        const what = `${method}, ${SAYS[command]}`;
        const unexplained = accounted.unexplained.length;
        list.push(
          { what: `${what}: unexplained`, is: `${unexplained}`, value: unexplained, target: 0 },
          {
            what: `${what}: waves`,
            is: `${accounted.waves}`,
            value: accounted.waves,
            target: accounted.expectedWaves,
          },
        );
        const [bare] = timed[command];
        const ratios = LATENCIES.slice(1).map((latency, index) => {
          const critical = accounted.waves * latency + bare!;
          return { latency, critical, time: timed[command][index + 1]!, ratio: timed[command][index + 1]! / critical };
        });
        for (const { latency, ratio } of ratios)
          list.push({ what: `${what}, ${latency} ms: wall time`, is: times(ratio), value: ratio, target: 1.15 });
        walls.push([
          method,
          SAYS[command],
          milliseconds(bare!),
          ...ratios.map(({ time, ratio }) => `${milliseconds(time)}, ${times(ratio)}`),
        ]);
      }
    } finally {
      await world.close();
    }
  }
  const missed = missedOf(list);
  return {
    name: 'waves',
    missed,
    markdown: [
      '## Requests and waves',
      'On a sandbox whose cluster has what the method needs, for a workload with two secrets and no sample. A *wave* is what one waits for at once: the sandbox holds all answers until nobody asks any more, then gives them together, so the count does not depend on time. The floor is what nobody can do without: one read of each thing before anything is shown or made, and one write of each that is to be made.',
      table(['method', 'run', 'requests', 'floor', 'beyond it', 'twice or unexplained', 'waves', 'floor'], counts),
      'Beyond the floor: *looks* (who is asked in which subscription, whether each secret is there, whether the provider of identities is registered, whether what was installed runs), the *credentials* of the cluster, the *proof* (a token, its exchange, and each secret), the *outcome* (what the operator made of it). Waves beyond it: one for those credentials, three for the proof, which are a chain; for the External Secrets Operator two for what is made only once access is proven, and two for its outcome. `verify` looks at all that may be broken: its requests are counted, not accounted for.',
      `Wall time when every answer takes 50 and 200 ms, against the critical path (waves times latency, and what the same run took at no latency); medians of ${TURNS}, in one process with the sandbox, which computes all answers. Target: at most 1.15 times.`,
      table(['method', 'run', 'at 0 ms', 'at 50 ms', 'at 200 ms'], walls),
      missed.length === 0 ? 'All targets are met.' : `Missed: ${missed.join('; ')}.`,
    ].join('\n\n'),
  };
}

async function runs(world: World, method: Method, namespace: string): Promise<Runs> {
  const workload = `--method ${method} ${DEMO} --workload orders --namespace ${namespace}`;
  return {
    fresh: await world.run(`init ${workload} --yes`),
    again: await world.run(`init ${workload} --yes`),
    verify: await world.run(`verify ${workload}`),
  };
}

/** Medians, in the order of the latencies. Each turn has a workload of its own for each of them. */
async function timesOf(world: World, method: Method): Promise<Readonly<Record<Command, readonly number[]>>> {
  const took = LATENCIES.map((): Record<Command, number[]> => ({ fresh: [], again: [], verify: [] }));
  for (let turn = 0; turn < TURNS; turn += 1) {
    for (const [index, latency] of LATENCIES.entries()) {
      world.sandbox.settings.latency = latency;
      const done = await runs(world, method, `turn-${turn}-${latency}`);
      for (const command of COMMANDS) took[index]![command].push(done[command].time);
    }
  }
  world.sandbox.settings.latency = 0;
  const medians = (command: Command) => took.map((each) => median(each[command]));
  return { fresh: medians('fresh'), again: medians('again'), verify: medians('verify') };
}

function countRow(method: Method, command: Command, counted: Account): readonly string[] {
  const { requests, beyond, unexplained, waves, floorWaves } = counted;
  const besides = Object.entries(beyond).flatMap(([reason, names]) =>
    names.length > 0 ? [`${reason} ${names.length}`] : [],
  );
  return [
    ...[method, SAYS[command], String(requests)],
    command === 'verify' ? '' : String(floorOf(method, command)),
    besides.join(', '),
    command === 'verify' ? '' : String(unexplained.length),
    String(waves),
    String(floorWaves),
  ];
}
