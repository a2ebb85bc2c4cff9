import { join } from 'node:path';
import { createActivity } from './activity.ts';
import { createAgent } from './agent.ts';
import { sliceOf } from './arm/store.ts';
import { CannotBreak } from './break/break.ts';
import { createBreaking, type On } from './break/perform.ts';
import { type Built, build } from './build.ts';
import { callerToken } from './caller.ts';
import { simulatedClock } from './clock.ts';
import { createFaults } from './faults.ts';
import { openFolder, writePrivate } from './files.ts';
import { guard } from './guard.ts';
import { createGuests } from './guests.ts';
import { createLog } from './log.ts';
import type { Handler, Settings, State } from './parts.ts';
import { claim, leave, newKey } from './running.ts';
import { againOf, type Sandbox, type SandboxOptions } from './sandbox.ts';
import { type Listening, listen } from './server.ts';
import { openState, type StateFile, stateFile } from './state.ts';
import { accessOf, addresses, surroundingsOf } from './surroundings.ts';
import { identityOf } from './tls.ts';
import { worldFaults } from './world/break.ts';
import { addExisting, demoWorld, type Existing, SUBSCRIPTION, TENANT } from './world/demo.ts';
import type { Place } from './world/put.ts';

/** Simulated milliseconds; `latency` is real. */
const USUAL: Settings = {
  latency: 0,
  replication: 20_000,
  operation: 90_000,
  throttle: false,
  strictPrincipals: false,
};
/** Where nobody jumps ahead, people wait. */
const USUAL_REAL: Settings = { ...USUAL, replication: 3_000, operation: 5_000 };

const fresh = (): State => ({
  version: 1,
  tenantId: TENANT,
  subscriptionId: SUBSCRIPTION,
  clockOffset: 0,
  arm: {},
  entra: {},
  vaults: {},
  kubernetes: {},
});

/** Real milliseconds that the first of several runs waits for the others. */
const LONGEST_WAIT = 120_000;

interface Again {
  readonly without?: readonly string[];
  readonly with?: readonly string[];
  readonly existing?: Existing;
}

/**
 * A server for the folder in this process. `undefined` when another process was faster.
 * @throws when the state cannot be read or the port is taken
 */
