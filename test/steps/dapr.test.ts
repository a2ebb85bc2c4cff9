import { describe, expect, it } from 'vitest';
import type { Resource } from '../../src/azure/azure.ts';
import { type DaprParts, daprReady } from '../../src/steps/dapr.ts';
import { Problem } from '../../src/trouble.ts';
import { CRD, cluster, deployment, extension, HELM, installed, KNOWN, NOTHING, registered } from './dapr-made.ts';
import { resource } from './made.ts';

/** A world with these extensions, parts and cluster; what is asked of it, in order. */
function worldOf(options: {
  extensions?: readonly Resource[];
  parts?: Partial<DaprParts>;
  cluster?: Resource | undefined;
  deny?: RegExp;
  provider?: string;
}) {
  const asked: string[] = [];
  const parts = { ...NOTHING, ...options.parts };
  const answer = async (what: string, value: unknown) => {
    asked.push(what);
    if (options.deny?.test(what)) throw new Problem('denied', what, 'no');
    return value;
  };
  const put: unknown[][] = [];
  const world = {
    azure: {
      clusters: { get: async () => ('cluster' in options ? options.cluster : cluster()) },
      extensions: {
        list: () => answer('extensions', options.extensions ?? []),
        put: async (...all: unknown[]) => {
          put.push(all);
          return extension('Succeeded');
        },
      },
      providers: { state: () => answer('provider', options.provider ?? 'NotRegistered') },
    },
    kubernetes: {
      get: ({ kind }: { kind: string }) =>
        answer(kind, kind === 'CustomResourceDefinition' ? parts.components : parts.injector),
      list: ({ kind }: { kind: string }) => answer(kind, parts.deployments),
    },
  };
  return { world: world as never, asked, put };
}

describe('what is looked at', () => {
  it('is the extension alone where it answers', async () => {
    const { world, asked } = worldOf({ extensions: [extension('Succeeded')] });
    await installed.observe(world);
    expect(asked).toEqual(['extensions']);
  });

  it('is the cluster too where none does; extensions of others do not count', async () => {
    const other = resource({ extensionType: 'microsoft.flux', provisioningState: 'Succeeded' }, { name: 'flux' });
    const { world, asked } = worldOf({ extensions: [other], parts: HELM });
    const seen = await installed.observe(world);
    expect(installed.judge(seen, KNOWN).state).toBe('good enough');
    expect(asked.sort()).toEqual([
      'CustomResourceDefinition',
      'Deployment',
      'MutatingWebhookConfiguration',
      'extensions',
    ]);
  });

  it('takes the extension that is best off', async () => {
    const all = [extension('Failed', {}, 'a'), extension('Succeeded', {}, 'b'), extension('Creating', {}, 'c')];
    expect(await installed.observe(worldOf({ extensions: all }).world)).toMatchObject({ extension: { name: 'b' } });
    const unwell = [all[0]!, all[2]!];
    expect(await installed.observe(worldOf({ extensions: unwell }).world)).toMatchObject({ extension: { name: 'c' } });
  });

  it('is the cluster alone where the caller may not look at extensions; without a Dapr there, that is the obstacle', async () => {
    const { world } = worldOf({ deny: /extensions/, parts: HELM });
    expect(installed.judge(await installed.observe(world), KNOWN).state).toBe('good enough');
    await expect(installed.observe(worldOf({ deny: /extensions/ }).world)).rejects.toThrow(Problem);
  });

  it('goes on where the cluster hides itself', async () => {
    const { world } = worldOf({ deny: /CustomResource|Deployment|Mutating/ });
    expect(installed.judge(await installed.observe(world), KNOWN).state).toBe('good enough');
  });
});

describe('the provider', () => {
  it.each([
    ['is registered for what is to be installed', {}, 'differs'],
    ['not where a Dapr is there', { parts: HELM }, 'good enough'],
    ['not where nothing can be installed', { cluster: cluster({}, { sku: { name: 'Automatic' } }) }, 'good enough'],
    ['not for a cluster that nobody makes', { cluster: undefined }, 'good enough'],
    ['not where it cannot be told', { deny: /extensions/ }, 'good enough'],
    [
      'on its way is waited for, whatever can be told meanwhile',
      { deny: /extensions/, provider: 'Registering' },
      'settling',
    ],
    ['proven by any extension', { extensions: [resource({ extensionType: 'microsoft.flux' })] }, 'as wanted'],
  ])('%s', async (_what, options, state) => {
    const judged = registered.judge(await registered.observe(worldOf(options).world), {});
    expect(judged.state).toBe(state);
    if (state === 'differs') expect(judged.differences).toMatchObject([{ is: 'NotRegistered', consent: ['install'] }]);
    else expect(judged.facts.registered !== undefined).toBe(state !== 'settling');
  });
});

