import { randomUUID } from 'node:crypto';
import { type ArmVault, type Handler, type Parts, Refusal, type Reply, type Request } from '../parts.ts';
import { bearerOf, checkRight, checkToken, RIGHTS, type Right } from './access.ts';
import { checkName, checkQuery, checkVersion } from './input.ts';
import { checkLoad } from './load.ts';
import { addressOf, checkNetwork } from './network.ts';
import { certificates, keys } from './public.ts';
import { notSimulated } from './refusals.ts';
import { type Call, secrets } from './secrets.ts';
import { give, type Kind, seedCertificate, seedKey, seedSecret } from './seed.ts';

export { ADDRESS_HEADER, USUAL_ADDRESS } from './network.ts';

/** The simulated data plane of every vault, and the ways to fill one past all rights. */
export interface Vault {
  readonly handler: Handler;
  seed(vaultName: string, secretName: string, value: string): Promise<void>;
  /** With an invented content; what is there, or was deleted, stays so. */
  give(vaultName: string, kind: Kind, name: string): Promise<void>;
  seedKey(vaultName: string, keyName: string): Promise<void>;
  seedCertificate(vaultName: string, certificateName: string): Promise<void>;
  /** The vault was purged: a new one of its name starts empty. */
  forget(vaultName: string): void;
}

/** Method, path (without trailing slash; `:` marks a place), what it needs, what it does. */
type Route = readonly [string, string, Right, (call: Call) => Reply];

const ROUTES: readonly Route[] = [
  ['GET', '/secrets', RIGHTS.list, secrets.list],
  ['GET', '/secrets/:name', RIGHTS.get, secrets.get],
  ['GET', '/secrets/:name/versions', RIGHTS.list, secrets.versions],
  ['GET', '/secrets/:name/:version', RIGHTS.get, secrets.get],
  ['PUT', '/secrets/:name', RIGHTS.set, secrets.set],
  ['PATCH', '/secrets/:name', RIGHTS.update, secrets.update],
  ['PATCH', '/secrets/:name/:version', RIGHTS.update, secrets.update],
  ['DELETE', '/secrets/:name', RIGHTS.delete, secrets.delete],
  ['GET', '/deletedsecrets', RIGHTS.list, secrets.listDeleted],
  ['GET', '/deletedsecrets/:name', RIGHTS.getDeleted, secrets.getDeleted],
  ['POST', '/deletedsecrets/:name/recover', RIGHTS.recover, secrets.recover],
  ['DELETE', '/deletedsecrets/:name', RIGHTS.purge, secrets.purge],
  ['GET', '/keys', RIGHTS.listKeys, keys.list],
  ['GET', '/keys/:name', RIGHTS.getKey, keys.get],
  ['GET', '/keys/:name/versions', RIGHTS.listKeys, keys.versions],
  ['GET', '/keys/:name/:version', RIGHTS.getKey, keys.get],
  ['GET', '/certificates', RIGHTS.listCertificates, certificates.list],
  ['GET', '/certificates/:name', RIGHTS.getCertificate, certificates.get],
  ['GET', '/certificates/:name/versions', RIGHTS.listCertificates, certificates.versions],
  ['GET', '/certificates/:name/:version', RIGHTS.getCertificate, certificates.get],
];

export function createVault(parts: Parts): Vault {
  return {
    seed: (vaultName, name, value) => seedSecret(parts, vaultName, name, value),
    give: (vaultName, kind, name) => give(parts, vaultName, kind, name),
    seedKey: (vaultName, name) => seedKey(parts, vaultName, name),
    seedCertificate: (vaultName, name) => seedCertificate(parts, vaultName, name),
    forget(vaultName) {
      delete parts.state.vaults[vaultName.toLowerCase()];
      parts.save();
    },

    async handler(request) {
      const vault = parts.arm.vault(request.host.split('.')[0] as string);
      if (!vault) return nowhere(request);
      const reply = await answer(vault, request, parts).catch((error: unknown) => {
        if (error instanceof Refusal) return error.reply;
        throw error;
      });
      return { ...reply, headers: { ...headersOf(vault, request), ...reply.headers } };
    },
  };
}

/** Challenge, network, token, right, existence: each is judged only when the one before is passed. */
async function answer(vault: ArmVault, request: Request, parts: Parts): Promise<Reply> {
  const principal = await parts.entra.verify(bearerOf(vault, request));
  checkNetwork(vault, request, principal);
  const caller = checkToken(vault, principal);
  checkLoad(vault);
  checkQuery(request.query);
  const found = routeOf(request);
  if (!found) return notSimulated(`${request.method} ${request.path}`);
  const [[, , right, act], name, version] = found;
  if (name !== undefined) checkName(name);
  checkVersion(version);
  checkRight(vault, caller, right, name, parts);
  return act({ vault, request, parts, name: name ?? '', version });
}

/** Clients write a trailing slash where they leave the version out. */
function routeOf(request: Request): readonly [Route, string | undefined, string | undefined] | undefined {
  const given = request.path.replace(/\/+$/, '').split('/');
  for (const route of ROUTES) {
    const [method, path] = route;
    const wanted = path.split('/');
    if (method !== request.method || wanted.length !== given.length) continue;
    if (!wanted.every((part, index) => part.startsWith(':') || part === given[index]?.toLowerCase())) continue;
    const at = (mark: string) => (wanted.includes(mark) ? given[wanted.indexOf(mark)] : undefined);
    return [route, at(':name'), at(':version')];
  }
  return undefined;
}

function headersOf(vault: ArmVault, request: Request): Record<string, string> {
  const client = request.headers['x-ms-client-request-id'];
  return {
    'cache-control': 'no-cache',
    'x-ms-keyvault-region': vault.location,
    'x-ms-keyvault-network-info': `conn_type=Ipv4;addr=${addressOf(request)};act_addr_fam=InterNetwork;`,
    'x-ms-request-id': randomUUID(),
    ...(client && { 'x-ms-client-request-id': client }),
  };
}

/** In Azure the name of a vault that does not exist does not resolve; a server can only say so. */
const nowhere = ({ host }: Request): Reply => ({
  status: 404,
  body: {
    error: { code: 'VaultNotFound', message: `No vault answers to ${host}: in Azure this name does not resolve.` },
  },
});
