import { webhookAnswers } from './addons/webhook.ts';
import type { Lab, Live } from './lab.ts';
import { until } from './processes.ts';

interface Cluster {
  readonly properties: Record<string, unknown> & { readonly provisioningState: string };
}

/** The cluster has issuer and workload identity, and its webhook is in place; whoever comes second finds it so. */
export async function withWorkloadIdentity(lab: Lab): Promise<void> {
  if (!lab.cluster().workloadIdentity) {
    const path = `${lab.cluster().id}?api-version=2026-06-01`;
    const { body } = await lab.arm<Cluster>('GET', path);
    const properties = {
      ...body.properties,
      oidcIssuerProfile: { enabled: true },
      securityProfile: { ...(body.properties.securityProfile as object), workloadIdentity: { enabled: true } },
    };
    const { status, body: said } = await lab.arm('PUT', path, { ...body, properties });
    if (status >= 300) throw new Error(`the cluster's feature: ${status} ${JSON.stringify(said)}`);
  }
  await until('the webhook is registered, with the certificate that it made', async () => {
    const found = await lab.object<Live & { webhooks: readonly { clientConfig: { caBundle?: string } }[] }>(
      'mutatingwebhookconfiguration/azure-wi-webhook-mutating-webhook-configuration',
    );
    return Boolean(found?.webhooks[0]?.clientConfig.caBundle);
  });
  await webhookAnswers(lab);
}

/** The extension of Dapr is installed, as `az k8s-extension create` would; whoever comes second finds it so. */
export async function withDapr(lab: Lab): Promise<void> {
  const version = 'api-version=2023-05-01';
  registered(lab);
  const path = `${lab.cluster().id}/providers/Microsoft.KubernetesConfiguration/extensions`;
  const { body } = await lab.arm<{ value?: readonly object[] }>('GET', `${path}?${version}`);
  if (body.value?.length) return;
  const properties = {
    ...{ extensionType: 'microsoft.dapr', autoUpgradeMinorVersion: false, releaseTrain: 'stable' },
    scope: { cluster: { releaseNamespace: 'dapr-system' } },
  };
  const { status, body: said } = await lab.arm('PUT', `${path}/dapr?${version}`, { properties });
  if (status >= 300) throw new Error(`the extension: ${status} ${JSON.stringify(said)}`);
  await until('the extension is installed', async () => {
    const found = await lab.arm<Cluster>('GET', `${path}/dapr?${version}`);
    return found.body.properties.provisioningState === 'Succeeded';
  });
}

/** The provider of extensions was registered long ago, which takes minutes else. */
export const registered = (lab: Lab): void => {
  lab.sandbox.place.slice.providers['microsoft.kubernetesconfiguration'] = 0;
};
