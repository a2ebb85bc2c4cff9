import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { binary, folderOf, programNamed } from '../../build/programs.ts';
import type { Lab, Live } from '../lab.ts';
import { until } from '../processes.ts';
import { hostPods, type PodProgram } from '../system-pods.ts';
import type { Addon } from './addon.ts';

/** Where AKS runs its own; its makers' manifest has a namespace for it. */
const NAMESPACE = 'kube-system';
const UPSTREAM = 'azure-workload-identity-system';
const DEPLOYMENT = 'azure-wi-webhook-controller-manager';

/**
 * The webhook of Entra Workload ID by its makers' own manifest, in the namespace where AKS has it: its account and roles,
 * its Service, and the certificate that it makes for itself and writes into its configuration. One pod, where AKS has two:
 * both would listen on one port.
 */
export const webhook: Addon = {
  name: 'webhook',
  wanted: ({ workloadIdentity }) => workloadIdentity,
  async install(lab) {
    await hostPods(lab, NAMESPACE, [WEBHOOK]);
    await lab.apply(...manifests(lab.sandbox.parts.state.tenantId));
    await webhookAnswers(lab);
  },
};

const WEBHOOK: PodProgram = {
  image: /\/workload-identity\/webhook:/,
  file: binary('webhook'),
  name: () => 'webhook',
  args: (args, at) => [
    ...args.filter((arg) => !arg.startsWith('--log-level')),
    ...['--log-level=debug', `--webhook-cert-dir=${at('/certs')}`],
    ...['--health-addr=127.0.0.1:9440', '--metrics-addr=127.0.0.1:8095'],
  ],
  probe: () => 'http://127.0.0.1:9440/readyz',
};

interface Manifest {
  readonly kind: string;
  readonly spec?: Record<string, unknown> & { template?: { spec: { containers: Record<string, unknown>[] } } };
}

function manifests(tenantId: string): readonly object[] {
  const text = readFileSync(join(folderOf(programNamed('webhook')), 'deploy/azure-wi-webhook.yaml'), 'utf8')
    .replaceAll(UPSTREAM, NAMESPACE)
    .replaceAll(/\$\{AZURE_ENVIRONMENT:-(\w+)\}/g, '$1')
    .replaceAll(/\$\{AZURE_TENANT_ID\}/g, tenantId);
  const all = parseAllDocuments(text).map((each) => each.toJS() as Manifest);
  return all
    .filter(({ kind }) => kind !== 'Namespace')
    .map((each) => (each.kind === 'Deployment' ? { ...each, spec: { ...each.spec, replicas: 1 } } : each));
}

/** Its certificate is in place on both sides, and the API server has somebody to ask. */
export async function webhookAnswers(lab: Lab): Promise<void> {
  const pod = (name: string) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { 'azure.workload.identity/use': 'true' } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
  });
  let said = '';
  await until(
    'the webhook answers',
    async () => {
      const { code, err } = await lab.kubectl('create --dry-run=server -f -', JSON.stringify(pod('asks')));
      said = err;
      return code === 0;
    },
    () => said,
  );
}

/** How many of its pods shall run. With none the API server refuses labelled pods. */
export async function scaleWebhook(lab: Lab, replicas: 0 | 1): Promise<void> {
  const { code, err } = await lab.kubectl(`scale deployment ${DEPLOYMENT} -n ${NAMESPACE} --replicas=${replicas}`);
  if (code !== 0) throw new Error(err);
  if (replicas === 1) return webhookAnswers(lab);
  await until('the webhook has gone', async () => {
    const found = await lab.object<{ items: readonly Live[] }>(
      `pods -n ${NAMESPACE} -l azure-workload-identity.io/system=true`,
    );
    return found?.items.length === 0;
  });
}
