import { ClientAssertionCredential } from '@azure/identity';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createActivity } from '../../src/sandbox/activity.ts';
import { createAgent } from '../../src/sandbox/agent.ts';
import { createEntra } from '../../src/sandbox/entra/index.ts';
import { type Listening, listen } from '../../src/sandbox/server.ts';
import { makeIdentity } from '../../src/sandbox/tls.ts';
import { createVault } from '../../src/sandbox/vault/index.ts';
import { handMade, TENANT } from './hand-made.ts';

/** The real client of Entra, over TLS and the production names, against the simulated Entra and Key Vault. */
const ISSUER = 'https://westeurope.oic.prod-aks.azure.com/t/c/';
const SUBJECT = 'system:serviceaccount:demo:demo';
const CLIENT = 'aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa';

const world = handMade();
const entra = createEntra(world.parts);
const parts = { ...world.parts, entra };
const vault = createVault(parts);
const tls = makeIdentity(new Date());
let server: Listening;
let agent: ReturnType<typeof createAgent>;

beforeAll(async () => {
  server = await listen({
    tls: { cert: tls.certificate, key: tls.key },
    port: 0,
    answer: async (request) => {
      const handler = request.host === 'login.microsoftonline.com' ? entra.handler : vault.handler;
      return { reply: await handler(request, parts) };
    },
    knows: () => true,
    refuses: () => false,
    activity: createActivity(),
    now: () => new Date(),
  });
  agent = createAgent(tls.ca, { port: server.port, knows: () => true });
});
afterAll(async () => {
  agent.destroy();
  await server.close();
});

it('the SDK gets a token and is told why when it gets none', async () => {
  const pair = await generateKeyPair('RS256', { extractable: true });
  const now = world.parts.clock.now().getTime() / 1000;
  const token = await new SignJWT({
    iss: ISSUER,
    sub: SUBJECT,
    aud: ['api://AzureADTokenExchange'],
    nbf: now,
    exp: now + 600,
  })
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .sign(pair.privateKey);
  const keys = `${ISSUER}openid/v1/jwks`;
  world.web.set(`${ISSUER}.well-known/openid-configuration`, { status: 200, body: { issuer: ISSUER, jwks_uri: keys } });
  world.web.set(keys, { status: 200, body: { keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'k' }] } });
  const trust = (subject: string) => {
    const credential = { name: 'f', issuer: ISSUER, subject, audiences: ['api://AzureADTokenExchange'] };
    world.identities[0] = { id: '/i', clientId: CLIENT, principalId: 'p', tenantId: TENANT, credentials: [credential] };
  };
  const ask = () =>
    new ClientAssertionCredential(TENANT, CLIENT, () => Promise.resolve(token), { agent }).getToken(
      'https://vault.azure.net/.default',
    );

  trust('system:serviceaccount:demo:other');
  await expect(ask()).rejects.toThrow(
    `AADSTS700213: No matching federated identity record found for presented assertion subject '${SUBJECT}'`,
  );
  trust(SUBJECT);
  expect(await entra.verify((await ask()).token)).toMatchObject({ objectId: 'p', audience: 'https://vault.azure.net' });
});
