import { failureDocument, planDocument } from '../engine/evidence.ts';
import type { Output } from '../io.ts';
import { documentText } from './document.ts';
import type { Reporter } from './reporter.ts';

/** Exactly one document, at the end: a failure before evidence, evidence before the plan that it carried out. */
export function jsonReporter(stdout: Output, print: (document: unknown) => string = documentText): Reporter {
  let document: unknown;
  let closed = false;
  return {
    tell: () => undefined,
    note: () => undefined,
    plan(plan, { caller, subscription, tenant, label }) {
      document = planDocument(plan, {
        ...(caller !== undefined && { caller }),
        ...(subscription && { subscription }),
        ...(tenant !== undefined && { tenant }),
        simulated: label !== undefined,
      });
    },
    result(_summary, evidence) {
      document = evidence;
    },
    removed(_summary, evidence) {
      document = evidence;
    },
    verified(form) {
      document = form.document;
    },
    failure(complaints, exitCode) {
      document = failureDocument(complaints, exitCode);
    },
    close() {
      if (closed || document === undefined) return;
      closed = true;
      stdout.write(print(document));
    },
  };
}
