import type { Carrier } from '../wiring/carrier.ts';
import { labelWrong } from '../wiring/rules.ts';

export { lintWiring as lint } from '../wiring/rules.ts';

const DRIVER = 'secrets-store.csi.k8s.io';

/** Pods of the service account that live by mounted files want no label, unless something shows that they do. */
export function concerns(carrier: Carrier): boolean {
  const isMounted = carrier.spec.volumes.some(({ csi }) => csi?.driver === DRIVER);
  const wrong = labelWrong(carrier);
  return !isMounted || wrong === undefined || wrong.path !== undefined;
}
