import type { ArmCluster, Parts } from '../parts.ts';
import { LINE } from './azure-answers.ts';

/*
 * The instance metadata service of the nodes, as azidentity asks it: it gives tokens for the identities of the nodes
 * (of the kubelet and of add-ons) and for no other.
 */
export const IMDS = 'http://169.254.169.254/metadata/identity/oauth2/token';

/** It gave no token, in the library's words. */
export class NoNodeToken extends Error {}

/** What is heard from the network of pods where the cluster keeps them from it (`--enable-imds-restriction`). */
export const notThere = () =>
  `ManagedIdentityCredential: Get "${IMDS}": dial tcp 169.254.169.254:80: connect: connection refused`;

/**
 * A token for Key Vault, to whoever is on the host's network: by the client id asked for or, without one, of the only
 * identity there is.
 * @throws {NoNodeToken}
 */
export async function nodeToken(
  { entra, state }: Pick<Parts, 'entra' | 'state'>,
  { nodeIdentities = [] }: Pick<ArmCluster, 'nodeIdentities'>,
  id: string,
): Promise<string> {
  const fitting = id === '' ? nodeIdentities : nodeIdentities.filter((each) => each.clientId === id.toLowerCase());
  if (fitting.length > 1) {
    const specify = 'please specify the clientId / resourceId of the identity in the token request';
    throw refused('', `Multiple user assigned identities exist, ${specify}`);
  }
  const [found] = fitting;
  if (!found) throw refused("the requested identity isn't assigned to this resource", 'Identity not found');
  const { objectId, clientId: appId } = found;
  return entra.sign({ objectId, appId, tenantId: state.tenantId }, 'https://vault.azure.net');
}

/** As azidentity's AuthenticationFailedError prints itself. */
function refused(why: string, description: string): NoNodeToken {
  const lines = [
    `ManagedIdentityCredential authentication failed. ${why}`,
    `GET ${IMDS}`,
    LINE,
    'RESPONSE 400: 400 Bad Request',
    LINE,
    JSON.stringify({ error: 'invalid_request', error_description: description }, undefined, 2),
    LINE,
    'To troubleshoot, visit https://aka.ms/azsdk/go/identity/troubleshoot#managed-id',
  ];
  return new NoNodeToken(lines.join('\n'));
}
