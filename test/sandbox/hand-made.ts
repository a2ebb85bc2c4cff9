import type { ArmIdentity, ArmVault, Parts, Reply, Request, State } from '../../src/sandbox/parts.ts';

export const TENANT = '11111111-1111-4111-8111-111111111111';
export const OTHER_TENANT = '22222222-2222-4222-8222-222222222222';
/** The simulated time of these tests; `advance` moves it. */
export const START = new Date('2026-11-22T12:00:00Z');

export interface HandMade {
  readonly parts: Parts;
  readonly state: State;
  readonly identities: ArmIdentity[];
  readonly vaults: ArmVault[];
  /** `principal action scope`, each a right; the scope holds below itself. */
  readonly rights: { principal: string; action: string; scope: string }[];
  /** Address (`https://…`) to answer; what is not there cannot be read. */
  readonly web: Map<string, Reply>;
  advance(milliseconds: number): void;
  saves: number;
}

/** Just enough of the sandbox around the part under test: what it asks is answered from plain lists. */
export function handMade(): HandMade {
  let now = START.getTime();
  const state: State = {
    version: 1,
    tenantId: TENANT,
    subscriptionId: '33333333-3333-4333-8333-333333333333',
    clockOffset: 0,
    arm: {},
    entra: { tenants: [OTHER_TENANT] },
    vaults: {},
    kubernetes: {},
  };
  const made: HandMade = {
    state,
    identities: [],
    vaults: [],
    rights: [],
    web: new Map(),
    saves: 0,
    advance: (milliseconds) => {
      now += milliseconds;
    },
    parts: {
      clock: { now: () => new Date(now), sleep: () => Promise.resolve() },
      state,
      settings: { latency: 0, replication: 0, operation: 0, throttle: false, strictPrincipals: false },
      arm: {
        clusters: () => [],
        vault: (name) => made.vaults.find((vault) => vault.name === name),
        identityByClientId: (clientId) => made.identities.find((identity) => identity.clientId === clientId),
        principals: () => [],
        principalMade: () => undefined,
        principalGone: () => undefined,
        mayDo: (principal, action, scope) =>
          made.rights.some(
            (right) =>
              right.principal === principal &&
              right.action === action &&
              (scope === right.scope || scope.startsWith(`${right.scope}/`)),
          ),
      },
      graph: { application: () => undefined },
      entra: { verify: () => Promise.resolve(undefined), sign: () => Promise.reject(new Error('nobody signs here')) },
      kubernetes: {
        clusterChanged: () => Promise.resolve(),
        installDapr: () => Promise.resolve(undefined),
        removeDapr: () => Promise.resolve(),
        externalSecrets: () => Promise.resolve(),
        kubeconfig: () => '',
      },
      dispatch: ({ host, path }) =>
        Promise.resolve(made.web.get(`https://${host}${path}`) ?? { status: 404, body: 'no such page' }),
      access: { proxyUrl: '', caFile: '', ca: '', env: {} },
      without: [],
      with: [],
      busy: (work) => work,
      save: () => {
        made.saves += 1;
      },
    },
  };
  return made;
}

/** A request as the server hands it on: address decoded, header names in lower case. */
export function request(
  method: string,
  address: string,
  more: { headers?: Record<string, string>; body?: string } = {},
): Request {
  const url = new URL(address);
  return {
    method,
    host: url.hostname,
    path: decodeURIComponent(url.pathname),
    query: url.searchParams,
    headers: more.headers ?? {},
    body: more.body ?? '',
  };
}
