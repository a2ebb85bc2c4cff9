import { describe, expect, it } from 'vitest';
import {
  CRD,
  cluster,
  extension,
  HELM,
  installed,
  KNOWN,
  NOTHING,
  OWNERSHIP,
  operator,
  owned,
  registered,
  TIMED_OUT,
  WEBHOOK,
} from './dapr-made.ts';

describe('Dapr in the cluster', () => {
  it.each<[what: string, seen: object, state: string, says: RegExp]>([
    [
      'an extension',
      { extension: extension('Succeeded', { currentVersion: '1.15.3-msft.2' }) },
      'as wanted',
      /by the extension dapr, Dapr 1\.15\.3-msft\.2/,
    ],
    [
      'an extension of another name',
      { extension: extension('Succeeded', {}, 'our-dapr') },
      'as wanted',
      /extension our-dapr/,
    ],
    ['one that is being made', { extension: extension('Creating'), parts: NOTHING }, 'settling', /Creating/],
    [
      'one that says what it waits for',
      {
        extension: extension('Creating', { statuses: [{ level: 'Information', message: 'pulling images' }] }),
        parts: NOTHING,
      },
      'settling',
      /Creating: pulling images/,
    ],
    ['one that is being made beside a Dapr', { extension: extension('Updating'), parts: HELM }, 'settling', /Updating/],
    ['one that is being taken away', { extension: extension('Deleting'), parts: NOTHING }, 'blocked', /being deleted/],
    ['a Helm release', { parts: HELM }, 'good enough', /the Helm release dapr \(Dapr 1\.15\.3 in dapr-system\)/],
    [
      'one of another namespace and no release',
      { parts: operator({ namespace: 'ops' }) },
      'good enough',
      /by Dapr 1\.15\.3 in ops/,
    ],
    [
      'its version by its label',
      { parts: operator({ labels: { app: 'dapr-operator', 'app.kubernetes.io/version': '1.16.0' } }) },
      'good enough',
      /Dapr 1\.16\.0 in dapr-system/,
    ],
    [
      'a Dapr whose extension failed',
      { extension: extension('Failed', OWNERSHIP), parts: HELM },
      'good enough',
      /Helm release dapr.*extension dapr ended as Failed/,
    ],
    ['nothing', { parts: NOTHING }, 'absent', /restarted/],
    ['kinds without an operator', { parts: { ...NOTHING, components: CRD } }, 'absent', /restarted/],
    [
      'an operator without kinds',
      { parts: { ...HELM, components: undefined, injector: undefined } },
      'absent',
      /restarted/,
    ],
    [
      'an operator that is not available yet',
      { parts: operator({ available: 0 }) },
      'settling',
      /no operator that runs \(0 of 1\)/,
    ],
    [
      'an operator that was switched off',
      { parts: operator({ available: 0, replicas: 0 }) },
      'blocked',
      /no operator that runs \(0 of 0\)/,
    ],
    [
      'remains of another release',
      { parts: { ...NOTHING, injector: owned('mesh', 'ops') } },
      'blocked',
      /Helm release mesh in ops would clash/,
    ],
    ['remains without marks', { parts: { ...NOTHING, injector: WEBHOOK } }, 'blocked', /would clash/],
    [
      'remains of a release of the same name',
      { parts: { ...NOTHING, injector: owned('dapr', 'dapr-system') } },
      'absent',
      /restarted/,
    ],
    [
      'a cluster that nobody may look into',
      { parts: { components: 'hidden', injector: 'hidden', deployments: [] } },
      'good enough',
      /taken for granted/,
    ],
    [
      'AKS Automatic',
      { cluster: cluster({}, { sku: { name: 'automatic' } }), parts: NOTHING },
      'blocked',
      /AKS Automatic .*--method workload-identity/,
    ],
    [
      'AKS Automatic with a Dapr',
      { cluster: cluster({}, { sku: { name: 'Automatic' } }), parts: HELM },
      'good enough',
      /Helm release/,
    ],
    [
      'a service principal',
      { cluster: cluster({ servicePrincipalProfile: { clientId: '5f1d' } }, { identity: undefined }), parts: NOTHING },
      'blocked',
      /service principal/,
    ],
    [
      'a managed identity, which says "msi"',
      { cluster: cluster({ servicePrincipalProfile: { clientId: 'msi' } }), parts: NOTHING },
      'absent',
      /restarted/,
    ],
    [
      'a failure by what was left behind',
      { extension: extension('Failed', OWNERSHIP), parts: NOTHING },
      'blocked',
      /invalid ownership metadata/,
    ],
    [
      'a failure by the protection of a namespace',
      {
        extension: extension('Failed', {
          errorInfo: { message: "ValidatingAdmissionPolicy 'aks-managed-protect-system-namespaces' denied" },
        }),
        parts: NOTHING,
      },
      'blocked',
      /protects dapr-system/,
    ],
    [
      'a failure of one with settings that are never given back',
      { extension: extension('Failed', { ...TIMED_OUT, configurationProtectedSettings: { key: '' } }), parts: NOTHING },
      'blocked',
      /timed out/,
    ],
    ['a cluster that is not there yet', { cluster: undefined }, 'absent', /restarted/],
  ])('%s', (_what, seen, state, says) => {
    const judged = installed.judge({ cluster: cluster(), ...seen }, KNOWN);
    expect({ state: judged.state, note: judged.note, owner: judged.owner }).toEqual({
      state,
      note: expect.stringMatching(says),
      owner: 'theirs',
    });
    const stands = state === 'as wanted' || state === 'good enough';
    expect(judged.facts.deliverer !== undefined).toBe(stands);
  });

  it('is installed only by consent, and the plan says for whom and what it takes', () => {
    expect(installed.judge({ cluster: cluster(), parts: NOTHING }, KNOWN).differences).toMatchObject([
      { consent: ['install'], warning: expect.stringMatching(/whole cluster.*pods/) },
    ]);
  });

  it('that failed is begun again, with its own error said', () => {
    const judged = installed.judge(
      { cluster: cluster(), extension: extension('Failed', TIMED_OUT), parts: NOTHING },
      KNOWN,
    );
    expect(judged).toMatchObject({
      state: 'differs',
      differences: [{ is: expect.stringContaining('timed out waiting'), consent: ['install'] }],
    });
  });

  it('whose error is only in its statuses says that one', () => {
    const statuses = [
      { level: 'Error', message: 'no node fits' },
      { level: 'Information', message: 'started' },
    ];
    const judged = installed.judge(
      { cluster: cluster(), extension: extension('Failed', { statuses }), parts: NOTHING },
      KNOWN,
    );
    expect(judged.differences[0]?.is).toBe('Failed: no node fits');
  });

  it('is never taken away, and destroy names the line that would', () => {
    expect(installed.remove).toBeUndefined();
    const leaving = { others: [], going: new Set<string>(), surveyed: undefined };
    expect(installed.removal?.({ extension: extension('Succeeded') }, KNOWN, leaving)).toMatchObject({
      state: 'leave',
      run: expect.stringContaining('az k8s-extension delete'),
    });
    expect(installed.removal?.({ parts: HELM }, KNOWN, leaving)).toMatchObject({
      run: 'helm uninstall dapr --namespace dapr-system',
    });
    expect(installed.removal?.({ parts: NOTHING }, KNOWN, leaving)).toEqual({ state: 'absent' });
  });

  it('has one line for whoever runs the cluster', () => {
    const line = installed.byHand?.(KNOWN);
    expect(line).toMatch(
      /^az k8s-extension create --cluster-type managedClusters --cluster-name aks --resource-group rg /,
    );
    expect(line).not.toContain('\n');
    expect(registered.byHand?.({})).toBe(
      `az provider register --namespace Microsoft.KubernetesConfiguration --wait; ${line}`,
    );
  });
});
