import type { World } from '../../world.ts';
import { type Carrier, called } from '../wiring/carrier.ts';
import { causeIn, shortened } from '../wiring/cause.ts';
import type { Wrong } from '../wiring/finding.ts';
import { type Crew, type Member, restartOf } from '../wiring/live.ts';
import { namesOf } from '../wiring/pods.ts';
import { mayDo } from '../wiring/rights.ts';
import { list, record, text } from '../wiring/shape.ts';
import { clockOf, fieldsWrittenAt, startOf } from '../wiring/times.ts';
import { configurationsOf, isLoadedBy, type Question } from './look.ts';
import { APP_PORT, appIdOf, type Component, flagOf, NO_BUILT_IN, SIDECAR, sidecarOf } from './model.ts';
import { enabledWrong } from './rules.ts';

/** Pods of what asks for a sidecar that have none: they are older than Dapr, or the injector was not there. */
export function injectedWrong({ members }: Crew): Wrong | undefined {
  const without = members.filter(
    ({ carrier, maker }) => !enabledWrong(maker ?? carrier) && sidecarOf(carrier) === undefined,
  );
  const [first] = without;
  if (!first) return undefined;
  const run = first.maker && restartOf(first.maker);
  return {
    failure: 'F136',
    observed: `${namesOf(without)} of ${first.pod.metadata.creationTimestamp} has no container ${SIDECAR}`,
    expected: `a container ${SIDECAR}`,
    fix: {
      say: 'Restart the pods: the injector acts when a pod is made, and was not there or not asked for then.',
      ...(run && { run }),
    },
  };
}

const TOKEN_FILE = 'AZURE_FEDERATED_TOKEN_FILE';

/** Sidecars that the webhook of workload identity did not see, though it gave the application what it wants. */
export function environmentWrong({ members }: Crew): Wrong | undefined {
  const without = members.filter(({ carrier }) => {
    const sidecar = sidecarOf(carrier);
    const isGiven = carrier.spec.containers.some(({ env }) => env.some(({ name }) => name === TOKEN_FILE));
    return sidecar !== undefined && isGiven && !sidecar.env.some(({ name }) => name === TOKEN_FILE);
  });
  const [first] = without;
  if (!first) return undefined;
  const run = first.maker && restartOf(first.maker);
  return {
    failure: 'F134',
    observed: `${namesOf(without)}: ${SIDECAR} has no ${TOKEN_FILE}, though the application has it`,
    expected: `${TOKEN_FILE} in ${SIDECAR}`,
    fix: {
      say: 'The webhook acted before the injector and was not asked again (reinvocationPolicy IfNeeded), or skips daprd (skip-containers). Put that right, and restart the pods.',
      ...(run && { run }),
    },
  };
}

/** Lines of a sidecar's log that are looked through. */
const TAIL = 60;

/** A sidecar that does not run, or is not ready, by what its log says. */
export async function runningWrong(world: World, { members }: Crew): Promise<Wrong | undefined> {
  for (const member of members) {
    const sidecar = sidecarOf(member.carrier);
    const status = statusOf(member);
    if (!sidecar || !status || status.ready === true) continue;
    const { name, namespace = '' } = member.pod.metadata;
    const isUp = record(status.state).running !== undefined;
    const reason = text(record(record(status.state).waiting).reason) ?? '';
    // Nothing has run yet.
    if (!isUp && status.restartCount === 0 && record(status.state).terminated === undefined)
      return {
        verdict: 'unknown',
        observed: `${name}: ${SIDECAR} is ${reason || 'not started'}`,
        expected: 'a sidecar that is ready',
      };
    const port = flagOf(sidecar, '--app-port');
    if (isUp && port !== undefined) return portWrong(member, port);
    const said = fatalIn(await world.kubernetes.log(namespace, name, TAIL, SIDECAR));
    const observed = `${name}: ${SIDECAR} ${isUp ? 'is not ready' : reason || 'has ended'}${said ? `: ${shortened(said)}` : ''}`;
    const expected = 'a sidecar that is ready';
    if (!said) return { verdict: 'unknown', observed, expected };
    return { failure: causeOf(said), observed, expected };
  }
  return undefined;
}

/** Dapr's own words only say that a component did not start; whose fault it is stands behind them. */
function causeOf(said: string): string {
  if (/secretstores\.kubernetes|secrets? .*is forbidden/i.test(said)) return 'F141';
  return causeIn([`daprd: ${said}`])?.row.id ?? 'F137';
}

