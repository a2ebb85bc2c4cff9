import { beforeAll, describe, expect, it } from 'vitest';
import { binary, programNamed } from './build/programs.ts';
import { type Lab, theLab } from './harness/lab.ts';
import { LAB } from './harness/place.ts';
import { run, until } from './harness/processes.ts';
import { enter } from './harness/table.ts';
import { AUDIENCE, type Mint, openMint, presentedTo } from './harness/tokens.ts';

const NAME = 'federation';
const HOUR = 3600;

/** A credential as it is written, and a token that is presented to it. */
interface Presented {
  readonly title: string;
  /** Of the credential, where it is not the right one. */
  readonly credential?: (mint: Mint) => { readonly issuer?: string; readonly subject?: string; audience?: string };
  readonly token?: (mint: Mint, now: number) => Promise<string>;
  /** What Entra says, by the documentation of its codes; absent where the token is good. */
  readonly code?: number;
  /** Why the two judges may differ here. */
  readonly differs?: string;
}

const TOKENS: readonly Presented[] = [
  { title: 'a token that is right' },
  { title: 'a token without a beginning', token: (mint) => mint.token({ nbf: undefined }) },
  { title: 'an audience that is a text and no list', token: (mint) => mint.token({ aud: AUDIENCE }) },
  { title: 'several audiences, with the right one', token: (mint) => mint.token({ aud: ['other', AUDIENCE] }) },
  {
    title: 'the credential lacks the slash of the issuer',
    credential: ({ url }) => ({ issuer: url.replace(/\/$/, '') }),
    code: 700211,
  },
  {
    title: 'the token lacks the slash of the issuer',
    token: (mint) => mint.token({ iss: mint.url.replace(/\/$/, '') }),
    code: 700211,
  },
  { title: 'another issuer', token: (mint) => mint.token({ iss: mint.url.replace(NAME, 'elsewhere') }), code: 700211 },
  {
    title: 'the issuer in capital letters',
    token: (mint) => mint.token({ iss: mint.url.replace(NAME, NAME.toUpperCase()) }),
    code: 7002138,
  },
  { title: 'another subject', token: (mint) => mint.token({ sub: `${mint.subject}-v2` }), code: 700213 },
  {
    title: 'the subject in capital letters',
    token: (mint) => mint.token({ sub: mint.subject.toUpperCase() }),
    code: 7002138,
  },
  { title: 'a subject with a blank behind it', token: (mint) => mint.token({ sub: `${mint.subject} ` }), code: 700213 },
  {
    title: 'a wildcard in the credential',
    credential: () => ({ subject: `system:serviceaccount:${NAME}:*` }),
    code: 700213,
  },
  { title: 'another audience', token: (mint) => mint.token({ aud: ['api://other'] }), code: 700212 },
  { title: 'several audiences, none of them right', token: (mint) => mint.token({ aud: ['a', 'b'] }), code: 700212 },
  {
    title: 'the audience in capital letters',
    token: (mint) => mint.token({ aud: AUDIENCE.toUpperCase() }),
    code: 700212,
  },
  { title: 'a token that has ended', token: (mint, now) => mint.token({ exp: now - HOUR }), code: 700024 },
  { title: 'a token that has not begun', token: (mint, now) => mint.token({ nbf: now + HOUR }), code: 700024 },
  { title: 'a signature of somebody else', token: (mint) => mint.token({}, { by: 'stranger' }), code: 700027 },
  {
    title: 'a key that nobody publishes',
    token: (mint) => mint.token({}, { by: 'stranger', kid: 'unknown' }),
    code: 700027,
  },
  { title: 'a name of a key that is not published', token: (mint) => mint.token({}, { kid: 'unknown' }), code: 700027 },
  { title: 'an elliptic key that is published', token: (mint) => mint.token({}, { by: 'elliptic' }), code: 700027 },
  { title: 'no signature (none)', token: (mint) => mint.token({}, { by: 'none' }), code: 700027 },
  { title: 'signed with the public key (HS256)', token: (mint) => mint.token({}, { by: 'public key' }), code: 700027 },
  {
    title: 'a claim changed after signing',
    async token(mint) {
      const [head, , signature] = (await mint.token()).split('.');
      const [, payload] = (await mint.token({ exp: 4e9 })).split('.');
      return [head, payload, signature].join('.');
    },
    code: 700027,
  },
  { title: 'no subject', token: (mint) => mint.token({ sub: undefined }), code: 50027 },
  { title: 'no audience', token: (mint) => mint.token({ aud: undefined }), code: 50027 },
  { title: 'no issuer', token: (mint) => mint.token({ iss: undefined }), code: 50027 },
  { title: 'no end', token: (mint) => mint.token({ exp: undefined }), code: 50027 },
  { title: 'no token at all', token: async () => 'not.a.token', code: 50027 },
];

const OPINION = { program: 'second-opinion', version: programNamed('second-opinion').version };

