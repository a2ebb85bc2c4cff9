import type { Check } from '../../step.ts';
import { proofId } from '../../steps/proof.ts';
import type { Workload } from '../../workload.ts';
import type { Scope, Shared } from '../method.ts';
import { accountCheck, annotationChecks } from '../wiring/account.ts';
import { checkOf } from '../wiring/finding.ts';
import { injectionChecks } from '../wiring/label.ts';
import { ahead, crewAhead, crewOf } from '../wiring/live.ts';
import {
  createdCheck,
  foundations,
  namesOf,
  narrowed,
  notReady,
  placeCheck,
  podsCheck,
  proxyCheck,
  virtualNodes,
} from '../wiring/pods.ts';
import { webhookAhead, webhookCheck } from '../wiring/webhook.ts';
import { concerns } from './rules.ts';

/** From the webhook to the pods that it serves: each link once, and the pods last. */
export function examine(workload: Workload, shared: Shared, scope: Scope): readonly Check[] {
  const webhook = webhookCheck(workload, shared);
  return [
    {
      ...webhook,
      run(world, known) {
        // All that follows is read in the same wave.
        webhookAhead(world);
        crewAhead(world, workload, scope);
        ahead([virtualNodes(world)]);
        return webhook.run(world, known);
      },
    },
    accountCheck(workload),
    ...annotationChecks(workload, shared, scope),
    proxyCheck(workload, scope),
    createdCheck(workload, scope, ['AKS-WEBHOOK', 'AKS-SA', 'AKS-SA-TOKEN-LIFE', 'AKS-POD-PROXY']),
    podsCheck(workload, scope, concerns),
    placeCheck(workload, scope, concerns),
    ...injectionChecks(workload, scope, concerns),
    checkOf(workload, {
      code: 'AKS-POD-READY',
      title: 'the pods that have an identity are ready',
      category: 'pod',
      after: [...foundations(workload, shared, proofId(workload)), 'AKS-POD-ENV', 'AKS-POD-PLACE'],
      async run(world) {
        const { members } = narrowed(await crewOf(world, workload, scope), concerns);
        if (members.length === 0) return 'no pod uses it yet';
        const wrong = await notReady(world, members);
        return wrong.length > 0 ? wrong : namesOf(members);
      },
    }),
  ];
}
