import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { Check } from '../../step.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { checkOf, type Wrong } from './finding.ts';
import { identityNeeds, otherIdentity } from './identity.ts';
import { CLIENT_ID, TENANT_ID } from './keys.ts';
import { crewOf, KIND, orHidden, writtenIn } from './live.ts';
import { clientIdWrong, expirationWrong, tenantWrong } from './rules.ts';

/** The workload's service account; equal reads are one. */
export const accountOf = ({ kubernetes }: World, { namespace, serviceAccount }: Workload) =>
  kubernetes.get({ ...KIND.ServiceAccount, namespace, name: serviceAccount });

/** That the service account exists: what every method rests on. */
export function accountCheck(workload: Workload): Check {
  const { namespace, serviceAccount } = workload;
  return checkOf(workload, {
    code: 'AKS-SA',
    title: `ServiceAccount ${namespace}/${serviceAccount} exists`,
    category: 'objects',
    after: ['AKS-CLUSTER'],
    async run(world): Promise<readonly Wrong[]> {
      if (await accountOf(world, workload)) return [];
      return [
        {
          failure: 'F033',
          observed: `there is no ServiceAccount ${serviceAccount} in ${namespace}`,
          expected: `${namespace}/${serviceAccount}`,
          fix: {
            say: 'Run init, which makes it with all that it must say; or make it, or correct serviceAccountName.',
            run: `kubectl create serviceaccount ${serviceAccount} --namespace ${namespace}`,
          },
        },
      ];
    },
  });
}

/** What the webhook, and whoever else takes the identity from it, reads on the service account. */
export function annotationChecks(workload: Workload, shared: Shared, scope: Scope): readonly Check[] {
  const { namespace, serviceAccount } = workload;
  const account = `${namespace}/${serviceAccount}`;
  const annotate = (key: string, value: string) =>
    `kubectl annotate serviceaccount ${serviceAccount} --namespace ${namespace} --overwrite ${key}=${value}`;
  const found = async (world: World): Promise<KubernetesObject> => (await accountOf(world, workload))!;

  return [
    checkOf(workload, {
      code: 'AKS-SA-CLIENT-ID',
      title: `ServiceAccount ${account} names ${workload.identity.name}`,
      category: 'objects',
      needs: identityNeeds(workload, shared),
      after: ['AKS-SA'],
      async run(world, known): Promise<readonly Wrong[]> {
        const object = await found(world);
        const value = object.metadata.annotations?.[CLIENT_ID] ?? '';
        const wrong =
          clientIdWrong(object, []) &&
          // Only now is it worth looking where else it may stand.
          clientIdWrong(object, await othersOf(world, workload, scope));
        const other = wrong ?? (await otherIdentity(world, workload, known, value, 'the account'));
        return other ? [{ ...other, fix: fixOf(annotate(CLIENT_ID, known.clientId ?? '')) }] : [];
      },
    }),
    checkOf(workload, {
      code: 'AKS-SA-TENANT',
      title: `ServiceAccount ${account} names the tenant of ${workload.identity.name}, or none`,
      category: 'objects',
      needs: identityNeeds(workload, shared),
      after: ['AKS-SA', 'AKS-SA-CLIENT-ID'],
      async run(world, { tenantId = '' }): Promise<readonly Wrong[]> {
        const wrong = tenantWrong(await found(world), tenantId);
        return wrong ? [{ ...wrong, fix: fixOf(annotate(TENANT_ID, tenantId)) }] : [];
      },
    }),
    checkOf(workload, {
      code: 'AKS-SA-TOKEN-LIFE',
      title: 'the token is asked for a life that it can have',
      category: 'objects',
      after: ['AKS-SA'],
      async run(world): Promise<readonly Wrong[]> {
        const [object, crew] = await Promise.all([found(world), crewOf(world, workload, scope)]);
        const wrong =
          expirationWrong(object.metadata.annotations ?? {}, '') ??
          writtenIn(crew)
            .map(({ annotations, path }) => expirationWrong(annotations, path))
            .find((each) => each !== undefined);
        return wrong ? [wrong] : [];
      },
    }),
  ];
}

const fixOf = (run: string): NonNullable<Wrong['fix']> => ({
  say: 'Correct the annotation and restart the pods, which read it when they are made.',
  run,
});

/** Where an annotation meant for the account may have been put. */
export async function othersOf(world: World, workload: Workload, scope: Scope): Promise<readonly KubernetesObject[]> {
  const [crew, services] = await Promise.all([
    crewOf(world, workload, scope),
    orHidden(world.kubernetes.list(KIND.Service, workload.namespace)),
  ]);
  const carriers = writtenIn(crew).map(({ object }) => object);
  return [...carriers, ...(services ?? [])];
}
