import type { BreakWorld, Workload } from './break.ts';
import type { KubeObject } from './kubectl.ts';

/** Changes an object as `kubectl edit` does, and answers it as it is then. */
export async function edit(
  { kubectl }: Pick<BreakWorld, 'kubectl'>,
  object: KubeObject,
  change: (copy: KubeObject) => void | Promise<void>,
): Promise<KubeObject> {
  const copy = structuredClone(object);
  await change(copy);
  return kubectl.replace(copy);
}

/** The object as its manifest: what the server has added is left out, so that it can be made again. */
export function manifestOf({ apiVersion, kind, metadata, status: _status, ...rest }: KubeObject): KubeObject {
  const { name, namespace, labels, annotations } = metadata;
  const kept = {
    name,
    ...(namespace && { namespace }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
  return { apiVersion, kind, metadata: kept, ...rest };
}

/** An object that the workload has, changed, and its pods made anew. */
export async function changed(
  world: BreakWorld,
  kind: Parameters<Workload['object']>[0],
  change: (copy: KubeObject) => void | Promise<void>,
): Promise<void> {
  const workload = await world.workload();
  await edit(world, await workload.object(kind), change);
  await world.settled();
  await workload.restart();
}
