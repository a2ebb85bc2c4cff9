import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import { CHART, operator } from '../../src/steps/operator.ts';
import { Problem } from '../../src/trouble.ts';
import { upstream } from './made.ts';

const step = operator({ cluster: upstream('cluster/aks'), workloads: ['orders'] });
const judged = (seen: object) => step.judge({ served: [], operators: [], helm: true, ...seen }, {});
const deployment = (ready: number, wanted = 1, more: object = {}): KubernetesObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'external-secrets', namespace: 'eso' },
  spec: {
    replicas: wanted,
    template: { spec: { containers: [{ image: 'ghcr.io/external-secrets/external-secrets:v2.9.0' }] } },
  },
  status: { availableReplicas: ready },
  ...more,
});
const webhook = (ready: number, wanted = 1, namespace = 'eso') =>
  deployment(ready, wanted, {
    metadata: {
      ...{ name: 'external-secrets-webhook', namespace },
      labels: { 'app.kubernetes.io/name': 'external-secrets-webhook' },
    },
  });
const V1 = 'external-secrets.io/v1';
const BETA = 'external-secrets.io/v1beta1';
const ALPHA = 'external-secrets.io/v1alpha1';
const running = [deployment(1)];

describe('the operator', () => {
  it.each<[string, object, string, string | undefined]>([
    ['v1 alone', { served: [V1], operators: running }, 'as wanted', V1],
    ['v1beta1 alone', { served: [BETA], operators: running }, 'as wanted', BETA],
    ['both, in whatever order', { served: [ALPHA, BETA, V1], operators: running }, 'as wanted', V1],
    ['neither', { served: [ALPHA], operators: running }, 'blocked', undefined],
    ['not ready yet', { served: [V1], operators: [deployment(0)] }, 'settling', V1],
    ['one of two that is ready', { served: [V1], operators: [deployment(0), deployment(1)] }, 'as wanted', V1],
    ['a webhook that is not ready yet', { served: [V1], operators: running, helpers: [webhook(0)] }, 'settling', V1],
    ['a webhook that is', { served: [V1], operators: running, helpers: [webhook(1)] }, 'as wanted', V1],
    ['a webhook that nobody wants', { served: [V1], operators: running, helpers: [webhook(0, 0)] }, 'as wanted', V1],
    [
      'the webhook of another operator',
      { served: [V1], operators: running, helpers: [webhook(0, 1, 'other')] },
      'as wanted',
      V1,
    ],
    ['scaled to 0', { served: [V1], operators: [deployment(0, 0)] }, 'blocked', V1],
    ['hidden', { served: [V1], operators: 'hidden' }, 'good enough', V1],
    ['nothing', {}, 'absent', undefined],
    ['nothing, and no helm here', { helm: false }, 'absent', undefined],
    ['nothing, and no helm when it was tried', { helm: false, tried: true }, 'blocked', undefined],
    ['hidden, and none of its kinds', { operators: 'hidden' }, 'absent', undefined],
    ['kinds that an uninstalled one left', { served: [V1] }, 'differs', V1],
    ['an operator whose kinds are gone', { operators: running }, 'settling', undefined],
  ])('%s', (_name, seen, state, api) => {
    const found = judged(seen);
    expect({ state: found.state, api: found.facts.externalSecretsApi, owner: found.owner }).toEqual({
      ...{ state, api, owner: 'theirs' },
    });
    // Nobody builds on an operator that is not there.
    expect(found.facts.ready !== undefined).toBe(state === 'as wanted' || state === 'good enough');
  });

  it('is installed only with the consent for it', () => {
    for (const seen of [{}, { served: [V1] }])
      expect(judged(seen).differences).toMatchObject([{ consent: ['install'] }]);
  });

  it('says before anything is tried that helm is missing', () => {
    expect(judged({ helm: false }).note).toContain('https://helm.sh');
    expect(judged({}).note).toBeUndefined();
  });

  it('is never taken away, and the line that would is named', () => {
    const release = { annotations: { 'meta.helm.sh/release-name': 'eso' }, name: 'x', namespace: 'tools' };
    const removal = (operators: unknown) => step.removal?.({ served: [V1], operators, helm: true }, {}, {} as never);
    expect(removal([deployment(1, 1, { metadata: release })])).toMatchObject({
      ...{ state: 'leave', run: 'helm uninstall eso --namespace tools' },
    });
    expect(removal(running)).toEqual({ state: 'leave', note: expect.any(String) });
    expect(removal([])).toEqual({ state: 'absent' });
    expect(step.remove).toBeUndefined();
  });
});