/** `msg` of the last line that says why it ends, else of the last that is an error. */
function fatalIn(log: string): string | undefined {
  const lines = log.split('\n').map((line) => line.trim());
  const line =
    lines.findLast((each) => /level"?[=:]"?fatal/.test(each)) ??
    lines.findLast((each) => /level"?[=:]"?error/.test(each));
  const quoted = /msg"?[=:]\s*("(?:[^"\\]|\\.)*")/.exec(line ?? '')?.[1];
  if (quoted === undefined) return line;
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}

const statusOf = ({ pod }: Member): Readonly<Record<string, unknown>> | undefined => {
  const { containerStatuses, initContainerStatuses } = record(pod.status);
  return [...list(containerStatuses), ...list(initContainerStatuses)].map(record).find(({ name }) => name === SIDECAR);
};

/** The sidecar waits for the application to listen, and serves nothing until then. */
function portWrong({ pod, carrier, maker }: Member, port: string): Wrong {
  const ports = list(record(pod.spec).containers)
    .map(record)
    .filter(({ name }) => name !== SIDECAR)
    .flatMap(({ ports: own }) => list(own).map((each) => String(record(each).containerPort)));
  const where = called((maker ?? carrier).object);
  return {
    failure: 'F142',
    observed: `${pod.metadata.name}: ${SIDECAR} waits for the application to listen on ${port}`,
    expected: ports.length > 0 ? `${APP_PORT}: "${ports.join('" or "')}"` : `no ${APP_PORT}`,
    fix: {
      say: `Correct ${APP_PORT} on the pods of ${where}, or take it off where the application listens to nothing.`,
    },
    path: `metadata.annotations["${APP_PORT}"]`,
  };
}

/** Components that are younger than the sidecars that should have loaded them. */
export async function loadedWrong(
  world: World,
  question: Question,
  crew: Crew,
  stores: readonly Component[],
): Promise<readonly Wrong[]> {
  const reloading = await reloadingIn(world, question, crew);
  return stores.flatMap((component): readonly Wrong[] => {
    const { object } = component;
    const made = new Date(object.metadata.creationTimestamp ?? 0);
    const written = fieldsWrittenAt(object, ['spec', 'scopes', 'auth']);
    const old = crew.members.flatMap((member) => {
      const started = startOf(member.pod, SIDECAR);
      const isIts = isLoadedBy(component, appIdOf(member.maker ?? member.carrier) ?? '');
      return started && isIts && !reloading(member) && started < written ? [{ member, started }] : [];
    });
    const [first] = old;
    if (!first) return [];
    const isNew = made > first.started;
    const run = first.member.maker && restartOf(first.member.maker);
    return [
      {
        failure: isNew ? 'F130' : 'F138',
        observed: `${called(object)} was ${isNew ? 'made' : 'changed'} at ${clockOf(isNew ? made : written)}, and ${namesOf(old.map(({ member }) => member))} loaded its components at ${clockOf(first.started)}`,
        expected: 'sidecars that started after it',
        fix: { say: 'Restart the pods: a sidecar reads its components when it starts.', ...(run && { run }) },
      },
    ];
  });
}

/**
 * Whose sidecars take up changes by themselves: the feature HotReload, which is on from Dapr 1.18 on (pkg/config) unless
 * their Configuration says otherwise.
 */
async function reloadingIn(world: World, question: Question, crew: Crew): Promise<(member: Member) => boolean> {
  const said = new Map(
    (await configurationsOf(world, question, crew)).flatMap(({ name, object }) => {
      const features = list(record(object?.spec).features).map(record);
      const feature = features.find((each) => each.name === 'HotReload');
      return feature ? [[name, feature.enabled === true] as const] : [];
    }),
  );
  return ({ pod, carrier, maker }) =>
    said.get((maker ?? carrier).annotations['dapr.io/config'] ?? '') ?? reloadsByItself(pod);
}

function reloadsByItself({ spec }: Member['pod']): boolean {
  const { containers, initContainers } = record(spec);
  const sidecar = [...list(containers), ...list(initContainers)].map(record).find(({ name }) => name === SIDECAR);
  const [, major, minor] = /:v?(\d+)\.(\d+)/.exec(text(sidecar?.image) ?? '') ?? [];
  return Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 18);
}

const BUILT_IN = 'kubernetes';

/** An application that asks Dapr's own store of Kubernetes Secrets, which reads them as the pod's service account. */
export async function builtInWrong(world: World, { workload }: Question, crew: Crew): Promise<Wrong | undefined> {
  const { namespace } = workload;
  for (const { pod, carrier, maker } of crew.members) {
    const asks = storeIn(carrier);
    if (!asks || carrier.annotations[NO_BUILT_IN] === 'true') continue;
    const account = { namespace, name: carrier.spec.serviceAccountName };
    if ((await mayDo(world, account, namespace, { verb: 'get', resource: 'secrets' })) !== false) continue;
    return {
      failure: 'F141',
      observed: `${pod.metadata.name} asks the store ${BUILT_IN} (${asks}), and ${namespace}/${account.name} may not read Secrets`,
      expected: 'the store of the vault',
      fix: {
        say: `Name the Component of the vault in ${called((maker ?? carrier).object)} instead of ${BUILT_IN}, or give the service account a Role that reads Secrets.`,
      },
    };
  }
  return undefined;
}

/** The variable by which an application is told that store, as far as a name shows it. */
const storeIn = ({ spec }: Carrier): string | undefined =>
  spec.containers
    .filter(({ name }) => name !== SIDECAR)
    .flatMap(({ env }) => env)
    .find(({ name, value }) => value === BUILT_IN && /store/i.test(name))?.name;
