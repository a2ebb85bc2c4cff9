import type { Cloud } from '../azure/azure.ts';
import type { Step } from '../step.ts';
import { calledBy } from '../steps/identity.ts';
import { retirement } from '../steps/retirement.ts';
import { type Spec, subjectOf } from '../workload.ts';
import { collect } from './collect.ts';
import { subjectsOf } from './subjects.ts';

/** `destroy --issuer`: the credentials of the workloads' service accounts for that issuer, and nothing else. */
export function retire(spec: Spec, cloud: Cloud, issuer: string): readonly Step[] {
  const subjects = subjectsOf(spec, cloud, [], collect());
  const { once, all } = collect();
  for (const workload of spec.workloads) {
    const identity = subjects.identity(workload);
    const subject = subjectOf(workload);
    const called = calledBy(identity.step);
    once(retirement({ identity, called, subject, issuer, workloads: [workload.name] }));
  }
  return all();
}
