import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Check } from '../../step.ts';
import { DRIVER_IMAGE, PROVIDER_IMAGE } from '../../steps/self-installed.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { carrierOf } from '../wiring/carrier.ts';
import { checkOf, type Wrong } from '../wiring/finding.ts';
import { ahead, crewOf, isHealthy, type Member } from '../wiring/live.ts';
import { narrowed } from '../wiring/pods.ts';
import { enumerated, list, record, text, texts } from '../wiring/shape.ts';
import { DRIVER, mounts } from './rules.ts';

const DAEMON_SET = { apiVersion: 'apps/v1', kind: 'DaemonSet' } as const;
const POD = { apiVersion: 'v1', kind: 'Pod' } as const;
const REGISTERED = { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', name: DRIVER } as const;
const GROUP = 'secrets-store.csi.x-k8s.io';
const HOUR = 3_600_000;

export const driverOf = ({ kubernetes }: World) => kubernetes.get(REGISTERED);

/** What runs on the nodes for a part, and its pods. */
interface Part {
  readonly sets: readonly KubernetesObject[];
  readonly pods: readonly KubernetesObject[];
}

/** What runs of a part, by the image that it has; whose it is makes no difference. */
export async function partOf({ kubernetes }: World, image: RegExp): Promise<Part> {
  const sets = (await kubernetes.list(DAEMON_SET, undefined)).filter((set) =>
    imagesOf(set).some((each) => image.test(each)),
  );
  const pods = await Promise.all(
    sets.map(({ metadata, spec }) =>
      kubernetes.list(POD, metadata.namespace, selectorOf(texts(record(record(spec).selector).matchLabels))),
    ),
  );
  return { sets, pods: pods.flat() };
}

const imagesOf = (set: KubernetesObject): readonly string[] => {
  const { containers } = record(record(record(record(set.spec).template).spec));
  return list(containers).flatMap((each) => text(record(each).image) ?? []);
};

const selectorOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

/** Starts its reads. */
export function driverAhead(world: World): void {
  ahead([
    driverOf(world),
    partOf(world, DRIVER_IMAGE),
    partOf(world, PROVIDER_IMAGE),
    world.kubernetes.versions(GROUP),
  ]);
}

/** That the driver is registered as the API server and the kubelet must know it, and runs with its provider. */
export function driverChecks(workload: Workload, shared: Shared, scope: Scope): readonly Check[] {
  const { resourceGroup, name } = shared.spec.cluster;
  const addOn = `az aks enable-addons --addons azure-keyvault-secrets-provider --enable-secret-rotation --resource-group ${resourceGroup} --name ${name}`;
  const reconcile = `az aks update --resource-group ${resourceGroup} --name ${name}`;
  return [
    checkOf(workload, {
      code: 'AKS-CSI-DRIVER',
      title: 'the secrets store driver is registered',
      category: 'cluster',
      after: ['AKS-CLUSTER', 'AKS-KEYVAULT-ADDON'],
      async run(world): Promise<readonly Wrong[]> {
        const registered = await driverOf(world);
        if (registered) {
          const modes = list(record(registered.spec).volumeLifecycleModes).flatMap((mode) => text(mode) ?? []);
          if (modes.includes('Ephemeral')) return [];
          return [
            {
              failure: 'F088',
              observed: `its CSIDriver allows volumes that are ${enumerated(modes) || 'nothing'} only`,
              expected: 'Ephemeral',
              fix: { say: 'Bring the add-on back to what it was.', run: reconcile },
            },
          ];
        }
        const [driver, versions] = await Promise.all([partOf(world, DRIVER_IMAGE), world.kubernetes.versions(GROUP)]);
        if (driver.sets.length > 0 || versions.length > 0)
          return [
            {
              failure: 'F088',
              observed: `there is no CSIDriver ${DRIVER}`,
              expected: DRIVER,
              fix: { say: 'Bring the add-on back to what it was.', run: reconcile },
            },
          ];
        return [
          {
            failure: 'F145',
            observed: 'neither driver nor its kinds are in the cluster',
            expected: 'the Key Vault add-on, or a driver of your own',
            fix: { say: 'Switch the add-on on.', run: addOn },
          },
        ];
      },
    }),
    checkOf(workload, {
      code: 'AKS-CSI-NODES',
      title: 'driver and provider run on the nodes',
      category: 'cluster',
      after: ['AKS-CSI-DRIVER'],
      async run(world): Promise<readonly Wrong[] | string> {
        const [driver, provider, crew] = await Promise.all([
          partOf(world, DRIVER_IMAGE),
          partOf(world, PROVIDER_IMAGE),
          crewOf(world, workload, scope),
        ]);
        const { members } = narrowed(crew, mounts);
        const wrong =
          (await partWrong(world, driver, 'driver', members)) ??
          (await partWrong(world, provider, 'provider', members));
        if (wrong) return [wrong];
        const places = [...new Set([...driver.sets, ...provider.sets].map(({ metadata }) => metadata.namespace ?? ''))];
        return places.every((each) => each === 'kube-system') ? '' : `in ${enumerated(places)}`;
      },
    }),
    checkOf(workload, {
      code: 'AKS-CSI-KINDS',
      title: 'the cluster knows SecretProviderClasses',
      category: 'cluster',
      after: ['AKS-CSI-DRIVER'],
      async run(world): Promise<readonly Wrong[]> {
        if ((await world.kubernetes.versions(GROUP)).length > 0) return [];
        return [
          {
            failure: 'F145',
            observed: `nothing of ${GROUP} is served: its definitions are gone`,
            expected: 'SecretProviderClass and SecretProviderClassPodStatus',
            fix: { say: 'Bring the add-on back to what it was.', run: reconcile },
          },
        ];
      },
    }),
  ];
}

const FAILURE = { driver: 'F087', provider: 'F090' } as const;

/** What keeps a part from the nodes where the workload's pods are; without pods, from all nodes. */
async function partWrong(
  world: World,
  { sets, pods }: Part,
  part: 'driver' | 'provider',
  members: readonly Member[],
): Promise<Wrong | undefined> {
  const failure = FAILURE[part];
  const [set] = sets;
  if (!set)
    return { failure, observed: `no DaemonSet of the ${part} is in the cluster`, expected: `the ${part} on each node` };
  const sick = pods.filter((pod) => !isHealthy(pod));
  const nodes = [...new Set(members.flatMap(({ carrier }) => carrier.spec.nodeName ?? []))];
  const on = (node: string) => pods.filter((pod) => carrierOf(pod)?.spec.nodeName === node);
  const lacking = nodes.filter((node) => on(node).every((pod) => !isHealthy(pod)));
  const who = `${set.metadata.namespace}/${set.metadata.name}`;
  const ended = memoryWrong(pods, lacking, world.clock.now());
  if (ended) return ended;
  if (lacking.length === 0 && (nodes.length > 0 || pods.length > sick.length)) return undefined;
  const [first] =
    lacking.length > 0 ? sick.filter((pod) => lacking.includes(carrierOf(pod)?.spec.nodeName ?? '')) : sick;
  const panic = first && (await crashOf(world, first));
  if (panic) return panic;
  const [node] = lacking;
  const windows = node !== undefined && members.some((member) => carrierNode(member) === node && isWindows(member));
  return {
    failure: windows ? 'F109' : failure,
    observed: first
      ? `${first.metadata.name} is not ready${node ? ` on ${node}` : ''}${reasonOf(first)}`
      : node
        ? `${who} has no pod on ${node}`
        : `${who} has no pod at all`,
    expected: `a ready pod of ${who} on ${node ?? 'each node'}`,
    fix: {
      say: 'Let the DaemonSet tolerate the taints of the node, or wait until a new node is ready.',
      run: `kubectl describe daemonset ${set.metadata.name} --namespace ${set.metadata.namespace}`,
    },
  };
}

const carrierNode = ({ carrier }: Member): string | undefined => carrier.spec.nodeName;
const isWindows = ({ pod }: Member): boolean => {
  const { os, nodeSelector } = record(pod.spec);
  return record(os).name === 'windows' || texts(nodeSelector)['kubernetes.io/os'] === 'windows';
};

const statusesOf = (pod: KubernetesObject) =>
  list(record(pod.status).containerStatuses).map((each) => {
    const { name, state, lastState, ready, restartCount } = record(each);
    const waiting = texts(record(state).waiting);
    const ended = texts(record(record(state).terminated ?? record(lastState).terminated));
    return { name: text(name) ?? '', ready: ready === true, restarts: Number(restartCount ?? 0), waiting, ended };
  });

const reasonOf = (pod: KubernetesObject): string => {
  const reason = statusesOf(pod).find(({ waiting }) => waiting.reason)?.waiting.reason;
  return reason ? ` (${reason})` : '';
};

/** A container that the kernel ended for its memory: now, or within the hour. */
function memoryWrong(pods: readonly KubernetesObject[], lacking: readonly string[], now: Date): Wrong | undefined {
  for (const pod of pods) {
    const node = carrierOf(pod)?.spec.nodeName ?? '';
    const found = statusesOf(pod).find(({ ended, ready }) => {
      const at = Date.parse(ended.finishedAt ?? '');
      return ended.reason === 'OOMKilled' && (!ready || lacking.includes(node) || now.getTime() - at < HOUR);
    });
    if (found)
      return {
        failure: 'F148',
        observed: `${pod.metadata.name} (${found.name}) was ended for its memory, ${found.restarts} restarts`,
        expected: 'no restarts',
      };
  }
  return undefined;
}

/** A container that starts and ends again and again, and what it last said. */
async function crashOf(world: World, pod: KubernetesObject): Promise<Wrong | undefined> {
  const crashing = statusesOf(pod).find(({ waiting }) => waiting.reason === 'CrashLoopBackOff');
  if (!crashing) return undefined;
  const { name, namespace = '' } = pod.metadata;
  const log = await world.kubernetes.log(namespace, name, 50, crashing.name).catch(() => '');
  const said = log.split('\n').find((line) => /panic|nil pointer/i.test(line));
  return {
    failure: 'F149',
    observed: `${name} (${crashing.name}) crashes, ${crashing.restarts} restarts${said ? `: ${said.trim()}` : ''}`,
    expected: 'a pod that runs',
  };
}
