import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import type { Pod } from '../model.ts';
import { isDriverPod } from './registration.ts';

/** Container and files of the driver, by what it complains of. */
const CONTAINER = 'secrets-store';
const SOURCES = {
  'failed to create Kubernetes secret': 'secretproviderclasspodstatus_controller.go:325',
  'failed to mount secrets store object content': 'nodeserver.go:245',
} as const;

/** An error in the log of the driver on the pod's node, as klog prints it: the only place where some errors are told. */
export function driverSays(
  cluster: Cluster,
  pod: Pod,
  what: keyof typeof SOURCES,
  error: string,
  about: Readonly<Record<string, string | boolean>>,
): void {
  const pods = cluster.store.list(kindNamed('Pod')) as readonly Pod[];
  const driver = pods.find((each) => isDriverPod(each) && each.spec.nodeName === pod.spec.nodeName);
  if (!driver) return;
  const [, month, day, time] = /-(\d\d)-(\d\d)T([\d:]+)/.exec(cluster.parts.clock.now().toISOString()) ?? [];
  const words = Object.entries({ err: error, ...about }).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  cluster.kubelet.say(
    driver,
    CONTAINER,
    `E${month}${day} ${time}.000000       1 ${SOURCES[what]}] ${JSON.stringify(what)} ${words.join(' ')}`,
  );
}
