import type { Pod } from '../model.ts';

export const DRIVER = 'secrets-store.csi.k8s.io';
export const GROUP = 'secrets-store.csi.x-k8s.io';
export const API = { apiVersion: `${GROUP}/v1` };

/** The driver's record of a pod and a class. */
export const statusName = ({ metadata }: Pod, className: string): string =>
  `${metadata.name}-${metadata.namespace}-${className}`;

/** Names of the classes that a pod mounts. */
export function classesOf(pod: Pod): string[] {
  return (pod.spec.volumes ?? []).flatMap((volume) =>
    volume.csi?.driver === DRIVER ? [volume.csi.volumeAttributes?.secretProviderClass ?? ''] : [],
  );
}
