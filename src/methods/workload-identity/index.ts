import { ref } from '../../step.ts';
import { IDENTITY_WEBHOOK } from '../../steps/deliverer.ts';
import { oidcIssuer, workloadIdentity as webhook } from '../../steps/features.ts';
import type { SecretRef } from '../../workload.ts';
import { defineMethod } from '../method.ts';
import { object } from '../objects.ts';
import { sampleChecks, sampleOf } from '../sample.ts';
import { codeFor } from './code.ts';
import { examine } from './examine.ts';
import { recognise } from './recognise.ts';
import { lint } from './rules.ts';

/** As paths below the vault: what is no secret is read as what it is, by a role that opens no secret. */
const pathsOf = (secrets: readonly SecretRef[]): string =>
  secrets.map(({ kind, name }) => `${kind}s/${name}`).join(',');

export const workloadIdentity = defineMethod<Record<string, never>>({
  name: 'workload-identity',
  title: 'Microsoft Entra Workload ID',
  choose: 'The code can change and reads Key Vault itself: always current, nothing to install in the pod.',
  traits: {
    delivers: 'code',
    takes: 'the code reads Key Vault',
    codeChange: true,
    variables: false,
    rotation: 'each read is current',
    freshWithoutRestart: true,
    runs: 'the webhook of AKS workload identity',
    valueInCluster: false,
    otherStores: false,
  },
  carries: ['secret', 'key', 'certificate'],
  recognise,
  probe: ({ secrets }) => ({ reaches: true, values: { secretNames: pathsOf(secrets) } }),
  questions: [],
  options: () => ({}),
  clusterFeatures: () => [oidcIssuer, webhook],
  steps(workload, shared) {
    const namespace = ref(shared.namespace(workload), 'applied');
    const identity = shared.identity(workload);
    const account = object(workload, shared, 'workload-identity/serviceaccount.yaml', {
      needs: { clientId: ref(identity, 'clientId'), tenantId: ref(identity, 'tenantId') },
      after: [namespace],
    });
    const sample = sampleOf(workload, shared, {
      delivers: IDENTITY_WEBHOOK,
      before: [account],
      needs: { vaultUri: ref(shared.vault(workload), 'vaultUri') },
      values: { secretNames: pathsOf(workload.secrets) },
    });
    return [account, ...sample];
  },
  checks: (workload, _shared, steps) => sampleChecks(workload, steps),
  examine,
  lint,
  afterwards: ({ serviceAccount, secrets }, { vaultUri = '' }) => [
    'Set on your pods (a Deployment: under spec.template), and restart them:',
    '  metadata.labels      azure.workload.identity/use: "true"',
    `  spec                 serviceAccountName: ${serviceAccount}`,
    'Add to the code (the identity comes from the pod; no id, no password):',
    ...codeFor(vaultUri, secrets.find(({ kind }) => kind === 'secret')?.name ?? 'name').flatMap(
      ({ language, needs, lines }) => [`  ${language}, ${needs}`, ...lines.map((line) => `    ${line}`)],
    ),
  ],
});
