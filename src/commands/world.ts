import { addressesOf } from '../azure/addresses.ts';
import { createAzure } from '../azure/index.ts';
import { cached } from '../azure/sign-in.ts';
import { createHelm } from '../helm/index.ts';
import type { Io } from '../io.ts';
import { createKubernetes } from '../kubernetes/index.ts';
import { Secret } from '../secret.ts';
import { clusterIdOf } from '../spec/identity-name.ts';
import type { Surroundings } from '../surroundings.ts';
import { Problem } from '../trouble.ts';
import type { Spec } from '../workload.ts';
import type { World } from '../world.ts';
import { createValues } from './values.ts';

/** The world of a Spec in its surroundings. Nothing is connected and nothing is loaded before the first look. */
export function createWorld(
  spec: Spec,
  surroundings: Surroundings,
  io: Io,
  trace?: ((line: string) => void) | undefined,
  value: World['value'] = createValues(io),
): World {
  const { cloud, agent, clock, env, answerWithin } = surroundings;
  const { signal } = io;
  const credential = cached(() => surroundings.credential(), clock);
  const clusterId = clusterIdOf(spec.subscription, spec.cluster);
  const common = { clock, signal, trace, answerWithin };
  const azure = createAzure({ ...common, cloud, subscription: spec.subscription, agent, credential });
  // The connection is made once and late: it must see the cluster as it is then, and share the look of that moment.
  let latest = azure;
  const given = surroundings.kubeconfig;
  const kubernetes = createKubernetes({
    ...common,
    env,
    kubeconfig: async () => ({
      ...(given ?? { text: await latest.clusters.credentials(clusterId) }),
      entraToken: async () => new Secret((await credential.getToken(cloud.aksScope))!.token),
    }),
    named: async () => {
      const cluster = await latest.clusters.get(clusterId);
      if (cluster) return addressesOf(cluster);
      throw new Problem('missing', `cluster ${spec.cluster.name}`, `There is no cluster ${spec.cluster.name} yet.`);
    },
  });
  const helm = createHelm({ env, signal, kubeconfig: () => kubernetes.kubeconfig() });

  const view = (one: typeof azure, other: typeof kubernetes): World => ({
    azure: one,
    kubernetes: other,
    helm,
    clock,
    signal,
    value,
    fresh: () => {
      latest = one.fresh();
      return view(latest, other.fresh());
    },
  });
  return view(azure, kubernetes);
}
