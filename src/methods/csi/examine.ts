import type { Check } from '../../step.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { accountCheck } from '../wiring/account.ts';
import { secretsIn } from '../wiring/carrier.ts';
import { ahead, crewAhead } from '../wiring/live.ts';
import { createdCheck, placeCheck, podsCheck, virtualNodes } from '../wiring/pods.ts';
import { classChecks } from './class-checks.ts';
import { classesIn, statusesIn } from './classes.ts';
import { driverAhead, driverChecks } from './driver.ts';
import { podChecks } from './pod-checks.ts';
import { mounts } from './rules.ts';

/** From the driver to the files in the pods. An annotation of the service account, or a label, it does not need. */
export function examine(workload: Workload, shared: Shared, scope: Scope): readonly Check[] {
  const [first, ...others] = driverChecks(workload, shared, scope) as readonly [Check, ...Check[]];
  return [
    {
      ...first,
      run(world, known) {
        readAhead(world, workload, scope);
        return first.run(world, known);
      },
    },
    ...others,
    accountCheck(workload),
    createdCheck(workload, scope, ['AKS-SA']),
    podsCheck(workload, scope, (carrier) => mounts(carrier) || secretsIn(carrier.spec).length > 0),
    placeCheck(workload, scope, mounts, { byWebhook: false }),
    ...classChecks(workload, shared, scope),
    ...podChecks(workload, shared, scope),
  ];
}

/** All that follows is read in the same wave. */
function readAhead(world: World, workload: Workload, scope: Scope): void {
  driverAhead(world);
  crewAhead(world, workload, scope);
  ahead([classesIn(world, workload.namespace), statusesIn(world, workload.namespace), virtualNodes(world)]);
}
