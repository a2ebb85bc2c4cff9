import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Carrier } from '../wiring/carrier.ts';
import { list, record, text } from '../wiring/shape.ts';

/** How a pod takes a Kubernetes Secret. */
export interface Use {
  readonly secret: string;
  /** Files follow the Secret; variables and a `subPath` are as they were when the container started. */
  readonly as: 'variables' | 'files' | 'subPath';
  readonly container: string;
  /** The container starts without it, too. */
  readonly optional: boolean;
}

/** Every Secret that the containers of a pod take. */
export function secretsIn({ spec, object, path }: Carrier): readonly Use[] {
  const shown = volumesOf(object, path);
  return spec.containers.flatMap(({ name: container, env, envFrom, mounts }) => [
    ...env.flatMap(({ secret, optional = false }): readonly Use[] =>
      secret ? [{ secret, as: 'variables', container, optional }] : [],
    ),
    // Whether all of one is optional is not kept; most people mean it to be there.
    ...envFrom.map((secret): Use => ({ secret, as: 'variables', container, optional: true })),
    ...mounts.flatMap(({ volume, subPath }) =>
      (shown.get(volume) ?? []).map((one): Use => ({ ...one, as: subPath ? 'subPath' : 'files', container })),
    ),
  ]);
}

/** Secrets by the volume that shows them, alone or projected together with others. */
function volumesOf(
  object: KubernetesObject,
  path: string,
): ReadonlyMap<string, readonly Pick<Use, 'secret' | 'optional'>[]> {
  const steps = path === '' ? [] : path.split('.');
  const pod = steps.reduce<unknown>((value, step) => record(value)[step], object);
  return new Map(
    list(record(record(pod).spec).volumes).map((each) => {
      const { name, secret, projected } = record(each);
      const parts = [
        { name: record(secret).secretName, optional: record(secret).optional },
        ...list(record(projected).sources).map((source) => record(record(source).secret)),
      ];
      const shown = parts.flatMap((one) =>
        text(one.name) ? [{ secret: text(one.name)!, optional: one.optional === true }] : [],
      );
      return [text(name) ?? '', shown];
    }),
  );
}
