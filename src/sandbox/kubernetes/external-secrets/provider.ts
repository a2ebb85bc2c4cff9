import type { Reply } from '../../parts.ts';
import { bodyOf, responseError } from '../azure-answers.ts';
import type { Cluster } from '../cluster.ts';
import { Unreachable } from '../egress.ts';
import { refusal, unprepared, unsent } from './autorest.ts';
import { AGENT, type AskToken, Refused, signIn } from './credentials.ts';
import { type Find, NoSecret, OperatorError, type RemoteRef, type SecretStore } from './model.ts';
import { propertyOf, secretMap } from './values.ts';

/** One signed-in client of a vault. */
export interface Client {
  /** A secret's value, a key as JWK, or a certificate's DER. */
  get(ref: RemoteRef): Promise<Buffer>;
  /** The members of a secret that holds a JSON object. */
  map(ref: RemoteRef): Promise<Map<string, Buffer>>;
  /** All enabled secrets that fit, by their names; needs the right to list. */
  find(wish: Find): Promise<Map<string, Buffer>>;
}

const OPERATIONS = {
  secret: ['GetSecret', 'secrets'],
  key: ['GetKey', 'keys'],
  cert: ['GetCertificate', 'certificates'],
} as const;

/** The azurekv provider, providers/v1/azure/keyvault/keyvault.go of release 2.9. */
export async function clientOf(cluster: Cluster, store: SecretStore, namespace: string): Promise<Client> {
  const { azurekv } = store.spec.provider;
  const token = await signIn(cluster, store, namespace);
  const vault: Vault = { cluster, url: azurekv.vaultUrl, sdk: azurekv.useAzureSDK === true, token };

  const fetch = async (ref: RemoteRef): Promise<Buffer> => {
    const [type, name] = objectOf(ref.key);
    const known = OPERATIONS[type as keyof typeof OPERATIONS];
    if (!known) throw new OperatorError(`unknown Azure Keyvault object Type for ${name}`);
    const [operation, collection] = known;
    const answer = await ask(vault, operation, `/${collection}/${name}/${ref.version ?? ''}`);
    if (type === 'cert') return Buffer.from(String(answer.cer), 'base64');
    const text = type === 'key' ? JSON.stringify(answer.key) : String(answer.value);
    return Buffer.from(propertyOf(text, ref.property ?? '', ref.key));
  };

  return {
    get: fetch,
    async map(ref) {
      const [type, name] = objectOf(ref.key);
      if (type === 'cert') throw new OperatorError('cannot get use dataFrom to get certificate secret');
      if (type === 'key') throw new OperatorError('cannot get use dataFrom to get key secret');
      if (type !== 'secret') throw new OperatorError(`unknown Azure Keyvault object Type for ${name}`);
      return secretMap((await fetch(ref)).toString());
    },
    async find(wish) {
      const found = new Map<string, Buffer>();
      const pattern = wish.name?.regexp ? regexp(wish.name.regexp) : undefined;
      for await (const { id, attributes, tags } of listed(vault)) {
        const name = id.split('/').at(-1) ?? '';
        const tagged = Object.entries(wish.tags ?? {}).every(([tag, value]) => tags?.[tag] === value);
        if (!attributes.enabled || !tagged || (pattern && !pattern.test(name))) continue;
        found.set(name, await fetch({ key: name }));
      }
      return found;
    },
  };
}

/** `key/orders` is a key, `cert/tls` a certificate, `db-password` and `secret/db-password` are secrets. */
function objectOf(key: string): readonly [string, string] {
  const [first = '', second] = key.split('/');
  return second === undefined ? ['secret', first] : [first, second];
}

/** Go's expressions are read as JavaScript's; one that cannot be matches nothing, as the provider drops the error. */
function regexp(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch {
    return /(?!)/;
  }
}

interface Vault {
  readonly cluster: Cluster;
  readonly url: string;
  /** `useAzureSDK`: another library, which words its errors otherwise. */
  readonly sdk: boolean;
  readonly token: AskToken;
}

interface Listed {
  readonly id: string;
  readonly attributes: { readonly enabled: boolean };
  readonly tags?: Readonly<Record<string, string>>;
}

async function* listed(vault: Vault): AsyncGenerator<Listed> {
  let page: string | undefined = '/secrets';
  while (page !== undefined) {
    const answer: Record<string, unknown> = await ask(vault, 'GetSecrets', page);
    yield* (answer.value ?? []) as Listed[];
    page = answer.nextLink ? String(answer.nextLink) : undefined;
  }
}

/** One read of the vault. Throws NoSecret for what is not there, else an OperatorError with the vault's words. */
async function ask(vault: Vault, operation: string, path: string): Promise<Record<string, unknown>> {
  const { cluster, sdk } = vault;
  const address = path.startsWith('https://') ? path : `${vault.url.replace(/\/+$/, '')}${path}`;
  if (!/^https?:\/\//.test(address)) {
    throw new OperatorError(unprepared(operation, `autorest: No scheme detected in URL ${vault.url}`));
  }
  const url = new URL(address);
  if (!url.searchParams.has('api-version')) url.searchParams.set('api-version', sdk ? '7.6' : '7.0');
  const host = url.hostname.toLowerCase();
  if (!host.endsWith('.vault.azure.net') || !cluster.parts.arm.vault(host.split('.')[0] ?? '')) {
    const why = `Get ${JSON.stringify(url.href)}: dial tcp: lookup ${host} on 10.0.0.10:53: no such host`;
    throw new OperatorError(sdk ? why : unsent(operation, why));
  }
  const { tenantId } = cluster.parts.arm.vault(host.split('.')[0] ?? '')!;
  const token = await vault.token(sdk ? tenantId : undefined).catch((error: unknown) => {
    if (!(error instanceof Refused) || sdk) throw error;
    throw new OperatorError(unsent(operation, error.message, error.status));
  });
  const request = {
    method: 'GET',
    host,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: { accept: 'application/json', 'user-agent': AGENT, authorization: `Bearer ${token}` },
    body: '',
  };
  const reply: Reply = await cluster.parts.dispatch(request).catch((error: unknown) => {
    if (!(error instanceof Unreachable)) throw error;
    throw new OperatorError(sdk ? error.message : unsent(operation, error.message));
  });
  if (reply.status === 200) return bodyOf(reply);
  if (reply.status === 404) throw new NoSecret();
  throw new OperatorError(sdk ? responseError('GET', address, reply) : refusal(operation, reply));
}
