import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { Secret } from '../secret.ts';
import { orAbsent, Problem } from '../trouble.ts';
import type { Azure, SecretProperties, Shelf } from './azure.ts';
import { isKnownAuthority } from './clouds.ts';
import { asked, type Memory, type Shared } from './shared.ts';

const VERSION = 'api-version=2025-07-01';
/** A version that no object can have: Key Vault decides network and rights before existence. */
const NO_VERSION = '0'.repeat(32);

interface Item {
  /** Of a key it is called `kid`. */
  readonly id?: string;
  readonly kid?: string;
  readonly attributes?: {
    readonly enabled?: boolean;
    readonly created?: number;
    readonly exp?: number;
    readonly nbf?: number;
  };
  readonly managed?: boolean;
  readonly contentType?: string;
}

/** What is inside of vaults. The bearer goes with the first request, so that no challenge costs a round trip. */
export function dataPlaneOf(
  shared: Shared,
  memory: Memory,
): Pick<Azure, 'secrets' | 'keys' | 'certificates' | 'workload'> {
  const { cloud, credential, bare, bareOnce } = shared;

  /** Only a host of the cloud's vaults is given a token. */
  const vaultUrl = (vaultUri: string, path: string) => {
    const url = new URL(`${path}?${VERSION}`, vaultUri);
    if (url.protocol !== 'https:' || !url.hostname.endsWith(cloud.vaultSuffix)) {
      throw new Problem('refused', vaultUri, `${vaultUri} is not the address of a vault in ${cloud.name}.`);
    }
    return url.href;
  };
  const bearer = async () => new Secret((await credential.getToken(cloud.vaultScope))?.token ?? '');

  const versions = (kind: string, vaultUri: string, name: string): Promise<readonly Item[]> =>
    memory(`${kind} ${vaultUri.toLowerCase()} ${name.toLowerCase()}`, async () => {
      const url = vaultUrl(vaultUri, `/${kind}/${encodeURIComponent(name)}/versions`);
      const read = asked(url, shared, async () => bare.list<Item>(url, { bearer: await bearer() }));
      return (await orAbsent(read)) ?? [];
    });

  const shelf = (kind: 'secrets' | 'keys' | 'certificates'): Shelf => ({
    list: (vaultUri) =>
      memory(`${kind} ${vaultUri.toLowerCase()}`, async () => {
        const url = vaultUrl(vaultUri, `/${kind}`);
        const items = await orAbsent(asked(url, shared, async () => bare.list<Item>(url, { bearer: await bearer() })));
        return items?.map(propertiesOf);
      }),
    async find(vaultUri, name) {
      const newest = newestOf(await versions(kind, vaultUri, name));
      return newest && propertiesOf(newest);
    },
    versions: async (vaultUri, name) => (await versions(kind, vaultUri, name)).map(propertiesOf),
  });

  return {
    keys: shelf('keys'),
    certificates: shelf('certificates'),
    secrets: {
      ...shelf('secrets'),
      async set(vaultUri, name, value) {
        const url = vaultUrl(vaultUri, `/secrets/${encodeURIComponent(name)}`);
        const written = await asked(url, shared, async () =>
          bareOnce.send('PUT', url, { body: { value: value.reveal() }, bearer: await bearer() }),
        );
        return propertiesOf(written as Item);
      },
    },

    workload: {
      async exchange(tenantId, clientId, assertion) {
        const { ClientAssertionCredential } = await import('@azure/identity');
        const address = `${cloud.authority}/${tenantId}/oauth2/v2.0/token`;
        return asked(address, shared, async () => {
          // MSAL makes an error of its own of whatever is thrown under it: what Entra said is kept aside.
          let refusal: unknown;
          const keep: PipelinePolicy = {
            name: 'keep-refusal',
            sendRequest: (request, next) =>
              next(request).catch((error) => {
                refusal = error;
                throw error;
              }),
          };
          const options = await shared.transport.clientOptions(keep, shared.transport.policy());
          const workload = new ClientAssertionCredential(tenantId, clientId, async () => assertion.reveal(), {
            ...options,
            authorityHost: cloud.authority,
            disableInstanceDiscovery: !isKnownAuthority(cloud),
          });
          const got = workload.getToken(cloud.vaultScope).catch((error) => {
            throw refusal ?? error;
          });
          return new Secret((await got).token);
        });
      },
      async mayGet(vaultUri, kind, name, token) {
        const url = vaultUrl(vaultUri, `/${kind}s/${encodeURIComponent(name)}/${NO_VERSION}`);
        const found = await orAbsentObject(asked(url, shared, () => bare.send('GET', url, { bearer: token })));
        if (found) throw new Problem('broken', url, `${url} exists, which no version of that name can.`);
      },
      async mayList(vaultUri, token) {
        const url = `${vaultUrl(vaultUri, '/secrets')}&maxresults=1`;
        await asked(url, shared, () => bare.send('GET', url, { bearer: token }));
      },
    },
  };
}

function newestOf(versions: readonly Item[]): Item | undefined {
  const age = ({ attributes }: Item) => attributes?.created ?? 0;
  return versions.reduce<Item | undefined>((a, b) => (a && age(a) > age(b) ? a : b), undefined);
}

/** `SecretNotFound` and its like are the proof; a host that does not exist is none. */
async function orAbsentObject(read: Promise<unknown>): Promise<unknown> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof Problem && /^(Secret|Key|Certificate)NotFound$/.test(error.said?.code ?? '')) return undefined;
    throw error;
  }
}

function propertiesOf({ id, kid, attributes, managed, contentType }: Item): SecretProperties {
  const { enabled = true, created, exp, nbf } = attributes ?? {};
  const [, , name = '', version] = new URL(id ?? kid ?? '').pathname.split('/');
  return {
    name,
    ...(version ? { version } : {}),
    enabled,
    ...(created === undefined ? {} : { created: new Date(created * 1000) }),
    ...(exp === undefined ? {} : { expires: new Date(exp * 1000) }),
    ...(nbf === undefined ? {} : { starts: new Date(nbf * 1000) }),
    ...(managed === undefined ? {} : { managed }),
    ...(contentType === undefined ? {} : { contentType }),
  };
}
