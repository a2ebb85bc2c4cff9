import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { DRIVER_IMAGE } from '../../steps/self-installed.ts';
import type { World } from '../../world.ts';
import { carrierOf } from '../wiring/carrier.ts';
import { orHidden } from '../wiring/live.ts';
import { list, record, text } from '../wiring/shape.ts';
import { partOf } from './driver.ts';

/** Lines that are read from the end of a driver's log: some rounds of rotation. */
const LINES = 400;

/**
 * Errors in the logs of the drivers on these nodes that speak of one of these (`secret="shop/copy"`), newest first. Some are
 * told nowhere else: why a Secret could not be written, and why a round of rotation was in vain. None where one may not look.
 * @see https://github.com/kubernetes-sigs/secrets-store-csi-driver/blob/v1.6.0/controllers/secretproviderclasspodstatus_controller.go
 */
export async function driverErrors(
  world: World,
  nodes: readonly string[],
  about: readonly string[],
): Promise<readonly string[]> {
  const part = await orHidden(partOf(world, DRIVER_IMAGE));
  const pods = (part?.pods ?? []).filter((pod) => nodes.includes(carrierOf(pod)?.spec.nodeName ?? ''));
  const logs = await Promise.all(pods.map((pod) => logOf(world, pod)));
  return logs
    .flatMap((log) => log.split('\n'))
    .filter((line) => /\berr="/.test(line) && about.some((each) => line.includes(each)))
    .map((line) => line.replaceAll('\\n', ' ').replaceAll('\\"', '"'))
    .reverse();
}

async function logOf({ kubernetes }: World, pod: KubernetesObject): Promise<string> {
  const containers = list(record(pod.spec).containers).map(record);
  const container = text(containers.find(({ image }) => DRIVER_IMAGE.test(text(image) ?? ''))?.name);
  const { name, namespace = '' } = pod.metadata;
  // Who may not read it, or finds none, is told less.
  return container ? kubernetes.log(namespace, name, LINES, container).catch(() => '') : '';
}
