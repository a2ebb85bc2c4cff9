import { request } from 'node:https';
import type { Sandbox } from '../../../src/sandbox/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON of the wire
export type Json = Record<string, any>;

/** How a program ends that has failed. */
export class Ended extends Error {
  readonly code: number;
  constructor(code: number, said: string) {
    super(said);
    this.code = code;
  }
}

export interface Reply {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What a stand-in has of the world: the way to the sandbox, a sign-in, and what it was started with. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly cwd: string;
  /** What came by standard input, where the words say that it is read. */
  readonly stdin: string;
  readonly kubeconfig: string;
  ask(method: string, url: string, headers: Readonly<Record<string, string>>, body?: string): Promise<Reply>;
  token(audience: 'management' | 'vault' | 'graph'): Promise<string>;
}

export function stageOf(sandbox: Sandbox, given: Pick<Stage, 'cwd' | 'stdin' | 'kubeconfig'>): Stage {
  const { agent } = sandbox.surroundings;
  return {
    ...given,
    sandbox,
    ask: (method, url, headers, body) =>
      new Promise((done, failed) => {
        const sent = request(url, { method, headers, agent }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on('data', (chunk: Buffer) => chunks.push(chunk));
          answer.on('end', () => {
            const status = answer.statusCode ?? 0;
            const text = Buffer.concat(chunks).toString('utf8');
            done({ ok: status < 400, status, headers: answer.headers, text });
          });
          answer.on('error', failed);
        });
        sent.on('error', failed);
        sent.end(body);
      }),
    async token(audience) {
      const credential = await sandbox.surroundings.credential();
      const hosts = { vault: 'vault.azure.net', management: 'management.azure.com', graph: 'graph.microsoft.com' };
      const host = hosts[audience];
      return (await credential.getToken(`https://${host}/.default`)).token;
    },
  };
}