describe.skipIf(!LAB)('federated credentials', () => {
  let lab: Lab;
  let mint: Mint;
  let clientId: string;
  let identity: string;

  beforeAll(async () => {
    lab = await theLab();
    mint = await openMint(lab, NAME);
    identity = `/subscriptions/${lab.sandbox.place.subscriptionId}/resourceGroups/demo-rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${NAME}`;
    const { body } = await lab.arm<{ properties: { clientId: string } }>('PUT', `${identity}?api-version=2024-11-30`, {
      location: 'westeurope',
    });
    clientId = body.properties.clientId;
  });

  const trust = async (issuer: string, subject: string, audience: string) => {
    const path = `${identity}/federatedIdentityCredentials/${NAME}?api-version=2024-11-30`;
    const { status, body } = await lab.arm('PUT', path, { properties: { issuer, subject, audiences: [audience] } });
    expect({ status, body: status < 300 || body }).toMatchObject({ body: true });
  };
  const opinionOf = async (asked: object) => {
    const { code, out, err } = await run(binary('second-opinion'), [], {
      env: { SSL_CERT_FILE: lab.ca },
      stdin: JSON.stringify([asked]),
    });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    return (JSON.parse(out) as readonly { accepted: boolean; error?: string }[])[0]!;
  };

  it.each(TOKENS)('$title', async ({ title, credential, token, code }) => {
    const { issuer = mint.url, subject = mint.subject, audience = AUDIENCE } = credential?.(mint) ?? {};
    await trust(issuer, subject, audience);
    const assertion = await (token?.(mint, Math.floor(Date.now() / 1000)) ?? mint.token());
    const entra = await presentedTo(lab, { clientId, assertion });
    const other = await opinionOf({ issuer, subject, audience, token: assertion });
    enter(
      {
        ...{ ...OPINION, case: `federation: ${title}` },
        expected: code ? `both refuse, Entra with AADSTS${code}` : 'both accept',
        seen: `${other.accepted ? 'accepted' : other.error}; the sandbox: ${entra.said}`,
      },
      entra.accepted === other.accepted && entra.code === code,
    );
  });

  it("a cluster's own token is right for both, and for no other account", async () => {
    await lab.arm('PUT', `${lab.cluster().id}?api-version=2026-06-01`, await withIssuer());
    await lab.kubectl(`create namespace ${NAME}`);
    for (const account of [NAME, 'stranger']) await lab.kubectl(`create serviceaccount ${account} -n ${NAME}`);
    await until('the issuer is on', () => lab.cluster().oidcIssuer);
    const { issuer } = lab.cluster();
    const subject = `system:serviceaccount:${NAME}:${NAME}`;
    await trust(issuer, subject, AUDIENCE);
    const verdicts = [];
    for (const account of [NAME, 'stranger']) {
      const { out } = await lab.kubectl(`create token ${account} -n ${NAME} --audience ${AUDIENCE}`);
      const entra = await presentedTo(lab, { clientId, assertion: out.trim() });
      const other = await opinionOf({ issuer, subject, audience: AUDIENCE, token: out.trim() });
      verdicts.push(`${account}: ${other.accepted ? 'accepted' : other.error}; the sandbox: ${entra.said}`);
    }
    enter(
      {
        ...{ ...OPINION, case: 'federation: tokens of a real cluster' },
        ...{ expected: 'both accept the account, and refuse another', seen: verdicts.join(' / ') },
      },
      /^federation: accepted; the sandbox: accepted \/ stranger: expected subject .*; the sandbox: AADSTS700213/,
    );
  });

  // What is not about the token, or not about its proof, only Entra judges.
  it.each([
    ['another client', 700016, { clientId: '00000000-0000-4000-8000-0000000000ff' }],
    ['another tenant', 90002, { tenant: '00000000-0000-4000-8000-0000000000fe' }],
  ] as const)('%s', async (title, code, other) => {
    await trust(mint.url, mint.subject, AUDIENCE);
    const entra = await presentedTo(lab, { clientId, assertion: await mint.token(), ...other });
    expect({ title, code: entra.code }).toEqual({ title, code });
  });

  it("a token of Entra's own is no assertion", async () => {
    const credential = await lab.sandbox.surroundings.credential();
    const { token } = await credential.getToken('https://vault.azure.net/.default');
    expect(await presentedTo(lab, { clientId, assertion: token })).toMatchObject({ accepted: false, code: 700222 });
  });

  it("an issuer whose document bears another issuer's name is nobody's", async () => {
    const liar = await openMint(lab, 'liar', mint.url);
    await trust(liar.url, liar.subject, AUDIENCE);
    const assertion = await liar.token();
    const entra = await presentedTo(lab, { clientId, assertion });
    const asked = { issuer: liar.url, subject: liar.subject, audience: AUDIENCE, token: assertion };
    const other = await opinionOf(asked);
    enter(
      {
        ...{ ...OPINION, case: "federation: the issuer's document names another issuer" },
        expected: 'both refuse, Entra with AADSTS90061',
        seen: `${other.accepted ? 'accepted' : other.error}; the sandbox: ${entra.said}`,
      },
      !other.accepted && entra.code === 90061,
    );
  });

  async function withIssuer(): Promise<object> {
    const { body } = await lab.arm<{ properties: object }>('GET', `${lab.cluster().id}?api-version=2026-06-01`);
    return { ...body, properties: { ...body.properties, oidcIssuerProfile: { enabled: true } } };
  }
});
