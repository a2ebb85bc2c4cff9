import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type JsonWebKey,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';
import { promisify } from 'node:util';
import type { ArmCluster } from '../parts.ts';
import { kindNamed } from './kinds.ts';
import type { Pod, Resource } from './model.ts';
import { badRequest, invalid, notFound, refuse } from './status.ts';
import type { ClusterState, Store } from './store.ts';

interface TokenWish {
  /** Empty: the API server's own. */
  readonly audiences: readonly string[];
  readonly expirationSeconds: number;
  readonly pod?: Pod;
}

/** The cluster's signer of service account tokens. */
export interface Tokens {
  issue(account: Resource, wish: TokenWish): { token: string; expirationTimestamp: string };
  /** TokenRequest, `authentication.k8s.io/v1`. */
  request(namespace: string, name: string, body: Record<string, unknown>): Resource;
  /** The account that a token of this cluster speaks for; `undefined` for any other token. */
  accountOf(token: string): string | undefined;
  /** What the issuer publishes, by the path below it; `undefined` for any other path. */
  published(path: string): object | undefined;
}

/** AKS limits tokens to a day (use-oidc-issuer, "the maximum lifetime of the token"). */
const LONGEST = 86_400;

export function createTokens(state: ClusterState, store: Store, cluster: () => ArmCluster, now: () => Date): Tokens {
  const keys = () => state.signingKeys as (JsonWebKey & { kid: string })[];
  const seconds = () => Math.floor(now().getTime() / 1000);
  const ownAudience = () => `https://${cluster().fqdn}`;

  const tokens: Tokens = {
    issue(account, wish) {
      const lifetime = Math.min(wish.expirationSeconds, LONGEST);
      const issued = seconds();
      const { namespace, name, uid } = account.metadata;
      const { pod } = wish;
      const node = pod?.spec.nodeName && store.get(kindNamed('Node'), undefined, pod.spec.nodeName);
      const claims = {
        aud: wish.audiences.length > 0 ? wish.audiences : [ownAudience()],
        exp: issued + lifetime,
        iat: issued,
        iss: cluster().issuer,
        jti: randomUUID(),
        'kubernetes.io': {
          namespace,
          ...(node && { node: { name: node.metadata.name, uid: node.metadata.uid } }),
          ...(pod && { pod: { name: pod.metadata.name, uid: pod.metadata.uid } }),
          serviceaccount: { name, uid },
        },
        nbf: issued,
        sub: `system:serviceaccount:${namespace}:${name}`,
      };
      const key = keys()[0]!;
      const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
      const content = `${encode({ alg: 'RS256', kid: key.kid })}.${encode(claims)}`;
      const signature = sign('sha256', Buffer.from(content), createPrivateKey({ key, format: 'jwk' }));
      return {
        token: `${content}.${signature.toString('base64url')}`,
        expirationTimestamp: new Date((issued + lifetime) * 1000).toISOString().replace('.000Z', 'Z'),
      };
    },

    request(namespace, name, body) {
      const kind = kindNamed('ServiceAccount');
      const account = store.get(kind, namespace, name);
      if (!account) throw notFound(kind, name);
      const spec = (body.spec ?? {}) as {
        audiences?: string[];
        expirationSeconds?: number;
        boundObjectRef?: { kind?: string; name?: string; uid?: string };
      };
      const expirationSeconds = spec.expirationSeconds ?? 3600;
      if (typeof expirationSeconds !== 'number' || !Array.isArray(spec.audiences ?? [])) {
        throw badRequest('TokenRequest in version "v1" cannot be handled as a TokenRequest: wrong types in spec');
      }
      const tooShort = expirationSeconds < 600;
      if (tooShort || expirationSeconds > 2 ** 32) {
        const why = tooShort
          ? 'may not specify a duration less than 10 minutes'
          : 'may not specify a duration larger than 2^32 seconds';
        const message = `Invalid value: ${expirationSeconds}: ${why}`;
        throw invalid({ group: 'authentication.k8s.io', plural: 'tokenrequests', kind: 'TokenRequest' }, '', [
          { reason: 'FieldValueInvalid', field: 'spec.expirationSeconds', message },
        ]);
      }
      const pod = boundPod(namespace, name, spec.boundObjectRef);
      const issued = tokens.issue(account, {
        audiences: spec.audiences ?? [],
        expirationSeconds,
        ...(pod && { pod }),
      });
      return {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name, namespace, creationTimestamp: now().toISOString() },
        spec: {
          audiences: spec.audiences ?? [ownAudience()],
          expirationSeconds,
          boundObjectRef: spec.boundObjectRef ?? null,
        },
        status: issued,
      };
    },

    accountOf(token) {
      const [header, claims, signature] = token.split('.');
      if (!header || !claims || !signature) return undefined;
      const content = Buffer.from(`${header}.${claims}`);
      const signed = keys().some((key) =>
        verify(
          'sha256',
          content,
          createPublicKey({ key: publicOf(key), format: 'jwk' }),
          Buffer.from(signature, 'base64url'),
        ),
      );
      if (!signed) return undefined;
      const said = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
        aud: string[];
        exp: number;
        sub: string;
      };
      return said.exp > seconds() && said.aud.includes(ownAudience()) ? said.sub : undefined;
    },

    published(path) {
      const { issuer } = cluster();
      if (path === '.well-known/openid-configuration') {
        return {
          issuer,
          jwks_uri: `${issuer}openid/v1/jwks`,
          response_types_supported: ['id_token'],
          subject_types_supported: ['public'],
          id_token_signing_alg_values_supported: ['RS256'],
        };
      }
      if (path !== 'openid/v1/jwks') return undefined;
      const shown = keys().filter(({ kid }) => state.published?.includes(kid) ?? true);
      return { keys: shown.map(publicOf) };
    },
  };

  const boundPod = (
    namespace: string,
    account: string,
    ref: { kind?: string; name?: string; uid?: string } | undefined,
  ) => {
    if (!ref) return undefined;
    if (ref.kind !== 'Pod') {
      throw refuse(501, 'NotImplemented', 'the sandbox binds tokens to pods only (spec.boundObjectRef.kind)');
    }
    const kind = kindNamed('Pod');
    const pod = store.get(kind, namespace, ref.name ?? '') as Pod | undefined;
    if (!pod) throw notFound(kind, ref.name ?? '');
    if (ref.uid && ref.uid !== pod.metadata.uid) {
      throw refuse(
        409,
        'Conflict',
        `Operation cannot be fulfilled on pods "${ref.name}": the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      );
    }
    if (pod.spec.serviceAccountName !== account)
      throw badRequest(
        `cannot bind token for serviceaccount "${account}" to pod running with different serviceaccount name.`,
      );
    return pod;
  };
  return tokens;
}

const generate = promisify(generateKeyPair);

/** A key that signs tokens, as the state keeps it. Made beside other work: it takes tens of milliseconds. */
export async function newSigningKey(): Promise<Record<string, unknown>> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 });
  const key = privateKey.export({ format: 'jwk' });
  return {
    ...key,
    kid: createHash('sha256')
      .update(key.n ?? '')
      .digest('base64url'),
  };
}

function publicOf(key: JsonWebKey & { kid: string }): JsonWebKey {
  return { use: 'sig', kty: 'RSA', kid: key.kid, alg: 'RS256', n: key.n ?? '', e: key.e ?? '' };
}
