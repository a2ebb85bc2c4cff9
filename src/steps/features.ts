import type { Finding } from '../step.ts';
import type { ClusterFeature } from './feature.ts';
import { selfInstalledDriver, selfInstalledWebhook } from './self-installed.ts';

type Properties = Record<string, unknown>;
interface AddOn {
  enabled?: boolean;
  config?: Record<string, string> | null;
}

function objectAt(properties: Properties, key: string): Properties {
  properties[key] ??= {};
  return properties[key] as Properties;
}

/** Signs the tokens that Entra trusts. Cannot be switched off again (AKS, "Use the OIDC issuer"). */
export const oidcIssuer: ClusterFeature = {
  name: 'OIDC issuer',
  byHand: () => ({ update: '--enable-oidc-issuer' }),
  differences: ({ oidcIssuerProfile }) =>
    (oidcIssuerProfile as { enabled?: boolean } | undefined)?.enabled === true
      ? []
      : [
          {
            path: 'OIDC issuer',
            is: 'off',
            want: 'on',
            consent: ['cluster', 'irreversible'],
            irreversible: true,
            warning: 'cannot be undone, restarts the API server; pods may need a restart',
          },
        ],
  findings: (properties) => [
    oidcIssuer.differences(properties).length === 0
      ? { check: 'AKS-OIDC-ISSUER', title: 'OIDC issuer is on', verdict: 'pass' }
      : {
          ...{ check: 'AKS-OIDC-ISSUER', title: 'OIDC issuer is on', verdict: 'fail', failure: 'F054' },
          ...{ observed: 'off: Entra cannot check the tokens of this cluster', expected: 'on' },
        },
  ],
  switchOn(properties) {
    objectAt(properties, 'oidcIssuerProfile').enabled = true;
  },
};

const WORKLOAD_IDENTITY = { check: 'AKS-WORKLOAD-IDENTITY', title: 'workload identity is on' } as const;
const ADD_ON_CHECK = { check: 'AKS-KEYVAULT-ADDON', title: 'Key Vault add-on is on' } as const;
const ROTATION = {
  ...{ check: 'AKS-ROTATION', title: 'the driver looks for new versions' },
  // A pod is given its secret all the same.
  category: 'freshness',
} as const;

const fails = (findings: readonly Finding[], check: string): boolean =>
  findings.some((finding) => finding.check === check && finding.verdict === 'fail');

/** The webhook that gives labelled pods their token. */
export const workloadIdentity: ClusterFeature = {
  name: 'workload identity',
  byHand: () => ({ update: '--enable-workload-identity' }),
  byHandOff: (cluster) => `az aks update ${cluster} --disable-workload-identity`,
  differences: ({ securityProfile }) =>
    (securityProfile as { workloadIdentity?: { enabled?: boolean } } | undefined)?.workloadIdentity?.enabled === true
      ? []
      : [{ path: 'workload identity', is: 'off', want: 'on', consent: ['cluster'] }],
  findings: (properties) => [
    workloadIdentity.differences(properties).length === 0
      ? { ...WORKLOAD_IDENTITY, verdict: 'pass' }
      : { ...WORKLOAD_IDENTITY, verdict: 'fail', failure: 'F036', observed: 'off: no webhook of AKS', expected: 'on' },
  ],
  async otherwise({ kubernetes }, findings) {
    if (!fails(findings, WORKLOAD_IDENTITY.check)) return [];
    const webhook = await selfInstalledWebhook(kubernetes);
    return webhook === undefined ? [] : [{ ...WORKLOAD_IDENTITY, verdict: 'pass', observed: `by ${webhook}` }];
  },
  switchOn(properties) {
    objectAt(objectAt(properties, 'securityProfile'), 'workloadIdentity').enabled = true;
  },
};

const ADD_ON = 'azureKeyvaultSecretsProvider';

/** Older clusters answer with another spelling of the key. */
function addOnOf(properties: Readonly<Properties>): { key: string; addOn: AddOn | undefined } {
  const profiles = (properties.addonProfiles ?? {}) as Record<string, AddOn>;
  const key = Object.keys(profiles).find((name) => name.toLowerCase() === ADD_ON.toLowerCase()) ?? ADD_ON;
  return { key, addOn: profiles[key] };
}

