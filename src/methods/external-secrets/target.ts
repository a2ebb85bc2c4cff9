import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { World } from '../../world.ts';
import type { Wrong } from '../wiring/finding.ts';
import { orHidden } from '../wiring/live.ts';
import { list, record, text, texts } from '../wiring/shape.ts';
import { externalSecrets } from './look.ts';
import type { ExternalSecret } from './model.ts';
import { targetWrong } from './rules.ts';

/** The Kubernetes Secret that an ExternalSecret writes; `hidden` where one may not look. Only names are read of it. */
export async function targetOf(
  { kubernetes }: World,
  { namespace = '', target }: ExternalSecret,
): Promise<KubernetesObject | 'hidden' | undefined> {
  const read = kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace, name: target });
  const found = await orHidden(read.then((each) => each ?? null));
  return found === undefined ? 'hidden' : (found ?? undefined);
}

/** Who else writes the Secret of an ExternalSecret. */
export async function ownersWrong(world: World, external: ExternalSecret): Promise<readonly Wrong[]> {
  const [secret, all] = await Promise.all([
    targetOf(world, external),
    externalSecrets(world, external.namespace ?? ''),
  ]);
  const found = secret === 'hidden' ? undefined : secret;
  const controller = list(found?.metadata.ownerReferences)
    .map(record)
    .find((owner) => owner.controller === true);
  const owner = controller?.kind === 'ExternalSecret' ? text(controller.name) : undefined;
  // Which of two has it cannot be told where the Secret may not be looked at; whose condition is well has it.
  const rival = secret === 'hidden' ? undefined : targetWrong(external, all, owner);
  if (rival) return [rival];
  if (!found || external.creationPolicy !== 'Owner') return [];
  const other = controller && !owner ? `${controller.kind} ${controller.name}` : keeperOf(found, external);
  if (other === undefined) return [];
  return [
    {
      failure: 'F155',
      observed: `the Secret ${external.target} is kept by ${other}`,
      expected: 'a name of its own, or creationPolicy: Merge',
      fix: {
        say: `Give the ExternalSecret another target.name; where it shall add its keys to that Secret, creationPolicy: Merge.`,
      },
      path: 'spec.target.name',
    },
  ];
}

/** What the labels of a Secret say of who keeps it. The operator copies those of the ExternalSecret, which say nothing. */
function keeperOf(secret: KubernetesObject, { object, name }: ExternalSecret): string | undefined {
  const own = { ...texts(object.metadata.labels), ...texts(object.metadata.annotations) };
  const said = { ...texts(secret.metadata.labels), ...texts(secret.metadata.annotations) };
  const isSaid = (key: string): boolean => said[key] !== undefined && said[key] !== own[key];
  if (isSaid('secrets-store.csi.k8s.io/managed')) return 'the Secrets Store CSI driver';
  const release = 'meta.helm.sh/release-name';
  if (isSaid(release)) return `the Helm release ${said[release]}`;
  if (isSaid('argocd.argoproj.io/tracking-id')) return 'Argo CD';
  return overwriterOf(secret, name);
}

/** Somebody else who sets values of it, and did so after the operator. */
function overwriterOf({ metadata }: KubernetesObject, name: string): string | undefined {
  const writers = (metadata.managedFields ?? []).flatMap(({ manager, fieldsV1, time, subresource }) => {
    const keys = Object.keys(record(record(fieldsV1)['f:data'])).filter((key) => key !== '.');
    return keys.length > 0 && !subresource ? [{ manager, at: Date.parse(time ?? '') || 0 }] : [];
  });
  const operator = writers.find(({ manager }) => manager === `externalsecrets.external-secrets.io/${name}`);
  const isOthers = ({ manager, at }: (typeof writers)[number]): boolean =>
    !manager.startsWith('externalsecrets.external-secrets.io/') && operator !== undefined && at > operator.at;
  return writers.find(isOthers)?.manager;
}
