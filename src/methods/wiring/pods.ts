import type { Check } from '../../step.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { type Carrier, called } from './carrier.ts';
import { causeIn, causeInSample, shortened } from './cause.ts';
import { checkOf, type Wrong } from './finding.ts';
import { type Crew, crewOf, isHealthy, KIND, type Member, orHidden, warningsIn, writtenIn } from './live.ts';
import { jobProxyWrong, proxyWrong } from './rules.ts';
import { enumerated, firstOf, list, record, text, texts } from './shape.ts';

/** Which carriers a method is about; the others of the service account live by something else. */
export type Concerns = (carrier: Carrier) => boolean;

/** The part of a crew that a method is about. */
export const narrowed = ({ members, makers, strays }: Crew, concerns: Concerns): Crew => ({
  members: members.filter(({ carrier, maker }) => concerns(maker ?? carrier)),
  makers: makers.filter(concerns),
  strays,
});

export const namesOf = (members: readonly Member[]): string => firstOf(members.map(({ pod }) => pod.metadata.name));

/** That the pods can be made at all: what refuses them is said to what makes them, and there is no pod to ask. */
export function createdCheck(workload: Workload, scope: Scope, after: readonly string[]): Check {
  return checkOf(workload, {
    code: 'AKS-POD-CREATED',
    title: `pods of ${workload.namespace}/${workload.serviceAccount} can be made`,
    category: 'pod',
    after,
    async run(world): Promise<readonly Wrong[]> {
      const [crew, sets, notes] = await Promise.all([
        crewOf(world, workload, scope),
        orHidden(world.kubernetes.list(KIND.ReplicaSet, workload.namespace)),
        warningsIn(world, workload.namespace),
      ]);
      const uids = new Set([...crew.makers, ...crew.strays].map(({ object }) => object.metadata.uid));
      const isOf = (owners: readonly unknown[]) => owners.some((owner) => uids.has(text(record(owner).uid)));
      const short = (sets ?? []).filter(
        ({ metadata, spec, status }) =>
          isOf(list(metadata.ownerReferences)) &&
          Number(record(spec).replicas ?? 1) > Number(record(status).replicas ?? 0),
      );
      for (const set of short) {
        const failing = list(record(set.status).conditions)
          .map(texts)
          .find(({ type, status }) => type === 'ReplicaFailure' && status === 'True');
        const note = notes.find(({ uid, reason }) => uid === set.metadata.uid && reason === 'FailedCreate');
        const said = note?.message ?? failing?.message;
        if (said) return [refused(called(set), said)];
      }
      // What else makes pods has no condition for it: a Job, a StatefulSet.
      const others = crew.makers.filter(({ object }) => !['Deployment', 'CronJob'].includes(object.kind));
      for (const { object } of others) {
        const { replicas, active, desiredNumberScheduled, currentNumberScheduled } = record(object.status);
        const isThere = [replicas, active, currentNumberScheduled ?? desiredNumberScheduled].some(
          (count) => Number(count ?? 0) > 0,
        );
        const note = notes.find(({ uid, reason }) => uid === object.metadata.uid && reason === 'FailedCreate');
        if (note && !isThere) return [refused(called(object), note.message)];
      }
      return [];
    },
  });
}

function refused(who: string, said: string): Wrong {
  const cause = causeIn([said]);
  return {
    ...(cause && { failure: cause.row.id }),
    observed: `${who} is refused its pods: ${shortened(said)}`,
    expected: 'pods that are made',
  };
}

/** Which pods there are, and that they run as the workload's service account. */
export function podsCheck(workload: Workload, scope: Scope, concerns: Concerns): Check {
  const { namespace, serviceAccount } = workload;
  return checkOf(workload, {
    code: 'AKS-POD',
    title: `pods run as ${namespace}/${serviceAccount}`,
    category: 'pod',
    after: ['AKS-SA', 'AKS-POD-CREATED'],
    async run(world): Promise<readonly Wrong[] | string> {
      const all = await crewOf(world, workload, scope);
      const { members, strays } = narrowed(all, concerns);
      const [other] = [
        ...strays,
        ...members.flatMap(({ carrier }) => (carrier.spec.serviceAccountName === serviceAccount ? [] : [carrier])),
      ];
      if (other) {
        const { object, spec, path } = other;
        return [
          {
            failure: 'F032',
            observed: `${called(object)} runs as ${spec.serviceAccountName}`,
            expected: `serviceAccountName: ${serviceAccount}`,
            path: [path, 'spec.serviceAccountName'].filter(Boolean).join('.'),
            fix: {
              say: `Set serviceAccountName: ${serviceAccount} on the pods; they are then made anew.`,
              ...(object.kind === 'Deployment' && {
                run: `kubectl set serviceaccount deployment ${object.metadata.name} ${serviceAccount} --namespace ${namespace}`,
              }),
            },
          },
        ];
      }
      if (members.length > 0) return namesOf(members);
      if (scope.pod || scope.selector)
        return [
          {
            verdict: 'unknown',
            observed:
              all.members.length > 0
                ? `${namesOf(all.members)} does not take it in this way`
                : `no such pod runs in ${namespace}: ${scope.pod ?? scope.selector}`,
          },
        ];
      return 'no pod uses it yet';
    },
  });
}

/** What no pod of the sort can have: the proxy of the migration on the node's network, or in a Job that is to end. */
export function proxyCheck(workload: Workload, scope: Scope): Check {
  return checkOf(workload, {
    code: 'AKS-POD-PROXY',
    title: 'no pod asks for a proxy sidecar that it cannot have',
    category: 'objects',
    after: ['AKS-SA'],
    async run(world): Promise<readonly Wrong[]> {
      const crew = await crewOf(world, workload, scope);
      const carriers = [...writtenIn(crew), ...crew.members.map(({ carrier }) => carrier)];
      const wrong = carriers.map((each) => proxyWrong(each) ?? jobProxyWrong(each)).find((each) => each !== undefined);
      return wrong ? [wrong] : [];
    },
  });
}

