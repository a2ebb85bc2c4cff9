import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Json, record, sliceOf } from '../arm/store.ts';
import { writePrivate } from '../files.ts';
import { stateOf } from '../kubernetes/open-cluster.ts';
import type { Parts, State } from '../parts.ts';
import type { WorldFaults } from '../world/break.ts';
import { CALLER } from '../world/demo.ts';
import type { Place } from '../world/put.ts';
import { ageFor, type BreakWorld, CannotBreak, type Method, MINUTE } from './break.ts';
import { breaks, notMade } from './index.ts';
import { kubectlOf } from './kubectl.ts';
import { findWorkload } from './workload.ts';

/** On which workload a failure is made: absent, `demo`. */
export interface On {
  readonly workload?: string | undefined;
  readonly namespace?: string | undefined;
  readonly method?: Method | undefined;
  /** How long it shall have been so, milliseconds of simulated time, instead of what is usual for it. */
  readonly age?: number | undefined;
}

/** A failure that was made, as it lies in the state until it is mended. */
export interface Broken extends On {
  readonly id: string;
  /** What is broken, one sentence. */
  readonly says: string;
}

export interface Breaking {
  /**
   * Makes a failure. Several may be made one after another; `mend` undoes them all.
   * @throws {CannotBreak} with the reason; the world is then as it was
   */
  break(id: string, on?: On): Promise<Broken>;
  /** Brings the world back to what it was before the first failure, whatever became of it since. Answers what was undone. */
  mend(): Promise<readonly Broken[]>;
  readonly broken: readonly Broken[];
  /** The world began anew: nothing of the one before is kept. */
  forget(): void;
}

async function azure(parts: Parts, method: string, path: string, body?: object): Promise<Json> {
  const { tenantId } = parts.state;
  const token = await parts.entra.sign({ ...CALLER, tenantId }, 'https://management.azure.com');
  const url = new URL(`https://management.azure.com${path}`);
  const reply = await parts.dispatch({
    method,
    host: url.hostname,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'user-agent': 'AZURECLI (sandbox)',
    },
    body: body ? JSON.stringify(body) : '',
  });
  const answer = record(reply.body);
  if (reply.status < 300) return answer;
  const { code, message } = record(answer.error);
  throw new CannotBreak(`Resource Manager refuses it: ${code} ${message}`);
}

/** One leap of time: what recurs within it happens once. */
const LEAP = 10 * MINUTE;

export function createBreaking(of: {
  readonly folder: string;
  readonly parts: () => Parts;
  readonly place: () => Place;
  readonly faults: WorldFaults;
  advance(milliseconds: number): void;
  settled(): Promise<void>;
  /** Replaces the whole state, and starts a world from it. */
  restore(state: State): Promise<void>;
}): Breaking {
  const { parts } = of;
  // Beside the state, which is written at every change: this is written once.
  const file = join(of.folder, 'before-break.json');
  const broken = (): readonly Broken[] => parts().state.broken ?? [];

  const back = async (before: string) => {
    const { clockOffset } = parts().state;
    // Time does not run backwards.
    await of.restore({ ...(JSON.parse(before) as State), clockOffset });
  };
  const pass = async (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= LEAP) {
      of.advance(Math.min(left, LEAP));
      await of.settled();
    }
  };

  const worldOf = (on: On): BreakWorld => {
    const arm = () => {
      const found = parts().arm.clusters()[0];
      if (!found) throw new CannotBreak('this sandbox has no cluster');
      return found;
    };
    const kubectl = kubectlOf(parts(), () => ({ host: arm().fqdn, token: stateOf(parts(), arm().id).userToken }));
    return {
      parts: parts(),
      place: of.place(),
      slice: sliceOf(parts()),
      now: () => parts().clock.now().getTime(),
      faults: of.faults,
      kubectl,
      cluster: () => sliceOf(parts()).clusters[arm().id.toLowerCase()]!,
      azure: (method, path, body) => azure(parts(), method, path, body),
      workload: () => findWorkload(parts(), kubectl, { ...on, workload: on.workload ?? 'demo' }, of.settled),
      settled: of.settled,
      pass,
      set(settings) {
        parts().state.settings = { ...parts().state.settings, ...settings };
        Object.assign(parts().settings, settings);
      },
    };
  };

  return {
    get broken() {
      return broken();
    },
    async break(id, on = {}) {
      const found = breaks.find((each) => each.id === id);
      if (!found)
        throw new CannotBreak(notMade[id] ? `${id} is not made: ${notMade[id]}` : `there is no failure ${id}`);
      if (broken().some((each) => each.id === id)) {
        throw new CannotBreak('it is so already', 'aks-secrets sandbox mend');
      }
      const world = worldOf(on);
      let method: Method | undefined;
      if (found.meets !== 'init') {
        ({ method } = await world.workload());
        if (found.methods && !found.methods.includes(method)) {
          throw new CannotBreak(`it concerns workloads by ${found.methods.join(' or ')}, and this one is by ${method}`);
        }
      }
      const before = JSON.stringify(parts().state);
      const said: Broken = { id, says: found.says, ...on };
      try {
        if (broken().length === 0) writePrivate(file, before);
        await found.broken(world);
        await of.settled();
        await pass(on.age ?? found.age ?? ageFor(method));
      } catch (error) {
        await back(before);
        if (broken().length === 0) rmSync(file, { force: true });
        throw error;
      }
      parts().state.broken = [...broken(), said];
      parts().save();
      return said;
    },
    async mend() {
      const undone = broken();
      if (undone.length === 0) return [];
      if (!existsSync(file)) throw new CannotBreak('what was before is lost', 'aks-secrets sandbox reset');
      await back(readFileSync(file, 'utf8'));
      rmSync(file);
      // Pods sleep until somebody looks at them, and take a moment to be ready.
      await worldOf({}).kubectl.list('Pod');
      await of.settled();
      await pass(MINUTE);
      return undone;
    },
    forget: () => rmSync(file, { force: true }),
  };
}
