import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { objectsOf } from '../../../../src/sandbox/kubernetes/dapr/release.ts';
import { folderOf, programNamed } from '../../build/programs.ts';
import { startInjector } from '../dapr.ts';
import type { Live } from '../lab.ts';
import { until } from '../processes.ts';
import { hostPods, type PodProgram } from '../system-pods.ts';
import type { DaprInstaller } from './addon.ts';

/** Operator, sentry and the injector's own process do nothing here: they are only there, and ready. */
const STAND_IN: PodProgram = {
  image: /\/(?:operator|sentry|injector):/,
  file: '/usr/bin/sleep',
  name: () => 'a part of Dapr that does nothing',
  args: () => ['infinity'],
};

interface Configuration {
  readonly kind: string;
  readonly webhooks?: readonly { readonly clientConfig: object }[];
}

/** Of the injector, which is started once: an installation that failed is tried again. */
let certificate: Promise<string> | undefined;

/** What the extension of AKS installs: the real definitions of Dapr, and the rest of its chart as the sandbox knows it. */
export const installDapr: DaprInstaller = async (lab, _arm, release) => {
  const { namespace } = release;
  const folder = join(folderOf(programNamed('daprd')), 'charts/dapr/crds');
  // The operator, when it starts, leads the conversion of versions to itself.
  const definitions = readdirSync(folder).map((name) =>
    readFileSync(join(folder, name), 'utf8').replaceAll('namespace: replaceme', `namespace: ${namespace}`),
  );
  certificate ??= startInjector(lab, namespace);
  const pem = await certificate;
  const caBundle = Buffer.from(pem).toString('base64');
  const objects = objectsOf(release).map((each) => {
    const { kind, webhooks } = each as unknown as Configuration;
    if (kind !== 'MutatingWebhookConfiguration' || !webhooks) return each;
    return { ...each, webhooks: webhooks.map((one) => ({ ...one, clientConfig: { ...one.clientConfig, caBundle } })) };
  });
  const trust = { ...{ apiVersion: 'v1', kind: 'ConfigMap' }, metadata: { name: 'dapr-trust-bundle', namespace } };
  await lab.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
  await lab.apply(...definitions);
  await until('the definitions of Dapr are served', async () => {
    const { code } = await lab.kubectl('wait --for=condition=established crd/components.dapr.io --timeout=1s');
    return code === 0;
  });
  await hostPods(lab, namespace, [STAND_IN]);
  await lab.apply({ ...trust, data: { 'ca.crt': pem } }, ...objects);
  await until('the injector is there', async () => {
    const found = await lab.object<Live>(`deployment/dapr-sidecar-injector -n ${namespace}`);
    return Number(found?.status?.readyReplicas ?? 0) > 0;
  });
};
