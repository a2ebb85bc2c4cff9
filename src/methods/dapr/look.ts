import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { isOurObject } from '../../ownership.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope, Shared } from '../method.ts';
import { type Carrier, called } from '../wiring/carrier.ts';
import { ahead, type Crew, crewAhead, crewOf, orHidden, writtenIn } from '../wiring/live.ts';
import { narrowed } from '../wiring/pods.ts';
import { API, appIdOf, CONFIG, type Component, componentOf, isMeant, vaultOf } from './model.ts';

/** Whose sidecars are looked at. */
export interface Question {
  readonly workload: Workload;
  readonly shared: Shared;
  readonly scope: Scope;
}

const COMPONENT = { apiVersion: API, kind: 'Component' } as const;

/** Starts the reads of the objects and of the pods. */
export function lookAhead(world: World, { workload, scope }: Question): void {
  crewAhead(world, workload, scope);
  ahead([world.kubernetes.list(COMPONENT, workload.namespace)]);
}

/**
 * The pods that are to have a sidecar. Others may share the service account and want none, unless nobody but our sample is
 * left who does.
 */
export async function daprCrew(world: World, { workload, scope }: Question): Promise<Crew> {
  const crew = await crewOf(world, workload, scope);
  const meant = writtenIn(crew).filter(isMeant);
  const isTold = scope.pod || scope.selector || meant.every(({ object }) => isOurObject(object));
  return isTold ? crew : narrowed(crew, (carrier) => isMeant(carrier));
}

/** Ids by which the applications are known, of the templates and of lone pods. */
export const appIdsIn = (crew: Crew): readonly string[] => [
  ...new Set(writtenIn(crew).flatMap((carrier) => appIdOf(carrier) ?? [])),
];

export const isLoadedBy = ({ scopes }: Component, appId: string): boolean =>
  scopes.length === 0 || scopes.includes(appId);

const componentsIn = async (world: World, namespace: string | undefined): Promise<readonly Component[]> =>
  (await world.kubernetes.list(COMPONENT, namespace)).flatMap((object) => componentOf(object) ?? []);

/** The components that are the workload's store, whatever their names: those of its vault, else those meant for it. */
export async function storesOf(world: World, question: Question): Promise<readonly Component[]> {
  const { workload } = question;
  const all = await componentsIn(world, workload.namespace);
  const ofVault = all.filter((one) => vaultOf(one).toLowerCase() === workload.vault.name.toLowerCase());
  if (ofVault.length > 0) return ofVault;
  const ids = appIdsIn(await daprCrew(world, question));
  return all.filter(({ name, scopes }) => name === workload.name || scopes.some((id) => ids.includes(id)));
}

/** Stores of the vault in other namespaces, where they can be seen. */
export async function storesElsewhere(world: World, { workload }: Question): Promise<readonly Component[]> {
  const all = (await orHidden(componentsIn(world, undefined))) ?? [];
  return all.filter((one) => vaultOf(one).toLowerCase() === workload.vault.name.toLowerCase());
}

/** The Configurations that the pods name, each with who names it. */
export async function configurationsOf(
  { kubernetes }: World,
  { workload }: Question,
  crew: Crew,
): Promise<readonly { readonly name: string; readonly by: Carrier; readonly object: KubernetesObject | undefined }[]> {
  const named = new Map(
    writtenIn(crew).flatMap((by) => (by.annotations[CONFIG] ? [[by.annotations[CONFIG], by] as const] : [])),
  );
  return Promise.all(
    [...named].map(async ([name, by]) => {
      const object = await kubernetes.get({
        apiVersion: API,
        kind: 'Configuration',
        namespace: workload.namespace,
        name,
      });
      return { name, by, object };
    }),
  );
}

export const calledComponent = ({ object }: Component): string => called(object);
