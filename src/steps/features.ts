import type { ClusterFeature } from './feature.ts';

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
    (oidcIssuerProfile as { enabled?: boolean } | undefined)?.enabled
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
  switchOn(properties) {
    objectAt(properties, 'oidcIssuerProfile').enabled = true;
  },
};

/** The webhook that gives labelled pods their token. */
export const workloadIdentity: ClusterFeature = {
  name: 'workload identity',
  byHand: () => ({ update: '--enable-workload-identity' }),
  differences: ({ securityProfile }) =>
    (securityProfile as { workloadIdentity?: { enabled?: boolean } } | undefined)?.workloadIdentity?.enabled
      ? []
      : [{ path: 'workload identity', is: 'off', want: 'on', consent: ['cluster'] }],
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
      return addOnOf(properties).addOn?.enabled ? { update: rotation } : { enable: `--addons ${addOns} ${rotation}` };
    },
    differences(properties) {
      const { addOn } = addOnOf(properties);
      const consent = ['cluster'] as const;
      if (!addOn?.enabled)
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

/** What the add-on uses when nothing is set (AKS, "Secrets Store CSI driver configuration options"). */
const DEFAULT_INTERVAL = '2m';
