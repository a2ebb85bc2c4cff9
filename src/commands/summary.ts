import { isWell, type Result } from '../engine/events.ts';
import type { Evidence } from '../engine/evidence.ts';
import type { Method } from '../methods/method.ts';
import type { Summary } from '../report/result-text.ts';
import { secretId } from '../steps/secret.ts';
import type { Workload } from '../workload.ts';

/** What is told of a workload at the end. */
export function summaryOf(
  workload: Workload,
  methods: readonly Method[],
  record: Evidence,
  results: readonly Result[],
): Summary['workloads'][number] {
  const { vaultUri, clientId } = record.workloads.find(({ name }) => name === workload.name)?.facts ?? {};
  const method = methods.find(({ name }) => name === workload.method);
  const names = workload.secrets.map(({ name }) => name);
  const notWell = new Set(results.filter(({ outcome }) => !isWell(outcome)).map(({ change }) => change.id));
  // The proof is of the right alone; what was not seen to be there is said apart.
  const unseen = workload.secrets.filter((one) => notWell.has(secretId(workload.vault, one))).map(({ name }) => name);
  return {
    name: workload.name,
    account: `${workload.namespace}/${workload.serviceAccount}`,
    secrets: names.filter((name) => !unseen.includes(name)),
    unseen,
    vault: workload.vault.name,
    afterwards: method?.afterwards(workload, { ...(vaultUri && { vaultUri }), ...(clientId && { clientId }) }) ?? [],
    ...(!workload.sample && { note: 'No pod uses it yet.' }),
  };
}