describe('looking for it', () => {
  const denied = async () => {
    throw new Problem('denied', 'x', 'x is forbidden');
  };
  const crd = (versions: object[]) => async () => ({ spec: { versions } });
  const look = (kubernetes: object, helm = { found: async () => true }) => step.observe({ kubernetes, helm } as never);

  it('takes the versions that its definition serves', async () => {
    const versions = [
      { name: 'v1', served: true },
      { name: 'v1beta1', served: false },
    ];
    expect(await look({ get: crd(versions), list: async () => running })).toMatchObject({ served: [V1] });
  });

  it('tells its helpers from it, in one answer', async () => {
    const list = async () => [webhook(0), ...running];
    const seen = await look({ get: crd([{ name: 'v1', served: true }]), list });
    expect(seen).toMatchObject({ operators: running, helpers: [webhook(0)] });
  });

  it('asks discovery where the definition may not be read, and counts Deployments as hidden', async () => {
    const seen = await look({ get: denied, versions: async () => [V1, ALPHA], list: denied });
    expect(seen).toMatchObject({ served: [V1, ALPHA], operators: 'hidden' });
  });

  it('finds one that was not installed by the chart, by its image, and only where its kinds are', async () => {
    const asked: unknown[] = [];
    const list = async (_kind: unknown, namespace: unknown, labels?: string) => {
      asked.push([namespace, labels]);
      return labels
        ? []
        : [deployment(1), deployment(1, 1, { spec: { template: { spec: { containers: [{ image: 'nginx' }] } } } })];
    };
    expect(await look({ get: crd([{ name: 'v1', served: true }]), list })).toMatchObject({ operators: running });
    expect(asked).toEqual([
      [
        undefined,
        'app.kubernetes.io/name in (external-secrets, external-secrets-webhook, external-secrets-cert-controller)',
      ],
      [undefined, undefined],
    ]);
    asked.length = 0;
    expect(await look({ get: async () => undefined, list })).toMatchObject({ operators: [] });
    expect(asked).toHaveLength(1);
  });

  it('looks for helm only where it is needed', async () => {
    let asked = 0;
    const helm = { found: async () => ++asked > 5 };
    await look({ get: crd([{ name: 'v1', served: true }]), list: async () => running }, helm);
    expect(asked).toBe(0);
    expect(await look({ get: async () => undefined, list: async () => [] }, helm)).toMatchObject({ helm: false });
    expect(await look({ get: async () => undefined, list: denied }, helm)).toMatchObject({ helm: false });
  });

  it('throws what is no lack of rights', async () => {
    const broken = async () => {
      throw new Problem('broken', 'x', 'gone');
    };
    await expect(look({ get: broken, list: async () => [] })).rejects.toThrow('gone');
  });
});

describe('installing it', () => {
  it('is helm’s work; without helm nothing is called', async () => {
    const installed: unknown[] = [];
    const world = { helm: { install: async (release: unknown) => void installed.push(release) } } as never;
    const seen = { served: [], operators: [], helm: false };
    expect(await step.converge(world, seen, {})).toMatchObject({ tried: true });
    expect(installed).toEqual([]);
    expect(await step.converge(world, { ...seen, helm: true }, {})).toBeUndefined();
    expect(installed).toEqual([CHART]);
  });
});
