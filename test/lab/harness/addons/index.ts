import type { Addon } from './addon.ts';
import { csi } from './csi.ts';
import { webhook } from './webhook.ts';

/** One file each, beside this one. */
export const ADDONS: readonly Addon[] = [webhook, csi];

export { installDapr } from './dapr.ts';
