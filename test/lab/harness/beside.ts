import { begin, type Story } from '../../stories/harness.ts';
import { kubectl } from '../../stories/others.ts';
import type { Azure } from './azure.ts';
import type { Lab } from './lab.ts';
import { type Api, ApiError } from './node-agent/api.ts';
import { adminOf } from './system-pods.ts';

/** A cluster and its Azure, asked in one way whether its programs are real or simulated. */
export interface Side {
  readonly azure: Azure;
  /** As the cluster's administrator. Throws an ApiError. */
  readonly api: Pick<Api, 'get' | 'create' | 'patch' | 'remove'>;
  /** Runs the program; throws when it does not end with 0. */
  run(words: string): Promise<void>;
}

/** The lab. */
export const realSide = (lab: Lab): Side => ({
  azure: lab,
  api: adminOf(lab),
  async run(words) {
    const { code, out, err } = await lab.aksSecrets(words);
    if (code !== 0) throw new Error(`aks-secrets ${words} ended with ${code}:\n${out}${err}`);
  },
});

/** A sandbox whose cluster is simulated too, with all that is in it. Its time is moved by hand. */
export async function simulatedSide(): Promise<Side & { readonly story: Story }> {
  const story = await begin();
  const { sandbox } = story;
  const ask = async <T>(method: string, path: string, body?: object, type?: string): Promise<T> => {
    const reply = await kubectl(story, method, path, body, type);
    if (reply.status >= 300) throw new ApiError(reply.status, String(reply.body?.message ?? reply.body));
    return reply.body as T;
  };
  return {
    story,
    azure: {
      sandbox,
      async arm<T>(method: string, pathAndQuery: string, body?: object) {
        const url = new URL(pathAndQuery, 'https://management.azure.com');
        const credential = await sandbox.surroundings.credential();
        const { token } = await credential.getToken('https://management.azure.com/.default');
        const reply = await sandbox.parts.dispatch({
          ...{ method, host: url.hostname, path: decodeURIComponent(url.pathname), query: url.searchParams },
          headers: { host: url.hostname, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: body ? JSON.stringify(body) : '',
        });
        return { status: reply.status, body: reply.body as T };
      },
    },
    api: {
      get: (path) => ask('GET', path),
      create: (path, body) => ask('POST', path, body),
      patch: (path, body) => ask('PATCH', path, body, 'application/merge-patch+json'),
      remove: (path, body) => ask('DELETE', path, body),
    },
    async run(words) {
      const { code, out, err } = await story.run(words);
      if (code !== 0) throw new Error(`aks-secrets ${words} ended with ${code}:\n${out}${err}`);
    },
  };
}