export async function startSandbox(folder: string, options: SandboxOptions): Promise<Sandbox | undefined> {
  openFolder(folder);
  const tls = identityOf(folder);
  const real = options.realClock === true;
  const settings: Settings = { ...(real ? USUAL_REAL : USUAL), ...options.settings };
  const usual = { ...settings };
  const [activity, log, faults, key] = [createActivity(), createLog(), createFaults(), newKey()];

  // The server listens before there is a world: whoever comes early waits for it.
  let world: Built | undefined;
  const ready = Promise.withResolvers<void>();
  ready.promise.catch(() => {});
  const here = (): Built => {
    if (!world) throw new Error('the sandbox has not started yet');
    return world;
  };

  let file: StateFile;
  const clock = simulatedClock({
    time: {
      offset: () => file.state.clockOffset,
      setOffset: (offset) => {
        file.state.clockOffset = offset;
      },
    },
    idle: () => activity.open === 0,
    activity: () => activity.count,
    real,
  });

  const guarded = guard();
  let server: Listening | undefined;
  const stop = async () => {
    leave(folder, key);
    await world?.kubernetes.stop();
    await server?.close();
    clock.stop();
    guarded.release();
  };

  try {
    server = await listen({
      tls: { cert: tls.certificate, key: tls.key },
      port: options.port ?? 0,
      answer: async (request, via) => {
        await ready.promise;
        return here().exchange.answer(request, via);
      },
      knows: (host) => here().knows(host),
      refuses: () => faults.cut,
      activity,
      now: () => clock.client.now(),
    });
    const { port, proxyPort } = server;
    if (!claim(folder, { pid: process.pid, port, proxyPort, started: new Date().toISOString(), key })) {
      await stop();
      return undefined;
    }
    file = openState(folder, fresh, options.anew);
  } catch (error) {
    await stop();
    throw error;
  }
  const { port, proxyPort } = server;
  const access = accessOf(folder, tls, proxyPort);

  const guests = createGuests();
  const control: Handler = async (request) => {
    if (request.path.startsWith('/metadata/')) return here().arm.handler(request, here().parts);
    if (request.headers['x-sandbox-key'] !== key) return { status: 404 };
    if (request.method === 'GET' && request.path === '/stay') {
      return { status: 200, stream: (_write, gone) => guests.stay(gone) };
    }
    if (request.method !== 'POST') return { status: 404 };
    // Who breaks or mends waits for all that goes on; the request that asks for it is not part of that.
    if (request.path === '/break') return activity.aside(breakReply(JSON.parse(request.body) as { id: string } & On));
    if (request.path === '/mend') return { status: 200, body: await activity.aside(breaking.mend()) };
    const body = JSON.parse(request.body || '{}') as Again;
    if (request.path === '/existing') await addExisting(placeOf(here()), here().vault.give, body.existing ?? {});
    else if (request.path === '/reset') await reset(body);
    else return { status: 404 };
    here().parts.save();
    return { status: 204 };
  };
  const kubeconfig = () => {
    const [first] = here().arm.clusters();
    if (!first) throw new Error('this sandbox has no cluster');
    return here().kubernetes.kubeconfig(first);
  };
  const sign = (audience: string) => callerToken(here().parts, audience);
  const begin = async (again: Again) => {
    const { existing } = again;
    const { without = file.state.without ?? [], with: having = file.state.with ?? [] } = again;
    if (without.length > 0) file.state.without = without;
    if (having.length > 0) file.state.with = having;
    Object.assign(settings, file.state.settings);
    const given = { without, with: having, kubernetes: options.kubernetes };
    world = build({ file, clock, settings, access, log, faults, activity, real, control, ...given });
    if (!file.found) {
      // Entra's key is made by its first signature, beside the rest; who joins must find it in the state.
      const signed = sign('https://management.azure.com');
      await demoWorld(placeOf(world), world.vault.give);
      await signed;
    }
    if (existing) await addExisting(placeOf(world), world.vault.give, existing);
    world.kubernetes.start();
    file.save();
    writePrivate(join(folder, 'kubeconfig'), kubeconfig());
  };
  const reset = async (again: Again = {}) => {
    await here().kubernetes.stop();
    file.retire();
    file = openState(folder, fresh, true);
    breaking.forget();
    await begin(again);
  };

  const settled = async () => {
    do await new Promise((done) => setTimeout(done, 2));
    while (activity.open > 0);
  };
  const worldsFaults = worldFaults(
    () => placeOf(here()),
    () => here().parts,
  );
  const breaking = createBreaking({
    folder,
    parts: () => here().parts,
    place: () => placeOf(here()),
    faults: worldsFaults,
    advance: (milliseconds) => clock.advance(milliseconds),
    settled,
    async restore(state) {
      if (file.state.settings) Object.assign(settings, usual);
      await here().kubernetes.stop();
      file.retire();
      writePrivate(stateFile(folder), JSON.stringify(state));
      file = openState(folder, fresh);
      await begin({});
    },
  });
  const breakReply = async ({ id, ...on }: { id: string } & On) => {
    try {
      return { status: 200, body: await breaking.break(id, on) };
    } catch (error) {
      if (error instanceof CannotBreak) return { status: 409, body: { message: error.message, run: error.run } };
      throw error;
    }
  };

  try {
    await begin(againOf(options));
    ready.resolve();
  } catch (error) {
    ready.reject(error);
    await stop();
    throw error;
  }

  const agent = createAgent(tls.ca, { port, knows: (host) => here().knows(host) });
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= (async () => {
      agent.destroy();
      // Whoever serves others on their own account ends when told to; who happened to be first waits for those who joined.
      if (!real) await guests.gone(LONGEST_WAIT);
      await stop();
      file.save();
      // Its folder may go now; what still ends somewhere has nowhere to write.
      file.retire();
    })();
    return closed;
  };

  return {
    surroundings: surroundingsOf({
      ...{ agent, sign, clock: clock.client, subscriptionId: file.state.subscriptionId, close },
      withFile: options.existing !== undefined,
      env: access.env,
    }),
    ...addresses(tls, server),
    joined: false,
    kubeconfig,
    log,
    faults,
    world: worldsFaults,
    break: breaking.break,
    mend: breaking.mend,
    get parts() {
      return here().parts;
    },
    settings,
    get place() {
      return placeOf(here());
    },
    seed: (vault, name, value) => here().vault.seed(vault, name, value),
    give: (vault, kind, name) => here().vault.give(vault, kind, name),
    get errors() {
      return here().exchange.errors;
    },
    advance: (milliseconds) => clock.advance(milliseconds),
    settled,
    reset,
    close,
  };
}

function placeOf({ parts }: Built): Place {
  const { tenantId, subscriptionId } = parts.state;
  return { slice: sliceOf(parts), tenantId, subscriptionId, now: parts.clock.now().getTime() };
}
