import type { Step } from '../../step.ts';
import { ref } from '../../step.ts';
import { daprReady } from '../../steps/dapr.ts';
import { IDENTITY_WEBHOOK } from '../../steps/deliverer.ts';
import { dapr as daprIn } from '../../steps/extension.ts';
import { oidcIssuer, workloadIdentity } from '../../steps/features.ts';
import { armId } from '../../workload.ts';
import { defineMethod } from '../method.ts';
import { object } from '../objects.ts';
import { sampleChecks, sampleOf } from '../sample.ts';
import { codeFor } from './code.ts';
import { examine } from './examine.ts';
import { recognise } from './recognise.ts';
import { lint } from './rules.ts';

interface DaprOptions {
  /** Also a Configuration that lets the sidecar answer for the secrets named only. */
  readonly secretScopes?: true;
}

export const dapr = defineMethod<DaprOptions>({
  name: 'dapr',
  title: 'Dapr',
  choose: 'The code can change and should know one call for every store, not Azure: a sidecar in the pod answers it.',
  traits: {
    delivers: 'http',
    takes: 'an HTTP call to the sidecar',
    codeChange: true,
    variables: false,
    rotation: 'each call is current',
    freshWithoutRestart: true,
    runs: 'Dapr in the cluster, and a sidecar in each pod',
    valueInCluster: false,
    otherStores: true,
  },
  // Its store asks the vault for secrets alone (components-contrib, secretstores/azure/keyvault).
  carries: ['secret'],
  recognise,
  probe: ({ name, secrets, options }, found) => ({
    reaches: true,
    values: {
      secretNames: secrets.map((secret) => secret.name).join(','),
      secretStore: found?.names.secretStore ?? name,
      // The store that `init` makes is open to the sample as well.
      appId: found?.names.appId ?? `${name}-sample`,
      configuration: found?.names.configuration ?? (options.secretScopes ? name : ''),
    },
  }),
  questions: [
    {
      flag: 'secret-scopes',
      ask: 'let the sidecar answer for the secrets named only (a Dapr Configuration)',
      wizard: { ask: 'Let the sidecar answer for these secrets only?', label: 'Secret scopes' },
    },
  ],
  options: ({ 'secret-scopes': scopes }) => (scopes === 'true' ? { secretScopes: true } : {}),
  clusterFeatures: () => [oidcIssuer, workloadIdentity],
  steps(workload, shared) {
    const { spec, cluster } = shared;
    const { resourceGroup, name } = spec.cluster;
    const workloads = [workload.name];
    const clusterId = armId(spec.subscription, resourceGroup, 'Microsoft.ContainerService/managedClusters', name);
    const { registered, installed } = daprIn({ wish: spec.cluster, clusterId, cluster, workloads });
    const ready = daprReady({ by: installed, workloads });

    const namespace = ref(shared.namespace(workload), 'applied');
    const identity = shared.identity(workload);
    const account = object(workload, shared, 'dapr/serviceaccount.yaml', {
      needs: { clientId: ref(identity, 'clientId'), tenantId: ref(identity, 'tenantId') },
      after: [namespace],
    });
    // Their kinds come with Dapr, and a pod that is made before its injector runs never gets a sidecar.
    const running = [ref(installed, 'deliverer'), ref(ready, 'ready')];
    const after = [namespace, ...running];
    const component = object(workload, shared, 'dapr/component.yaml', { after });
    const { secretScopes } = workload.options;
    const scopes: readonly Step[] = secretScopes
      ? [object(workload, shared, 'dapr/configuration.yaml', { after })]
      : [];
    const sample = sampleOf(workload, shared, {
      delivers: IDENTITY_WEBHOOK,
      before: [account, component, ...scopes],
      after: running,
      values: {
        secretNames: workload.secrets.map(({ name }) => name).join(','),
        configuration: secretScopes ? workload.name : '',
      },
    });
    return [registered, installed, ready, account, component, ...scopes, ...sample];
  },
  checks: (workload, _shared, steps) => sampleChecks(workload, steps),
  examine: (workload, shared, scope) => examine({ workload, shared, scope }),
  lint,
  afterwards({ name, serviceAccount, secrets, options }) {
    return [
      'Set on your pods (a Deployment: under spec.template), and restart them:',
      '  metadata.labels       azure.workload.identity/use: "true"',
      '  metadata.annotations  dapr.io/enabled: "true"',
      `                        dapr.io/app-id: ${name}`,
      ...(options.secretScopes ? [`                        dapr.io/config: ${name}`] : []),
      `  spec                  serviceAccountName: ${serviceAccount}`,
      '  and with automountServiceAccountToken: false also',
      '                        dapr.io/disable-builtin-k8s-secret-store: "true"',
      `A sidecar reads its store (Component ${name}) when it starts: after a change of`,
      'the Component, restart the pods.',
      'Add to the code (no id, no password; each call asks the vault):',
      ...codeFor(name, secrets[0]?.name ?? 'name').flatMap(({ language, lines }) => [
        `  ${language}`,
        ...lines.map((line) => `    ${line}`),
      ]),
    ];
  },
});
