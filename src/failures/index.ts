import type { Problem } from '../trouble.ts';
import { finderFor } from './find.ts';
import { LAYERS, type Row } from './row.ts';
import { AZURE_RESOURCES } from './rows/azure-resources.ts';
import { AZURE_RIGHTS } from './rows/azure-rights.ts';
import { CLUSTER } from './rows/cluster.ts';
import { CSI_CLASS } from './rows/csi-class.ts';
import { CSI_DRIVER } from './rows/csi-driver.ts';
import { CSI_MOUNT } from './rows/csi-mount.ts';
import { DAPR_STORE } from './rows/dapr.ts';
import { DAPR_RUNTIME } from './rows/dapr-runtime.ts';
import { ENTRA_EXCHANGE } from './rows/entra-exchange.ts';
import { ENTRA_SIGN_IN } from './rows/entra-sign-in.ts';
import { ESO_SECRET } from './rows/eso-secret.ts';
import { ESO_STORE } from './rows/eso-store.ts';
import { POD_IMDS } from './rows/pod-imds.ts';
import { POD_WIRING } from './rows/pod-wiring.ts';
import { VAULT_ACCESS } from './rows/vault-access.ts';
import { VAULT_NETWORK } from './rows/vault-network.ts';
import { VAULT_OBJECTS } from './rows/vault-objects.ts';

export { filled, type Names, namesAround } from './fill.ts';
export type { Found } from './find.ts';
export { quote } from './quote.ts';
export { type Clue, LAYERS, type Layer, type Risk, type Row } from './row.ts';

const order = Object.keys(LAYERS);

/** The catalogue, in causal order: what rests on another thing comes after it. */
export const ROWS: readonly Row[] = [
  ...[...AZURE_RIGHTS, ...AZURE_RESOURCES, ...CLUSTER, ...ENTRA_EXCHANGE, ...ENTRA_SIGN_IN],
  ...[...VAULT_NETWORK, ...VAULT_ACCESS, ...VAULT_OBJECTS, ...POD_WIRING, ...POD_IMDS],
  ...[...CSI_DRIVER, ...CSI_CLASS, ...CSI_MOUNT, ...ESO_STORE, ...ESO_SECRET, ...DAPR_RUNTIME, ...DAPR_STORE],
].toSorted((a, b) => order.indexOf(a.layer) - order.indexOf(b.layer));

/** The row of that id. */
export const rowOf = (id: string): Row | undefined => ROWS.find((row) => row.id === id);

/** The page about a failure, from the root of the repository. */
export const docsOf = ({ id }: Row): string => `docs/failures/${id}.md`;

/** `find`: the failures that a pasted text shows, the root cause first. `match`: the row that fits one failed call. */
export const { find, match } = finderFor(ROWS);

/** Cause and fix of a problem, if the catalogue has it. */
export function explain(problem: Problem): Row | undefined {
  const { said, message, resource } = problem;
  return match({ code: said?.code, text: `${resource}\n${message}\n${said?.message ?? ''}` });
}
