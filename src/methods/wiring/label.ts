import { isOurObject } from '../../ownership.ts';
import type { Check } from '../../step.ts';
import type { Workload } from '../../workload.ts';
import type { Scope } from '../method.ts';
import { accountOf } from './account.ts';
import { type Carrier, called } from './carrier.ts';
import { environmentWrong } from './env.ts';
import { checkOf, type Wrong } from './finding.ts';
import { type Crew, crewOf, writtenIn } from './live.ts';
import { type Concerns, namesOf, narrowed } from './pods.ts';
import { labelWrong } from './rules.ts';

/** Those whose pods the webhook does not see though it should. */
function unseenIn(crew: Crew, scope: Scope): readonly Carrier[] {
  const written = writtenIn(crew);
  const seen = written.filter((each) => !labelWrong(each));
  // Others may share the service account and want nothing of Azure, unless nobody but our sample is left who does.
  const isTold = scope.pod || scope.selector || seen.every(({ object }) => isOurObject(object));
  return written.filter((each) => {
    const wrong = labelWrong(each);
    return wrong !== undefined && (isTold || wrong.path !== undefined);
  });
}

/** What the webhook does to the pods: it sees them, and gave them what their service account says now. */
export function injectionChecks(workload: Workload, scope: Scope, concerns: Concerns): readonly Check[] {
  return [
    checkOf(workload, {
      code: 'AKS-POD-LABEL',
      title: 'the webhook sees the pods',
      category: 'pod',
      after: ['AKS-WEBHOOK', 'AKS-POD', 'AKS-POD-PLACE'],
      async run(world): Promise<readonly Wrong[]> {
        const crew = narrowed(await crewOf(world, workload, scope), concerns);
        return unseenIn(crew, scope)
          .slice(0, 1)
          .flatMap((carrier) => {
            const wrong = labelWrong(carrier);
            if (!wrong) return [];
            const name = called(carrier.object);
            return [wrong.observed.includes(name) ? wrong : { ...wrong, observed: `${name}: ${wrong.observed}` }];
          });
      },
    }),
    checkOf(workload, {
      code: 'AKS-POD-ENV',
      title: 'the pods have the token and the identity that the service account names',
      category: 'pod',
      after: ['AKS-POD-LABEL', 'AKS-SA-CLIENT-ID', 'AKS-SA-TENANT'],
      async run(world): Promise<readonly Wrong[] | string> {
        const [crew, account] = await Promise.all([crewOf(world, workload, scope), accountOf(world, workload)]);
        const { members } = narrowed(crew, concerns);
        const meant = members.filter(({ carrier, maker }) => !labelWrong(maker ?? carrier));
        if (!account || meant.length === 0) return '';
        const wrong = meant.map((each) => environmentWrong(each, account)).find((each) => each !== undefined);
        return wrong ? [wrong] : namesOf(meant);
      },
    }),
  ];
}
