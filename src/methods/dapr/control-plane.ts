import { X509Certificate } from 'node:crypto';
import type { KubernetesObject, ObjectRef } from '../../kubernetes/kubernetes.ts';
import { INJECTOR } from '../../steps/dapr.ts';
import type { World } from '../../world.ts';
import type { Wrong } from '../wiring/finding.ts';
import { ahead, orHidden } from '../wiring/live.ts';
import { list, record, text } from '../wiring/shape.ts';
import { clockOf } from '../wiring/times.ts';

const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment' } as const;
/** By the labels that every way of installing gives them. */
const PROGRAMS = 'app in (dapr-operator,dapr-sidecar-injector,dapr-sentry)';
const SUBSCRIPTIONS: ObjectRef = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  name: 'subscriptions.dapr.io',
};

const programs = ({ kubernetes }: World) => kubernetes.list(DEPLOYMENT, undefined, PROGRAMS);

/** Starts its reads. */
export function controlPlaneAhead(world: World): void {
  const { kubernetes } = world;
  ahead([programs(world), kubernetes.get(INJECTOR), kubernetes.get(SUBSCRIPTIONS)]);
}

/** What becomes of pods while a program does not run, in the order in which the others rest on it. */
const ROLES = [
  { app: 'dapr-sentry', failure: 'F152', so: 'no pod with a sidecar can be made' },
  { app: 'dapr-sidecar-injector', failure: 'F136', so: 'pods that are made now get no sidecar' },
  { app: 'dapr-operator', failure: undefined, so: 'sidecars that start now load no component' },
] as const;

/** A program of Dapr that does not run. */
export async function programWrong(world: World): Promise<Wrong | undefined> {
  const all = await programs(world);
  for (const { app, failure, so } of ROLES) {
    const own = all.filter(({ metadata }) => metadata.labels?.app === app);
    if (own.some(({ status }) => Number(record(status).availableReplicas ?? 0) > 0)) continue;
    const [first] = own;
    const { name = app, namespace = 'dapr-system' } = first?.metadata ?? {};
    const isOff = first !== undefined && record(first.spec).replicas === 0;
    return {
      ...(failure && { failure }),
      observed: first ? `${namespace}/${name} has no pod that is ready: ${so}` : `there is no ${app}: ${so}`,
      expected: 'a pod that is ready',
      fix: isOff
        ? {
            say: 'Somebody has scaled it to 0: scale it up, then restart the pods.',
            run: `kubectl scale deployment ${name} --namespace ${namespace} --replicas 1`,
          }
        : {
            say: 'Find out why its pods do not run (nodes, network policy), then restart the pods of the workload.',
            run: `kubectl get pods --namespace ${namespace} --output wide`,
          },
    };
  }
  return undefined;
}

/** The injector is not asked about pods. */
export async function webhookWrong({ kubernetes }: World): Promise<Wrong | undefined> {
  if (await kubernetes.get(INJECTOR)) return undefined;
  return {
    failure: 'F136',
    observed: `there is no ${INJECTOR.kind} ${INJECTOR.name}: pods that are made now get no sidecar`,
    expected: INJECTOR.name,
    fix: { say: 'Install Dapr again as it was installed (helm upgrade, or the extension), then restart the pods.' },
  };
}

/** The certificate that the API server knows the injector by, and that sidecars know each other by, has ended. */
export async function certificateWrong(world: World): Promise<Wrong | undefined> {
  const configuration = await world.kubernetes.get(INJECTOR);
  const clients = list(configuration?.webhooks).map((each) => record(record(each).clientConfig));
  const namespace = clients.flatMap(({ service }) => text(record(service).namespace) ?? [])[0];
  const bundle: KubernetesObject | undefined = namespace
    ? await orHidden(
        world.kubernetes.get({ apiVersion: 'v1', kind: 'ConfigMap', namespace, name: 'dapr-trust-bundle' }),
      )
    : undefined;
  const now = world.clock.now();
  const ended = [
    ...clients.map(({ caBundle }) => ({ where: INJECTOR.name, pem: decoded(text(caBundle)) })),
    { where: `ConfigMap ${namespace}/dapr-trust-bundle`, pem: text(record(bundle?.data)['ca.crt']) },
  ].flatMap(({ where, pem }) => {
    const end = endOf(pem);
    return end && end < now ? [{ where, end }] : [];
  });
  const [first] = ended;
  if (!first) return undefined;
  return {
    failure: 'F139',
    observed: `the certificate in ${first.where} ended at ${clockOf(first.end)}`,
    expected: 'one that is valid',
    fix: {
      say: 'Renew the certificates of Dapr (docs.dapr.io, "Setup & configure mTLS certificates"), restart its programs, then the pods.',
      run: `kubectl rollout restart deployment --namespace ${namespace}`,
    },
  };
}

const decoded = (base64: string | undefined): string | undefined =>
  base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString();

/** The end of the first certificate of a PEM; undefined where there is none. */
function endOf(pem: string | undefined): Date | undefined {
  try {
    return pem ? new Date(new X509Certificate(pem).validTo) : undefined;
  } catch {
    return undefined;
  }
}

/** The chart's own name stands where its namespace belongs: what needs a conversion of Subscriptions fails. */
export async function conversionWrong({ kubernetes }: World): Promise<Wrong | undefined> {
  const definition = await orHidden(kubernetes.get(SUBSCRIPTIONS));
  const { webhook } = record(record(definition?.spec).conversion);
  const { name, namespace } = record(record(record(webhook).clientConfig).service);
  if (namespace !== 'replaceme') return undefined;
  return {
    failure: 'F140',
    observed: `the conversion of ${SUBSCRIPTIONS.name} goes to ${text(name) ?? 'dapr-webhook'}.replaceme.svc`,
    expected: 'the namespace of Dapr',
    fix: { say: 'Install Dapr again: its operator writes its namespace there at its start, and needs the right to.' },
    path: 'spec.conversion.webhook.clientConfig.service.namespace',
  };
}
