import { beforeInit } from './before-init.ts';
import type { Break } from './break.ts';
import { clusters } from './cluster.ts';
import { extensions } from './extensions.ts';
import { identities } from './identities.ts';
import { inCluster } from './in-cluster.ts';
import { notMadeInAzure } from './not-made.ts';
import { notMadeInCluster } from './not-made-in-cluster.ts';
import { otherSignIns } from './other-sign-ins.ts';
import { vaultNetwork } from './vault-network.ts';
import { vaultObjects } from './vault-objects.ts';
import { vaultRights } from './vault-rights.ts';
import { webhook } from './webhook.ts';
import { wiring } from './wiring.ts';

/** Every failure that the sandbox can make, in the catalogue's order. */
export const breaks: readonly Break[] = [
  ...beforeInit,
  ...extensions,
  ...clusters,
  ...wiring,
  ...webhook,
  ...otherSignIns,
  ...identities,
  ...vaultRights,
  ...vaultNetwork,
  ...vaultObjects,
  ...inCluster,
].sort((a, b) => (a.id < b.id ? -1 : 1));

/** Those that it cannot honestly make, each with the reason as a clause: `the sandbox runs no user code`. */
export const notMade: Readonly<Record<string, string>> = { ...notMadeInAzure, ...notMadeInCluster };

export { type Break, CannotBreak, METHODS, type Method } from './break.ts';
