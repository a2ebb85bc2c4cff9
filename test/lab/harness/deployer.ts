import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { directoryOf } from '../../../src/sandbox/graph/store.ts';
import type { Parts, Sandbox } from '../../../src/sandbox/index.ts';
import { putAssignment, putPrincipal } from '../../../src/sandbox/world/put.ts';
import type { Issuer } from './outside-cluster.ts';

/** Who runs `aks-secrets` and `az` in the lab: a pipeline that signs in by a federated credential, as CI does. */
export interface Deployer {
  readonly clientId: string;
  readonly objectId: string;
  /** Where its assertion lies, for `AZURE_FEDERATED_TOKEN_FILE` and `az login --federated-token`. */
  readonly tokenFile: string;
}

const HOST = 'https://westeurope.oic.prod-aks.azure.com';
const SUBJECT = 'repo:example/shop:ref:refs/heads/main';

/** The pipeline's issuer, and an application that trusts it and may do everything in the sandbox's subscription. */
export async function deployerOf(folder: string) {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const url = `${HOST}/pipelines/00000000-0000-4000-8000-00000000c1c1/`;
  const key = { ...(await exportJWK(publicKey)), kid: 'pipeline', alg: 'RS256', use: 'sig' };
  const documents: Record<string, object> = {
    '.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}openid/v1/jwks` },
    'openid/v1/jwks': { keys: [key] },
  };
  const issuer: Issuer = {
    url,
    published: async (rest) => (documents[rest] ? JSON.stringify(documents[rest]) : undefined),
  };
  const tokenFile = join(folder, 'pipeline-token');
  const assertion = await new SignJWT()
    .setProtectedHeader({ alg: 'RS256', kid: 'pipeline' })
    .setIssuer(url)
    .setSubject(SUBJECT)
    .setAudience('api://AzureADTokenExchange')
    .setIssuedAt()
    .setNotBefore('-5m')
    .setExpirationTime('6h')
    .sign(privateKey);
  writeFileSync(tokenFile, assertion, { mode: 0o600 });

  const [clientId, objectId] = ['de910e70-0000-4000-8000-000000000001', 'de910e70-0000-4000-8000-000000000002'];
  return {
    issuer,
    deployer: { clientId, objectId, tokenFile } satisfies Deployer,
    /** Registers it in the sandbox's directory. */
    register({ parts, place }: Pick<Sandbox, 'parts' | 'place'>): void {
      const tenantId = parts.state.tenantId;
      const common = { appId: clientId, displayName: 'deployer', tags: [], owner: objectId, arrivesAt: 0 };
      const directory = directoryOf(parts satisfies Parts);
      directory.applications['de910e70-0000-4000-8000-000000000003'] = {
        ...common,
        id: 'de910e70-0000-4000-8000-000000000003',
        signInAudience: 'AzureADMyOrg',
        createdDateTime: new Date(0).toISOString(),
        credentials: [
          {
            id: 'de910e70-0000-4000-8000-000000000004',
            arrivesAt: 0,
            name: 'pipeline',
            issuer: url,
            subject: SUBJECT,
            audiences: ['api://AzureADTokenExchange'],
          },
        ],
      };
      directory.servicePrincipals[objectId] = { ...common, id: objectId, accountEnabled: true, tenantId };
      directory.rights[objectId] = 'all';
      putPrincipal(place, objectId, 'ServicePrincipal', 'deployer');
      const subscription = `/subscriptions/${place.subscriptionId}`;
      putAssignment(place, 'Owner', objectId, subscription);
      putAssignment(place, 'Key Vault Secrets Officer', objectId, subscription);
      parts.save();
    },
  };
}
