import type { Api } from './api.ts';
import type { Image } from './images.ts';
import type { Container, Pod } from './model.ts';

/** What all parts of the agent know of their node. */
export interface Node {
  readonly name: string;
  readonly ip: string;
  /** The API server as the node itself is let in: the Node authorizer and NodeRestriction judge it. */
  readonly api: Api;
  /** Host of the API server as pods are told it: AKS gives the cluster's fqdn. */
  readonly apiHost: string;
  /** Where a path of the node lies on this machine. */
  host(path: string): string;
  /** Folder of all containers' logs, on this machine: it outlives the node. */
  readonly logs: string;
  /** An empty folder, on which each container mounts a root of its own where only itself sees it. */
  readonly root: string;
  /** What stands for an image; undefined for one that the node does not have. */
  imageOf(container: Container): Image | undefined;
  /** Sockets of CSI drivers by name, as paths of the node: those that are registered now. */
  readonly drivers: ReadonlyMap<string, string>;
  /** A token of the pod's account, as the kubelet holds it: asked again at four fifths of its life. */
  token(pod: Pod, audience: string | undefined, seconds: number | undefined): Promise<Token>;
  /** A pod's address: on the node's own network, which all pods share. */
  addressOf(pod: Pod): string;
  record(pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Into the agent's own log: what should not happen. */
  complain(text: string): void;
  /** The pod has ended, and all of it was taken away. */
  forget(pod: Pod): Promise<void>;
}

export interface Token {
  readonly token: string;
  readonly expirationTimestamp: string;
}

/** A volume that is not there yet, with the kubelet's words behind `MountVolume.SetUp failed for volume "…" : `. */
export class MountError extends Error {}

export const KUBELET = '/var/lib/kubelet';
export const podPath = ({ metadata }: Pod): string => `${KUBELET}/pods/${metadata.uid}`;
export const nameOf = ({ metadata }: Pod): string => `${metadata.namespace}/${metadata.name}`;
