import type { Resource } from './azure.ts';

/** Every host by which the API server of a cluster is reached, and the issuer of its tokens. */
export interface Addresses {
  readonly fqdns: readonly string[];
  readonly issuer?: string;
}

export function addressesOf({ properties }: Resource): Addresses {
  const fqdns = Object.entries(properties).flatMap(([key, value]) =>
    ['fqdn', 'privatefqdn', 'azureportalfqdn'].includes(key.toLowerCase()) && typeof value === 'string' && value
      ? [value]
      : [],
  );
  const issuer = (properties.oidcIssuerProfile as { issuerURL?: string } | undefined)?.issuerURL;
  return { fqdns, ...(issuer && { issuer }) };
}
