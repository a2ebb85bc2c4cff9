import type { Reply } from '../../parts.ts';
import { bodyOf, responseError } from '../azure-answers.ts';
import { AGENT, chainOf, type Settings, type Surroundings } from './credentials.ts';

/*
 * The component secretstores.azure.keyvault, v1:
 * https://github.com/dapr/components-contrib, secretstores/azure/keyvault
 */
const API_VERSION = '7.5';
const SUFFIXES: Readonly<Record<string, string>> = {
  '': '.vault.azure.net',
  azurepubliccloud: '.vault.azure.net',
  azurepublic: '.vault.azure.net',
  azurechinacloud: '.vault.azure.cn',
  azurechina: '.vault.azure.cn',
  azureusgovernmentcloud: '.vault.usgovcloudapi.net',
  azureusgovernment: '.vault.usgovcloudapi.net',
};

/** A secret store as daprd's API asks it. Throws an Error with what went wrong, in the words that the answer quotes. */
export interface SecretStore {
  get(name: string, metadata: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>>;
  bulk(metadata: Readonly<Record<string, string>>): Promise<Readonly<Record<string, Record<string, string>>>>;
}

/** @throws what keeps the component from starting; nothing is asked of Azure yet */
export function keyVault(settings: Settings, at: Surroundings): SecretStore {
  const given = settings('vaultName') ?? '';
  // An address for a name is read by its suffix, as a courtesy to components of old.
  const suffix = Object.values(SUFFIXES).find((each) => given.endsWith(each));
  const name = suffix ? given.slice(0, -suffix.length).replace(/^https:\/\//, '') : given;
  const cloud = settings('azureEnvironment', 'azureCloud') ?? '';
  const ofCloud = SUFFIXES[cloud.toLowerCase()];
  if (ofCloud === undefined && !suffix) throw new Error(`invalid Azure cloud: ${cloud}`);
  const host = `${name}${suffix ?? ofCloud}`.toLowerCase();
  const credential = chainOf(settings, at);
  let challenged = false;

  const send = (path: string, query: URLSearchParams, headers: Record<string, string>): Promise<Reply> =>
    at.parts.dispatch({
      method: 'GET',
      host,
      path,
      query,
      headers: { accept: 'application/json', 'user-agent': AGENT, ...headers },
      body: '',
    });

  const get = async (path: string, query = new URLSearchParams({ 'api-version': API_VERSION })) => {
    const url = `https://${host}${path}`;
    if (!host.endsWith('.vault.azure.net') || !at.parts.arm.vault(host.split('.')[0] ?? '')) {
      throw new Error(`Get "${url}?${query}": dial tcp: lookup ${host} on 10.0.0.10:53: no such host`);
    }
    if (!challenged) {
      const challenge = await send(path, query, {});
      if (challenge.status !== 401) throw new Error(responseError('GET', url, challenge));
      challenged = true;
    }
    const reply = await send(path, query, { authorization: `Bearer ${await credential()}` });
    if (reply.status !== 200) throw new Error(responseError('GET', url, reply));
    return bodyOf(reply);
  };

  const read = async (secret: string, version = '') => {
    const { value = '' } = await get(`/secrets/${secret}/${version}`);
    return { [secret]: String(value) };
  };

  return {
    get: (secret, metadata) => read(secret, metadata.version_id),
    async bulk({ maxresults = '' }) {
      if (!/^-?\d*$/.test(maxresults)) {
        throw new Error(`strconv.Atoi: parsing ${JSON.stringify(maxresults)}: invalid syntax`);
      }
      const most = Number(maxresults) > 0 ? Number(maxresults) : Number.POSITIVE_INFINITY;
      const found: Record<string, Record<string, string>> = {};
      let page = await get('/secrets');
      for (;;) {
        for (const item of (page.value ?? []) as { id: string; attributes?: { enabled?: boolean } }[]) {
          if (item.attributes?.enabled !== true) continue;
          const secret = item.id.split('/').at(-1) ?? '';
          found[secret] = await read(secret);
        }
        if (!page.nextLink || Object.keys(found).length >= most) return found;
        const next = new URL(String(page.nextLink));
        page = await get(next.pathname, next.searchParams);
      }
    },
  };
}
