import type { Kubernetes, KubernetesObject } from '../kubernetes/kubernetes.ts';

/** What somebody installed himself does the same as what AKS brings: access by other means is well. */

const DRIVER = 'secrets-store.csi.k8s.io';
export const DRIVER_IMAGE = /(?:secrets-store-csi|csi-secrets-store|secrets-store)\/driver(?:[:@]|$)/;
export const PROVIDER_IMAGE = /(?:^|\/)provider-azure(?:[:@]|$)/;
const WEBHOOK = 'mutation.azure-workload-identity.io';
/** On what AKS itself puts into a cluster: that follows the add-on, and is no other means. */
const OF_AKS = ['kubernetes.azure.com/managedby', 'addonmanager.kubernetes.io/mode'];

interface Container {
  readonly image?: string;
  readonly args?: readonly string[];
}

interface Webhook {
  readonly name?: string;
  readonly clientConfig?: { readonly service?: { readonly namespace?: string } };
}

const isOfAks = ({ metadata }: KubernetesObject): boolean => OF_AKS.some((key) => metadata.labels?.[key] !== undefined);

function containersOf({ spec }: KubernetesObject): readonly Container[] {
  const { template } = (spec ?? {}) as { template?: { spec?: { containers?: readonly Container[] } } };
  return template?.spec?.containers ?? [];
}

/** The Secrets Store CSI driver with the provider for Azure, and whether it looks for new versions. */
export async function selfInstalledDriver(
  kubernetes: Kubernetes,
): Promise<{ readonly name: string; readonly rotates: boolean } | undefined> {
  const [registered, all] = await Promise.all([
    kubernetes.get({ apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', name: DRIVER }),
    kubernetes.list({ apiVersion: 'apps/v1', kind: 'DaemonSet' }, undefined),
  ]);
  const theirs = all.filter((one) => !isOfAks(one));
  const having = (image: RegExp) => theirs.find((one) => containersOf(one).some((c) => image.test(c.image ?? '')));
  const [driver, provider] = [having(DRIVER_IMAGE), having(PROVIDER_IMAGE)];
  if (!registered || !driver || !provider) return undefined;
  const { requiresRepublish } = (registered.spec ?? {}) as { requiresRepublish?: boolean };
  const args = containersOf(driver).flatMap(({ args: given = [] }) => given);
  const { namespace, name } = driver.metadata;
  return {
    name: `the DaemonSet ${namespace}/${name}, which is not the add-on's`,
    rotates: requiresRepublish === true || args.includes('--enable-secret-rotation=true'),
  };
}

/** The webhook of workload identity, from the chart of azure-workload-identity. */
export async function selfInstalledWebhook(kubernetes: Kubernetes): Promise<string | undefined> {
  const all = await kubernetes.list(
    { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'MutatingWebhookConfiguration' },
    undefined,
  );
  const found = all.find(
    (one) =>
      !isOfAks(one) &&
      ((one.webhooks ?? []) as readonly Webhook[]).some(
        // That of AKS answers from kube-system; the chart may not be installed there.
        ({ name, clientConfig }) => name === WEBHOOK && clientConfig?.service?.namespace !== 'kube-system',
      ),
  );
  return found && `the webhook ${found.metadata.name}, which is not of AKS`;
}
