import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { nearest } from '../../nearest.ts';
import type { Known, Needs } from '../../step.ts';
import type { Workload } from '../../workload.ts';
import type { World } from '../../world.ts';
import type { Scope } from '../method.ts';
import { type Carrier, secretsIn } from '../wiring/carrier.ts';
import { isSameId } from '../wiring/identity.ts';
import { type Crew, crewOf, writtenIn } from '../wiring/live.ts';
import { inOneLook } from '../wiring/one-look.ts';
import { isClass, type ProviderClass, readClass } from './provider-class.ts';
import { classesOf, mounts } from './rules.ts';

const CLASS = { apiVersion: 'secrets-store.csi.x-k8s.io/v1', kind: 'SecretProviderClass' } as const;
const STATUS = { apiVersion: 'secrets-store.csi.x-k8s.io/v1', kind: 'SecretProviderClassPodStatus' } as const;

export const classesIn = (world: World, namespace: string) => world.kubernetes.list(CLASS, namespace);
/** What the driver keeps of each pod and class that it mounted. */
export const statusesIn = (world: World, namespace: string) => world.kubernetes.list(STATUS, namespace);

/** What of a workload's namespace this method is about. */
export interface Scene {
  /** Pods that mount, and what makes them. */
  readonly crew: Crew;
  /** Classes that serve the workload: those that its pods mount, else the one that says who it is. */
  readonly classes: readonly ProviderClass[];
  /** Names that volumes ask for and no class has. */
  readonly missing: readonly { readonly name: string; readonly by: Carrier; readonly near?: string }[];
  /** Whether pods mount them, or would. */
  readonly mounted: boolean;
}

/** Pods that read a Secret which the driver writes belong here too: they wait for it. */
const reads =
  (classes: readonly ProviderClass[]) =>
  (carrier: Carrier): boolean => {
    const synced = classes.flatMap((each) => each.synced.map(({ secretName }) => secretName));
    return mounts(carrier) || secretsIn(carrier.spec).some((secret) => synced.includes(secret));
  };

/** Looks at classes and pods; equal looks are one. */
export const sceneOf = (world: World, workload: Workload, scope: Scope, known: Known<Needs> = {}): Promise<Scene> =>
  lookedAt(world, workload, scope, known.clientId ?? '');

const lookedAt = inOneLook(lookAt);

async function lookAt(world: World, workload: Workload, scope: Scope, clientId: string): Promise<Scene> {
  const [all, found] = await Promise.all([crewOf(world, workload, scope), classesIn(world, workload.namespace)]);
  const there = found.map((object: KubernetesObject) => readClass(object)).filter(({ object }) => isClass(object));
  const asked = [...writtenIn(all), ...all.strays].filter(mounts);
  const names = [...new Set(asked.flatMap(classesOf))];
  const classes =
    names.length > 0
      ? meantFor(
          workload,
          there.filter(({ object }) => names.includes(object.metadata.name)),
          clientId,
        )
      : likely(workload, there, clientId);
  const concerns = reads(classes);
  const missing = asked.flatMap((by) =>
    classesOf(by)
      .filter((name) => !there.some(({ object }) => object.metadata.name === name))
      .map((name) => {
        const near = nearest(
          name,
          there.map(({ object }) => object.metadata.name),
        );
        return { name, by, ...(near !== undefined && { near }) };
      }),
  );
  const { members, makers, strays } = all;
  const isMeant = ({ carrier, maker }: Crew['members'][number]) => concerns(maker ?? carrier);
  return {
    crew: { members: members.filter(isMeant), makers: makers.filter(concerns), strays: strays.filter(concerns) },
    classes,
    missing,
    mounted: names.length > 0,
  };
}

/** Of several classes in one pod, those of this workload: another may be of another vault or identity. */
function meantFor({ vault }: Workload, classes: readonly ProviderClass[], clientId: string): readonly ProviderClass[] {
  if (classes.length < 2) return classes;
  const ofVault = classes.filter((each) => isSameId(each.vault, vault.name));
  const ofIdentity = clientId === '' ? [] : classes.filter((each) => isSameId(each.clientId, clientId));
  return ofVault.length > 0 ? ofVault : ofIdentity.length > 0 ? ofIdentity : classes;
}

/** Nobody mounts it yet: the class that bears the workload's name, or else its identity or vault. */
function likely(
  { name, vault }: Workload,
  classes: readonly ProviderClass[],
  clientId: string,
): readonly ProviderClass[] {
  const named = classes.filter(({ object }) => object.metadata.name === name);
  if (named.length > 0) return named;
  const ofIdentity = classes.filter((each) => clientId !== '' && isSameId(each.clientId, clientId));
  return ofIdentity.filter((each) => isSameId(each.vault, vault.name)).length > 0
    ? ofIdentity.filter((each) => isSameId(each.vault, vault.name))
    : ofIdentity;
}

export const nameOf = ({ object }: ProviderClass): string =>
  `SecretProviderClass ${object.metadata.namespace}/${object.metadata.name}`;