/**
 * The Secrets Store CSI driver with the Azure provider, as an add-on, with rotation on. `interval` is the poll interval
 * that somebody asked for; without it the cluster's own stays (`config` values are strings on the wire).
 */
export function keyVaultAddOn(interval?: string): ClusterFeature {
  return {
    name: 'Key Vault add-on',
    specific: interval !== undefined,
    byHand(properties) {
      const rotation = `--enable-secret-rotation${interval ? ` --rotation-poll-interval ${interval}` : ''}`;
      const addOns = 'azure-keyvault-secrets-provider';
      if (!properties) return { update: `--enable-addons ${addOns} ${rotation}` };
      return addOnOf(properties).addOn?.enabled === true
        ? { update: rotation }
        : { enable: `--addons ${addOns} ${rotation}` };
    },
    byHandOff: (cluster) => `az aks disable-addons ${cluster} --addons azure-keyvault-secrets-provider`,
    differences(properties) {
      const { addOn } = addOnOf(properties);
      const consent = ['cluster'] as const;
      if (addOn?.enabled !== true)
        return [{ path: 'Key Vault add-on', is: 'off', want: `on, rotation ${interval ?? DEFAULT_INTERVAL}`, consent }];
      const rotating = addOn.config?.enableSecretRotation?.toLowerCase() === 'true';
      const is = addOn.config?.rotationPollInterval ?? DEFAULT_INTERVAL;
      return [
        ...(rotating ? [] : [{ path: 'secret rotation', is: 'off', want: `on, every ${interval ?? is}`, consent }]),
        ...(rotating && interval && is !== interval
          ? [{ path: 'rotation interval', is, want: interval, consent, warning: 'for every pod of the cluster' }]
          : []),
      ];
    },
    findings(properties) {
      const { addOn } = addOnOf(properties);
      if (addOn?.enabled !== true)
        return [
          {
            ...ADD_ON_CHECK,
            verdict: 'fail',
            failure: addOn ? 'F019' : 'F145',
            observed: addOn ? 'off: its entry is there, with enabled false' : 'off: it was never switched on',
            expected: 'on',
          },
        ];
      const is = addOn.config?.rotationPollInterval ?? DEFAULT_INTERVAL;
      return [{ ...ADD_ON_CHECK, verdict: 'pass' }, rotation(addOn.config?.enableSecretRotation, is, interval)];
    },
    async otherwise({ kubernetes }, findings) {
      if (!fails(findings, ADD_ON_CHECK.check)) return [];
      const driver = await selfInstalledDriver(kubernetes);
      if (!driver) return [];
      return [
        {
          ...ADD_ON_CHECK,
          title: 'a driver and its provider are in the cluster',
          verdict: 'pass',
          observed: `by ${driver.name}`,
        },
        rotation(String(driver.rotates), 'its own interval', undefined),
      ];
    },
    switchOn(properties) {
      const { key, addOn } = addOnOf(properties);
      objectAt(properties, 'addonProfiles')[key] = {
        ...addOn,
        enabled: true,
        // Never null: the add-on's own tools fail on it.
        config: {
          ...addOn?.config,
          enableSecretRotation: 'true',
          ...(interval ? { rotationPollInterval: interval } : {}),
        },
      };
    },
  };
}

function rotation(enabled: string | undefined, is: string, wanted: string | undefined): Finding {
  if (enabled?.toLowerCase() !== 'true')
    return { ...ROTATION, verdict: 'fail', failure: 'F106', observed: 'rotation is off', expected: 'on' };
  if (wanted !== undefined && wanted !== is)
    return { ...ROTATION, verdict: 'warn', observed: `every ${is}`, expected: `every ${wanted}` };
  return { ...ROTATION, verdict: 'pass', observed: `every ${is}` };
}

/** What the add-on uses when nothing is set (AKS, "Secrets Store CSI driver configuration options"). */
const DEFAULT_INTERVAL = '2m';
