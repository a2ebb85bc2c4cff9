import type { ClusterRecord, IdentityRecord, Json, Slice, VaultRecord } from '../arm/store.ts';
import type { Parts, Settings } from '../parts.ts';
import type { Contents } from '../vault/store.ts';
import type { WorldFaults } from '../world/break.ts';
import type { Place } from '../world/put.ts';
import type { Kubectl, KubeObject } from './kubectl.ts';

/** The ways of delivery, as the program names them. */
export type Method = 'workload-identity' | 'csi' | 'dapr' | 'external-secrets';
export const METHODS: readonly Method[] = ['workload-identity', 'csi', 'dapr', 'external-secrets'];

/** One failure, made in the simulated world in the way in which it arises in a real one. */
export interface Break {
  /** Of the catalogue: `F052`. */
  readonly id: string;
  /** What is broken, one sentence. */
  readonly says: string;
  /** Of workloads by these methods alone. Absent: of any. */
  readonly methods?: readonly Method[];
  /** It stands in the way of `init`: no workload is needed, and none is looked at. */
  readonly meets?: 'init';
  /** How long it has been so once it is broken, milliseconds of simulated time. Absent: `ageFor` the method. */
  readonly age?: number;
  /** Changes the world, never an answer. Throws `CannotBreak` when the world lacks what is needed. */
  broken(world: BreakWorld): void | Promise<void>;
}

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** Longer than anything takes to arrive, and than anything waits before it looks again (an ExternalSecret, an hour). */
export const ageFor = (method: Method | undefined): number =>
  method === 'external-secrets' ? 90 * MINUTE : 30 * MINUTE;

/** What a break has to work with: the state itself, and kubectl in the hand of somebody who may do everything. */
export interface BreakWorld {
  readonly parts: Parts;
  readonly place: Place;
  /** Resource Manager's, past all rights. */
  readonly slice: Slice;
  /** Simulated time, milliseconds. */
  readonly now: () => number;
  /** Of the workload's cluster, or the first one. */
  readonly kubectl: Kubectl;
  /** That of the cluster, for what is Resource Manager's. */
  cluster(): ClusterRecord;
  /** Faults of the world that tests make too. */
  readonly faults: WorldFaults;
  /**
   * Resource Manager through its own routes, as the sandbox's caller; answers the body.
   * @param path with the api-version
   * @throws {CannotBreak} with its own words when it refuses
   */
  azure(method: string, path: string, body?: object): Promise<Json>;
  /** The workload that is to break. Throws `CannotBreak` with what to run first. */
  workload(): Promise<Workload>;
  /** Waits until controllers and pods have done what they can. */
  settled(): Promise<void>;
  /** Lets simulated time go by, and whatever it brings happen. */
  pass(milliseconds: number): Promise<void>;
  /** How the sandbox as a whole behaves from now on, until it is mended. */
  set(settings: Partial<Settings>): void;
}

/** A workload as the world shows it. Each look is anew; what it does is done in the world. */
export interface Workload {
  readonly method: Method;
  readonly namespace: string;
  /** Its ServiceAccount, whose name it usually has. */
  readonly account: string;
  /** As whom its pods sign in. */
  readonly clientId: string;
  /** Its Deployment. Throws `CannotBreak` when nothing runs. */
  deployment(): Promise<KubeObject>;
  pods(): Promise<readonly KubeObject[]>;
  /** The identity for which its pods sign in, by client id. */
  identity(): IdentityRecord;
  /** The vault that it reads. */
  vault(): VaultRecord;
  /** What lies in that vault. */
  contents(): Contents;
  /** Names of the secrets that it reads, at least one. */
  readonly secrets: readonly string[];
  /** Its SecretProviderClass, Component, SecretStore or ExternalSecret. */
  object(kind: 'SecretProviderClass' | 'Component' | 'SecretStore' | 'ExternalSecret'): Promise<KubeObject>;
  /** Deletes its pods: their controller makes new ones from the same template. */
  restart(): Promise<void>;
  /** Deploys it anew with a changed template: the pods before are gone, as after `kubectl replace`. */
  redeploy(change: (template: PodTemplate) => void): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: a pod template, changed anywhere
export type PodTemplate = { metadata: any; spec: any };

/** Why a failure cannot be made in this world now, as a clause; `run` is the line that changes that. */
export class CannotBreak extends Error {
  readonly run: string | undefined;
  constructor(message: string, run?: string) {
    super(message);
    this.name = 'CannotBreak';
    this.run = run;
  }
}