describe('what is sent', () => {
  it('is a stable Dapr of no certain version, highly available, whose sidecars need no capability', async () => {
    const { world, put } = worldOf({});
    const seen = await installed.converge(world, { cluster: cluster(), parts: NOTHING }, KNOWN);
    expect(put).toEqual([
      [
        'id',
        'dapr',
        {
          identity: { type: 'SystemAssigned' },
          properties: {
            extensionType: 'microsoft.dapr',
            autoUpgradeMinorVersion: false,
            releaseTrain: 'stable',
            scope: { cluster: { releaseNamespace: 'dapr-system' } },
            configurationSettings: {
              'global.clusterType': 'managedclusters',
              'global.ha.enabled': 'true',
              'dapr_operator.replicaCount': '2',
              'dapr_sidecar_injector.sidecarDropALLCapabilities': 'true',
            },
          },
        },
      ],
    ]);
    // Judged as it is, without another look.
    expect(installed.judge(seen, KNOWN).state).toBe('as wanted');
  });

  it('again is what the other one asked for, under its name; a version that does not exist is left out', async () => {
    const theirs = {
      configurationSettings: { 'global.ha.enabled': 'false' },
      releaseTrain: 'dev',
      version: '9.9.9',
      currentVersion: '9.9.9',
      statuses: [],
    };
    const sent = async (errorInfo: object) => {
      const { world, put } = worldOf({});
      const failed = {
        ...extension('Failed', { ...theirs, errorInfo }, 'our-dapr'),
        identity: { type: 'SystemAssigned', principalId: 'p' },
      };
      await installed.converge(world, { cluster: cluster(), extension: failed, parts: NOTHING }, KNOWN);
      return put[0];
    };
    const { currentVersion: _, statuses: __, ...kept } = theirs;
    expect(await sent({ message: 'timed out' })).toEqual([
      'id',
      'our-dapr',
      { identity: { type: 'SystemAssigned' }, properties: { extensionType: 'microsoft.dapr', ...kept } },
    ]);
    const { version: ___, ...unversioned } = kept;
    expect(await sent({ message: 'Failed to resolve the extension version from the given values.' })).toMatchObject([
      'id',
      'our-dapr',
      { properties: { extensionType: 'microsoft.dapr', ...unversioned } },
    ]);
    expect(JSON.stringify(await sent({ message: 'Failed to resolve the extension version' }))).not.toContain('9.9.9');
  });
});

describe('Dapr is ready', () => {
  const ready = daprReady({ by: installed, workloads: ['w'] });
  it.each<[what: string, parts: Partial<DaprParts>, state: string, note: RegExp | undefined]>([
    ['all is there', {}, 'as wanted', undefined],
    ['no kinds', { components: undefined }, 'settling', /Component/],
    [
      'kinds of another version',
      { components: { ...CRD, spec: { versions: [{ name: 'v2', served: true }] } } },
      'settling',
      /Component/,
    ],
    [
      'kinds that are not established',
      { components: { ...CRD, status: { conditions: [{ type: 'Established', status: 'False' }] } } },
      'settling',
      /Component/,
    ],
    ['no webhook', { injector: undefined }, 'settling', /webhook/],
    ['no injector', { deployments: [deployment('dapr-operator')] }, 'settling', /no sidecar injector is running/],
    [
      'an injector that does not run',
      { deployments: [deployment('dapr-operator'), deployment('dapr-sidecar-injector', { available: 0 })] },
      'settling',
      /no sidecar injector is running/,
    ],
    ['hidden', { components: 'hidden', injector: 'hidden', deployments: 'hidden' }, 'good enough', /granted/],
    ['hidden in part', { deployments: 'hidden', injector: undefined }, 'settling', /webhook/],
  ])('%s', (_what, parts, state, note) => {
    const judged = ready.judge({ ...HELM, ...parts }, { on: 'yes' });
    expect({ state: judged.state, note: judged.note }).toEqual({
      state,
      note: note ? expect.stringMatching(note) : undefined,
    });
    expect(judged.facts.ready !== undefined).toBe(state !== 'settling');
  });
});
