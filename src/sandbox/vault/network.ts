import { BlockList, isIPv4 } from 'node:net';
import type { ArmVault, Principal, Request } from '../parts.ts';
import { refuse } from './refusals.ts';

/** The address that Azure sees of this machine and of the simulated cluster, unless a request says otherwise. */
export const USUAL_ADDRESS = '203.0.113.10';

/** A header of the sandbox's own: the public address that the request is to come from. */
export const ADDRESS_HEADER = 'x-sandbox-client-address';

export const addressOf = (request: Request): string => request.headers[ADDRESS_HEADER] ?? USUAL_ADDRESS;

/** Lets the request through the vault's firewall, or refuses it. Nobody in the sandbox is a trusted service. */
export function checkNetwork(vault: ArmVault, request: Request, caller: Principal | undefined): void {
  const who = `${caller ? `Caller: ${callerOf(caller)}\r\n` : ''}Vault: ${vault.name};location=${vault.location}`;
  if (vault.publicNetworkAccess === 'Disabled') {
    refuse(
      403,
      'Forbidden',
      'Public network access is disabled and request is not from a trusted service nor via an approved private ' +
        `link.\r\n${who}`,
      'ForbiddenByConnection',
    );
  }
  const address = addressOf(request);
  if (vault.networkAcls.defaultAction === 'Allow' || isAllowed(vault, address)) return;
  refuse(
    403,
    'Forbidden',
    `Client address is not authorized and caller is not a trusted service.\r\nClient address: ${address}\r\n${who}`,
    'ForbiddenByFirewall',
  );
}

function isAllowed(vault: ArmVault, address: string): boolean {
  const rules = new BlockList();
  for (const { value } of vault.networkAcls.ipRules) {
    const [base = '', bits = '32'] = value.split('/');
    if (isIPv4(base)) rules.addSubnet(base, Number(bits), 'ipv4');
  }
  return isIPv4(address) && rules.check(address);
}

/** As Key Vault's errors name a caller. A user's token names the Azure CLI as application. */
export const callerOf = ({ appId, objectId, tenantId }: Principal): string =>
  `appid=${appId ?? '04b07795-8ddb-461a-bbee-02f9e1bf7b46'};oid=${objectId};iss=https://sts.windows.net/${tenantId}/`;