/** Where no pod gets an identity: on a virtual node, and from the webhook in the namespace of the system. */
export function placeCheck(
  workload: Workload,
  scope: Scope,
  concerns: Concerns,
  { byWebhook = true }: { readonly byWebhook?: boolean } = {},
): Check {
  return checkOf(workload, {
    code: 'AKS-POD-PLACE',
    title: 'the pods are where an identity reaches them',
    category: 'pod',
    after: ['AKS-POD'],
    async run(world): Promise<readonly Wrong[]> {
      const { members } = narrowed(await crewOf(world, workload, scope), concerns);
      if (byWebhook && workload.namespace === 'kube-system' && members.length > 0)
        return [
          {
            failure: 'F040',
            observed: `${namesOf(members)} is in kube-system, from which AKS keeps webhooks away`,
            expected: 'another namespace',
            fix: { say: 'Move the workload to a namespace of its own.' },
          },
        ];
      const virtual = await onVirtualNode(world, members);
      if (virtual.length === 0) return [];
      return [
        {
          failure: 'F044',
          observed: `${namesOf(virtual)} is on the virtual node ${virtual[0]?.carrier.spec.nodeName}`,
          expected: 'a node of a pool of virtual machines',
          fix: { say: 'Take the toleration of virtual nodes away from the pods, or set a nodeSelector.' },
        },
      ];
    },
  });
}

/** The virtual nodes of the cluster; who may not see nodes is told by the name that AKS gives them. */
export const virtualNodes = async ({ kubernetes }: World): Promise<readonly string[]> =>
  ((await orHidden(kubernetes.list({ apiVersion: 'v1', kind: 'Node' }, undefined, 'type=virtual-kubelet'))) ?? []).map(
    ({ metadata }) => metadata.name,
  );

async function onVirtualNode(world: World, members: readonly Member[]): Promise<readonly Member[]> {
  const nodes = await virtualNodes(world);
  return members.filter(({ carrier: { spec } }) => {
    const { nodeName = '' } = spec;
    return nodes.includes(nodeName) || nodeName.startsWith('virtual-node-');
  });
}

/** Containers whose state says that they wait or ended, with what is said. */
function statesOf(pod: Member['pod']) {
  const { containerStatuses, initContainerStatuses } = record(pod.status);
  return [...list(initContainerStatuses), ...list(containerStatuses)].map((each) => {
    const { name, state, lastState, ready } = record(each);
    const waiting = texts(record(state).waiting);
    const terminated = record(record(lastState).terminated);
    return {
      name: text(name) ?? '',
      ready: ready === true,
      reason: waiting.reason ?? '',
      message: [waiting.message, text(terminated.message)].filter(Boolean).join('; '),
    };
  });
}

export const isReady = ({ pod }: Member): boolean => isHealthy(pod);

/** Lines of a log that are looked through. */
const TAIL = 50;

/**
 * Why a pod is not ready, by what is left of it: warnings, the state of its containers, their logs. What the catalogue
 * does not know is `unknown`: a pod has other reasons not to be ready than its secrets.
 */
export async function whyNotReady(world: World, member: Member): Promise<Wrong> {
  const { pod } = member;
  const { name, namespace = '', uid = '' } = pod.metadata;
  const states = statesOf(pod);
  const warnings = (await warningsIn(world, namespace)).filter(
    (note) => note.uid === uid || (!note.uid && note.name === name),
  );
  const messages = [
    ...warnings.map(({ message }) => message),
    ...states.map(({ reason, message }) => `${reason} ${message}`),
  ];
  const logs = async () =>
    Promise.all(
      states
        .filter(
          ({ ready, reason }) =>
            !ready && !['ContainerCreating', 'PodInitializing', 'CreateContainerConfigError'].includes(reason),
        )
        .map(async (state) => (await world.kubernetes.log(namespace, name, TAIL, state.name).catch(() => '')) ?? ''),
    );
  const said = causeIn(messages);
  const heard = said ? [] : await logs();
  const cause = said ?? causeIn(heard);
  const waits = states.filter(({ reason }) => reason).map((state) => `${state.name}: ${state.reason}`);
  if (cause)
    return {
      failure: cause.row.id,
      observed: `${name}: ${cause.said}`,
      expected: 'a pod that is ready',
    };
  const sample = heard.map(causeInSample).find((each) => each !== undefined);
  if (sample) return { failure: sample.failure, observed: `${name}: ${sample.said}`, expected: 'a pod that is ready' };
  const [warning] = warnings;
  const told = [...waits, ...(warning ? [`${warning.reason}: ${shortened(warning.message)}`] : [])];
  return {
    verdict: 'unknown',
    observed: `${name} is not ready${told.length > 0 ? ` (${enumerated(told)})` : ''}, and nothing in what is left of it is known to concern its secrets`,
    expected: 'a pod that is ready',
  };
}

/** That those pods are ready: the first that is not says why. */
export async function notReady(world: World, members: readonly Member[]): Promise<readonly Wrong[]> {
  const [first] = members.filter((member) => !isReady(member));
  return first ? [await whyNotReady(world, first)] : [];
}

/** The facts and the proof that a pod rests on: where one of them failed, what the pod shows follows from it. */
export const foundations = (workload: Workload, shared: Shared, proof: string): readonly string[] => [
  ...['AKS-CLUSTER', 'AKS-OIDC-ISSUER'],
  ...shared.readable(workload).map(({ step }) => step),
  proof,
];
