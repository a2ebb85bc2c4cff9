import type { Condition, LabelSelector, Resource } from '../model.ts';

export const GROUP = 'external-secrets.io';

interface SecretKey {
  readonly name?: string;
  readonly namespace?: string;
  readonly key?: string;
}

/** `spec.provider.azurekv`, its defaults filled in. */
export interface AzureKv {
  readonly authType: 'ServicePrincipal' | 'ManagedIdentity' | 'WorkloadIdentity';
  readonly vaultUrl: string;
  readonly tenantId?: string;
  readonly environmentType: string;
  readonly authSecretRef?: {
    readonly clientId?: SecretKey;
    readonly tenantId?: SecretKey;
    readonly clientSecret?: SecretKey;
    readonly clientCertificate?: SecretKey;
  };
  readonly serviceAccountRef?: {
    readonly name: string;
    readonly namespace?: string;
    readonly audiences?: readonly string[];
  };
  readonly useAzureSDK?: boolean;
  readonly customCloudConfig?: { readonly activeDirectoryEndpoint?: string };
}

/** A SecretStore or a ClusterSecretStore. */
export interface SecretStore extends Resource {
  spec: {
    controller?: string;
    provider: { azurekv: AzureKv };
    refreshInterval?: number | string;
    conditions?: { namespaceSelector?: LabelSelector; namespaces?: string[]; namespaceRegexes?: string[] }[];
  };
  status?: { conditions?: Condition[]; capabilities?: string };
}

export interface StoreRef {
  readonly name?: string;
  readonly kind?: string;
}
export interface RemoteRef {
  readonly key: string;
  readonly property?: string;
  readonly version?: string;
  readonly conversionStrategy?: string;
  readonly decodingStrategy?: string;
}
export interface Find {
  readonly name?: { readonly regexp?: string };
  readonly tags?: Readonly<Record<string, string>>;
  readonly conversionStrategy?: string;
  readonly decodingStrategy?: string;
}
export interface Rewrite {
  readonly regexp?: { readonly source: string; readonly target: string };
}

export interface ExternalSecret extends Resource {
  spec: {
    secretStoreRef?: StoreRef;
    refreshPolicy?: 'CreatedOnce' | 'Periodic' | 'OnChange';
    refreshInterval?: string;
    target: {
      name?: string;
      creationPolicy: 'Owner' | 'Orphan' | 'Merge' | 'None';
      deletionPolicy: 'Delete' | 'Merge' | 'Retain';
      immutable?: boolean;
      template?: {
        type?: string;
        mergePolicy?: 'Replace' | 'Merge';
        metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> };
        data?: Record<string, string>;
      };
    };
    data?: {
      secretKey: string;
      remoteRef: RemoteRef;
      sourceRef?: { storeRef?: StoreRef };
    }[];
    dataFrom?: {
      extract?: RemoteRef;
      find?: Find;
      rewrite?: Rewrite[];
      sourceRef?: { storeRef?: StoreRef };
    }[];
  };
  status?: {
    conditions?: Condition[];
    refreshTime?: string;
    syncedResourceVersion?: string;
    binding?: { name: string };
  };
}

export const targetOf = (external: ExternalSecret): string => external.spec.target.name ?? external.metadata.name;

/** Why the operator cannot go on, in its words. */
export class OperatorError extends Error {}

/** The provider has no such object: with another deletion policy than `Retain` this is no error. */
export class NoSecret extends OperatorError {
  constructor() {
    super('Secret does not exist');
  }
}
