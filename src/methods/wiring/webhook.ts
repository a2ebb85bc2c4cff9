import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Check } from '../../step.ts';
import { IDENTITY_WEBHOOK } from '../../steps/deliverer.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Shared } from '../method.ts';
import { checkOf, type Wrong } from './finding.ts';
import { ahead } from './live.ts';
import { enumerated, list, record, text } from './shape.ts';

/** The name of the webhook itself; that of its configuration differs between AKS and a chart of one's own. */
const WEBHOOK = 'mutation.azure-workload-identity.io';
const CONFIGURATION = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'MutatingWebhookConfiguration',
} as const;
const ENDPOINTS = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' } as const;
/** Where AKS runs its own. */
const SYSTEM = 'kube-system';

interface Registered {
  readonly configuration: string;
  readonly service?: { readonly namespace: string; readonly name: string };
}

const registeredIn = (configurations: readonly KubernetesObject[]): readonly Registered[] =>
  configurations.flatMap((each) =>
    list(each.webhooks)
      .map(record)
      .filter(({ name }) => name === WEBHOOK)
      .map(({ clientConfig }) => {
        const { namespace, name } = record(record(clientConfig).service);
        const service = { namespace: text(namespace) ?? '', name: text(name) ?? '' };
        return { configuration: each.metadata.name, ...(service.name && { service }) };
      }),
  );

const endpointsOf = ({ kubernetes }: World, { namespace, name }: NonNullable<Registered['service']>) =>
  kubernetes.list(ENDPOINTS, namespace, `kubernetes.io/service-name=${name}`);

/** Starts its reads. */
export function webhookAhead(world: World): void {
  const endpoints = world.kubernetes
    .list(CONFIGURATION, undefined)
    .then((all) =>
      Promise.all(registeredIn(all).flatMap(({ service }) => (service ? [endpointsOf(world, service)] : []))),
    );
  ahead([endpoints]);
}

/** The webhook that gives labelled pods their token: registered, once, and some pod of it is ready. */
export function webhookCheck(workload: Workload, shared: Shared): Check {
  const { resourceGroup, name } = shared.spec.cluster;
  const reconcile = `az aks update --resource-group ${resourceGroup} --name ${name} --enable-oidc-issuer --enable-workload-identity`;
  return checkOf(workload, {
    code: 'AKS-WEBHOOK',
    title: 'the workload identity webhook is there and ready',
    category: 'cluster',
    after: ['AKS-CLUSTER', 'AKS-WORKLOAD-IDENTITY'],
    async run(world): Promise<readonly Wrong[] | string> {
      const registered = registeredIn(await world.kubernetes.list(CONFIGURATION, undefined));
      const [first] = registered;
      if (!first)
        return [
          {
            failure: 'F036',
            observed: `no MutatingWebhookConfiguration has ${WEBHOOK}`,
            expected: IDENTITY_WEBHOOK.object.name,
            fix: {
              say: 'Switch workload identity on; where it is on, the same line brings the webhook back.',
              run: reconcile,
            },
          },
        ];
      if (registered.length > 1)
        return [
          {
            failure: 'F037',
            observed: `it is registered by ${enumerated(registered.map(({ configuration }) => configuration))}`,
            expected: 'one of them',
            fix: { say: 'Keep the one that AKS manages and uninstall the chart of the other.' },
          },
        ];
      if (!first.service) return `by ${first.configuration}, outside of the cluster`;
      const { service } = first;
      const slices = await endpointsOf(world, service);
      const endpoints = slices.flatMap((slice) => list(slice.endpoints).map(record));
      // As the API server takes it: not said is ready.
      const ready = endpoints.filter(({ conditions }) => record(conditions).ready !== false);
      if (ready.length === 0)
        return [
          {
            failure: 'F034',
            observed: `none of ${endpoints.length} pods behind ${service.namespace}/${service.name} is ready`,
            expected: 'one that is: the API server refuses labelled pods until then',
            fix: {
              say: 'Find out why its pods do not run (nodes full, taints).',
              run: `kubectl get pods --namespace ${service.namespace} --selector azure-workload-identity.io/system=true --output wide`,
            },
          },
        ];
      return service.namespace === SYSTEM ? '' : `self-installed in ${service.namespace}`;
    },
  });
}
