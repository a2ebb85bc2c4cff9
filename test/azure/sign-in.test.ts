import { describe, expect, it, vi } from 'vitest';
import { cached, signIn } from '../../src/azure/sign-in.ts';
import { Problem } from '../../src/trouble.ts';
import { jumpingClock, PUBLIC, problem, servers } from './server.ts';

const start = servers();

const MINUTE = 60_000;

describe('the cached sign-in', () => {
  it('asks once per audience, however many need it', async () => {
    const clock = jumpingClock();
    const asked: string[] = [];
    let made = 0;
    const credential = cached(async () => {
      made += 1;
      return {
        async getToken(scope: string | string[]) {
          asked.push(String(scope));
          await new Promise((resolve) => setImmediate(resolve));
          return { token: `${scope}-${asked.length}`, expiresOnTimestamp: clock.now().getTime() + 60 * MINUTE };
        },
      };
    }, clock);
    await Promise.all([
      credential.getToken('a'),
      credential.getToken(['a']),
      credential.getToken('b'),
      credential.getToken('a'),
    ]);
    await credential.getToken('a');
    expect(asked).toEqual(['a', 'b']);
    expect(made).toBe(1);
    await clock.sleep(54 * MINUTE);
    await credential.getToken('a');
    expect(asked).toHaveLength(2);
    await clock.sleep(2 * MINUTE);
    const both = await Promise.all([credential.getToken('a'), credential.getToken('a')]);
    expect(asked).toEqual(['a', 'b', 'a']);
    expect(both[0]).toBe(both[1]);
  });

  it('shares a failure with those who wait and tries anew afterwards', async () => {
    let tries = 0;
    const credential = cached(
      async () => ({
        async getToken() {
          tries += 1;
          if (tries === 1) throw Object.assign(new Error('az is not there'), { name: 'CredentialUnavailableError' });
          return { token: 't', expiresOnTimestamp: Number.MAX_SAFE_INTEGER };
        },
      }),
      jumpingClock(),
    );
    const failures = await Promise.allSettled([credential.getToken('a'), credential.getToken('a')]);
    expect(failures.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(tries).toBe(1);
    expect((await credential.getToken('a'))?.token).toBe('t');
  });

  it.each([
    [
      Object.assign(new Error('Azure CLI could not be found'), { name: 'CredentialUnavailableError' }),
      'unsigned',
      undefined,
    ],
    [new Error('AADSTS700082: The refresh token has expired'), 'unsigned', 'AADSTS700082'],
    [Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'broken', undefined],
  ])('makes %s %s', async (error, trouble, code) => {
    const credential = cached(async () => ({ getToken: () => Promise.reject(error) }), jumpingClock());
    const problem = await credential.getToken('a').then(
      () => undefined,
      (thrown: unknown) => thrown as Problem,
    );
    expect(problem).toBeInstanceOf(Problem);
    expect(problem).toMatchObject({ trouble, resource: 'sign-in' });
    expect(problem!.said?.code).toBe(code);
    expect(problem!.said?.message).toBe(error.message);
    if (trouble === 'unsigned') expect(problem!.message).toContain('az login');
  });
});

describe('the usual sign-in', () => {
  it('says how to sign in to the tenant when nobody is', async () => {
    const { PATH, ...without } = process.env;
    process.env.PATH = '/nonexistent';
    try {
      const credential = await signIn({ cloud: PUBLIC, tenant: 'contoso.com', env: without });
      const problem = await credential.getToken('https://management.azure.com/.default').then(
        () => undefined,
        (thrown: unknown) => thrown as Problem,
      );
      expect(problem).toMatchObject({ trouble: 'unsigned' });
      expect(problem!.message).toContain('az login --tenant contoso.com');
      expect(problem!.said?.message).toContain('Azure CLI could not be found');
    } finally {
      process.env.PATH = PATH;
    }
  });

  it('does not wait for ever for an Entra that does not answer, and says so', async () => {
    const server = await start(() => new Promise<never>(() => undefined));
    vi.stubEnv('AZURE_TENANT_ID', '7e4a4700-0000-4000-8000-000000000001');
    vi.stubEnv('AZURE_CLIENT_ID', 'ca11e700-0000-4000-8000-000000000001');
    vi.stubEnv('AZURE_CLIENT_SECRET', 'invented');
    try {
      const asked = { cloud: PUBLIC, agent: server.agent, env: process.env, answerWithin: 200 };
      const credential = cached(() => signIn(asked), jumpingClock());
      const found = await problem(credential.getToken('https://management.azure.com/.default'));
      expect(found).toMatchObject({ trouble: 'broken', resource: 'sign-in' });
      expect(found.message).toContain('cannot be reached');
      expect(found.said?.message).not.toContain('invented');
    } finally {
      vi.unstubAllEnvs();
    }
  });
});
