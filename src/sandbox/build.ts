import type { Activity } from './activity.ts';
import { createArm } from './arm/index.ts';
import type { SimulatedClock } from './clock.ts';
import { createEntra } from './entra/index.ts';
import { createExchange, type Exchange } from './exchange.ts';
import type { FaultsInside } from './faults.ts';
import { createGraph } from './graph/index.ts';
import { createKubernetes, type KubernetesPart } from './kubernetes/index.ts';
import type { Log } from './log.ts';
import { serviceOf } from './names.ts';
import type { Access, Handler, Parts, Settings } from './parts.ts';
import type { StateFile } from './state.ts';
import { createThrottle } from './throttle.ts';
import { createVault } from './vault/index.ts';

/** One world, running: its parts and how they are reached. */
export interface Built {
  readonly parts: Parts;
  readonly exchange: Exchange;
  readonly arm: ReturnType<typeof createArm>;
  readonly vault: ReturnType<typeof createVault>;
  readonly kubernetes: KubernetesPart;
  /** Whether the name exists: a vault that was deleted, or a cluster that never was, has none. */
  knows(host: string): boolean;
}

/** Makes the parts of a world over its state, and wires them. Nothing runs yet. */
export function build(of: {
  readonly file: StateFile;
  readonly clock: SimulatedClock;
  readonly settings: Settings;
  readonly access: Access;
  readonly without: readonly string[];
  readonly with: readonly string[];
  readonly log: Log;
  readonly faults: FaultsInside;
  readonly activity: Activity;
  readonly real: boolean;
  readonly control: Handler;
  readonly kubernetes?: ((parts: Parts) => KubernetesPart) | undefined;
}): Built {
  const { file, clock, settings, activity, faults } = of;
  // The parts know each other through this one object, which is filled while they are made.
  const parts = {
    clock: clock.parts,
    state: file.state,
    settings,
    access: of.access,
    without: of.without,
    with: of.with,
    dispatch: async (request) => {
      const outcome = await exchange.answer(request, 'inside');
      if (typeof outcome === 'string') throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      return outcome.reply;
    },
    busy: (work) => activity.during(work),
    save: () => {
      activity.touch();
      file.save();
    },
  } as Parts as { -readonly [K in keyof Parts]: Parts[K] };

  const arm = createArm(parts, {
    takeOperationError: () => faults.takeOperationError(),
    purged: (vaultName) => vault.forget(vaultName),
    // A client that polls has waited: on simulated time before the answer, in real time by the Retry-After of the answer.
    waitedFor: of.real ? undefined : (milliseconds) => activity.aside(clock.client.sleep(milliseconds)),
  });
  const entra = createEntra(parts);
  const graph = createGraph(parts);
  const vault = createVault(parts);
  const kubernetes = (of.kubernetes ?? createKubernetes)(parts);
  parts.arm = arm;
  parts.entra = entra;
  parts.graph = graph;
  parts.kubernetes = kubernetes;

  const exchange = createExchange({
    parts,
    services: {
      arm: arm.handler,
      entra: entra.handler,
      graph: graph.handler,
      vault: vault.handler,
      issuer: kubernetes.issuerHandler,
      kubernetes: kubernetes.handler,
      control: of.control,
    },
    faults,
    throttle: createThrottle(() => clock.parts.now().getTime()),
    log: of.log,
    activity,
    settle: arm.settle,
    saved: file.saved,
  });

  return {
    parts,
    exchange,
    arm,
    vault,
    kubernetes,
    knows(host) {
      switch (serviceOf(host)) {
        case undefined:
          return false;
        case 'vault':
          return arm.vault(host.split('.')[0]!) !== undefined;
        case 'kubernetes':
          return arm.clusters().some((cluster) => cluster.fqdn === host);
        default:
          return true;
      }
    },
  };
}
