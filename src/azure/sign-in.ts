import type { Agent } from 'node:https';
import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import type { AccessToken, TokenCredential } from '@azure/identity';
import { answerWithin } from '../answer.ts';
import { makeKnown } from '../secret.ts';
import { Problem } from '../trouble.ts';
import type { Clock } from '../world.ts';
import type { Cloud } from './azure.ts';
import { isKnownAuthority } from './clouds.ts';
import { codeOf, isLost } from './problems.ts';

/** A launch of `az` takes up to ten seconds on busy build machines, and its default limit is just that. */
const PROCESS_TIMEOUT = 60_000;
/** A token is replaced this long before it ends, milliseconds. */
const EARLY = 5 * 60_000;

export interface SignInOptions {
  readonly cloud: Cloud;
  /** `--tenant`. */
  readonly tenant?: string | undefined;
  readonly agent?: Agent | undefined;
  readonly env: NodeJS.ProcessEnv;
  /** Real milliseconds for an answer of Entra; absent: as long as is sensible. */
  readonly answerWithin?: number | undefined;
}

/**
 * The usual sign-in of people and of CI, in the order of DefaultAzureCredential: environment, workload identity,
 * Azure CLI, Azure PowerShell, Azure Developer CLI. Managed identity is left out, since asking for it takes seconds
 * where there is none; `AZURE_TOKEN_CREDENTIALS` brings it back, as it does in every Azure SDK.
 */
export async function signIn({
  cloud,
  tenant,
  agent,
  env,
  answerWithin: patience,
}: SignInOptions): Promise<TokenCredential> {
  const identity = await import('@azure/identity');
  const network = {
    authorityHost: cloud.authority,
    disableInstanceDiscovery: !isKnownAuthority(cloud),
    ...(agent ? { agent } : {}),
    additionalPolicies: [{ policy: bounded(patience), position: 'perRetry' as const }],
  };
  const tenantId = tenant ? { tenantId: tenant, additionallyAllowedTenants: [tenant] } : {};
  const processes = { ...tenantId, processTimeoutInMs: PROCESS_TIMEOUT };
  const credential = env.AZURE_TOKEN_CREDENTIALS
    ? new identity.DefaultAzureCredential({ ...network, ...processes })
    : new identity.ChainedTokenCredential(
        new identity.EnvironmentCredential({ ...network, ...tenantId }),
        // Its constructor throws where its variables are not set.
        ...(env.AZURE_FEDERATED_TOKEN_FILE && env.AZURE_CLIENT_ID && (tenant ?? env.AZURE_TENANT_ID)
          ? [new identity.WorkloadIdentityCredential({ ...network, ...tenantId })]
          : []),
        new identity.AzureCliCredential(processes),
        new identity.AzurePowerShellCredential(processes),
        new identity.AzureDeveloperCliCredential(processes),
      );
  return {
    getToken: async (scopes, options) => {
      try {
        return await credential.getToken(scopes, tenant ? { ...options, tenantId: tenant } : options);
      } catch (error) {
        throw unsigned(error, tenant);
      }
    },
  };
}

/** The SDK would wait for ever for an answer that does not come. */
const bounded = (patience: number | undefined): PipelinePolicy => ({
  name: 'bounded',
  sendRequest: (request, next) => {
    const stop = (request.abortSignal as AbortSignal | undefined) ?? new AbortController().signal;
    return answerWithin(patience, stop, (until) => {
      request.abortSignal = until;
      return next(request).finally(() => (request.abortSignal = stop));
    });
  },
});

/**
 * One token per audience, asked for once however many need it, and replaced shortly before it ends. A failed request
 * is not remembered.
 */
export function cached(make: () => Promise<TokenCredential>, clock: Clock): TokenCredential {
  const tokens = new Map<string, Promise<AccessToken>>();
  let credential: Promise<TokenCredential> | undefined;

  const ask = async (scope: string): Promise<AccessToken> => {
    try {
      credential ??= make();
      const token = await (await credential).getToken(scope);
      if (token) {
        makeKnown(token.token);
        return token;
      }
    } catch (error) {
      throw unsigned(error, undefined);
    }
    throw new Problem('unsigned', 'sign-in', 'The sign-in to Azure yielded no token.');
  };

  return {
    async getToken(scopes) {
      const scope = [scopes].flat().join(' ');
      const held = tokens.get(scope);
      if (held) {
        const token = await held;
        if (token.expiresOnTimestamp - EARLY > clock.now().getTime()) return token;
        if (tokens.get(scope) !== held) return this.getToken(scopes);
      }
      const asked = ask(scope);
      tokens.set(scope, asked);
      asked.catch(() => {
        credential = undefined;
        if (tokens.get(scope) === asked) tokens.delete(scope);
      });
      return asked;
    },
  };
}

/** MSAL's words for whatever happened to a connection; what that was it keeps to itself. */
const MSAL_LOST = /\b(network_error|endpoints_resolution_error)\b/;

/** Whatever keeps the caller from a token: `unsigned` with how to sign in, or `broken` when only the connection failed. */
function unsigned(error: unknown, tenant: string | undefined): Problem {
  if (error instanceof Problem) return error;
  const message = error instanceof Error ? error.message : String(error);
  const code = /AADSTS\d+/.exec(message)?.[0];
  if (code === undefined && (isLost(error) || MSAL_LOST.test(message))) {
    const why = codeOf(error);
    return new Problem('broken', 'sign-in', `The sign-in to Azure cannot be reached${why ? ` (${why})` : ''}.`, {
      said: { by: 'Entra', message },
      cause: error,
    });
  }
  const login = `az login${tenant ? ` --tenant ${tenant}` : ''}`;
  return new Problem(
    'unsigned',
    'sign-in',
    `You are not signed in to Azure${code ? ` (${code})` : ''}. Sign in with: ${login}`,
    {
      said: { by: 'Entra', ...(code ? { code } : {}), message },
      cause: error,
    },
  );
}
