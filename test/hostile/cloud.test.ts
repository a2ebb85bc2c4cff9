import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callerOf } from '../../src/azure/caller.ts';
import { CLOUDS, cloudOf } from '../../src/azure/clouds.ts';
import { claimsOf } from '../../src/claims.ts';
import { usualSurroundings } from '../../src/commands/surroundings.ts';
import { Complaints } from '../../src/complaint.ts';
import { Problem } from '../../src/trouble.ts';
import { EXHAUSTIVE } from '../stories/exhaustive.ts';
import { unreadable } from './nonsense.ts';
import './patience.ts';

const URL_OF_METADATA = 'https://metadata.example/metadata/endpoints';
afterEach(() => vi.unstubAllGlobals());

const thrownBy = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('a metadata URL', () => {
  it('that answers anything describes a cloud of addresses with TLS, or is refused', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'https://x',
        'http://x',
        'javascript:1',
        '//x',
        '',
        'https://',
        '\u001b[2J',
        'vault.example',
        '.',
      ),
    );
    const entry = fc.record(
      {
        name: text,
        resourceManager: text,
        authentication: fc.oneof(fc.record({ loginEndpoint: text, audiences: fc.array(text) }), fc.jsonValue()),
        suffixes: fc.oneof(fc.record({ keyVaultDns: text }), fc.jsonValue()),
        portal: text,
        microsoftGraphResourceId: text,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), entry, fc.array(fc.oneof(entry, fc.jsonValue()))), async (answer) => {
        const cloud = await cloudOf(URL_OF_METADATA, async () => answer).catch((error: unknown) => {
          expect(error).toBeInstanceOf(Problem);
          return undefined;
        });
        if (!cloud) return;
        for (const address of [cloud.resourceManager, cloud.authority, cloud.graph])
          expect(new URL(address).protocol).toBe('https:');
        expect(cloud.vaultSuffix.length).toBeGreaterThan(1);
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 150 },
    );
  });

  it.each<[string, () => Response]>([
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
    ['nothing', () => new Response('')],
    ['half of it', () => new Response('{"name":')],
    ['a redirect', () => new Response('', { status: 302, headers: { location: 'http://evil.example/' } })],
    ['a refusal', () => new Response('{}', { status: 403 })],
    ['null', () => new Response('null')],
  ])('that answers %s is a complaint about --cloud', async (_, answer) => {
    const asked = vi.fn(async (..._given: unknown[]) => answer());
    vi.stubGlobal('fetch', asked);
    const thrown = await thrownBy(usualSurroundings({ cloud: URL_OF_METADATA, env: {}, cwd: '/' }));
    expect(thrown).toBeInstanceOf(Complaints);
    expect((thrown as Error).message).toMatch(/^--cloud: /);
    expect((thrown as Error).message).not.toMatch(unreadable);
    expect(asked).toHaveBeenCalledTimes(1);
    expect(asked.mock.calls[0]![1]).toMatchObject({ redirect: 'manual' });
  });
});

describe('a token', () => {
  const tokenOf = (payload: string) => `e30.${Buffer.from(payload).toString('base64url')}.x`;

  it('of any text says who it is, or that it does not', async () => {
    const token = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.json().map(tokenOf),
      fc
        .record({ oid: fc.jsonValue(), tid: fc.jsonValue(), upn: fc.jsonValue(), idtyp: fc.jsonValue() })
        .map((claims) => tokenOf(JSON.stringify(claims))),
    );
    await fc.assert(
      fc.asyncProperty(token, async (text) => {
        expect(typeof claimsOf(text)).toBe('object');
        const credential = { getToken: async () => ({ token: text, expiresOnTimestamp: 0 }) };
        const caller = await callerOf(credential, CLOUDS[0]!).catch((error: unknown) => {
          expect(error).toBeInstanceOf(Problem);
          return undefined;
        });
        if (caller)
          for (const said of [caller.name, caller.objectId, caller.tenantId]) expect(typeof said).toBe('string');
      }),
      { numRuns: EXHAUSTIVE ? 5000 : 150 },
    );
  });
});
