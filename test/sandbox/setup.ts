import { afterEach, beforeEach } from 'vitest';
import { closeSandboxes } from './harness.ts';
import { closeWorlds } from './kubernetes-world.ts';
import { beginVault } from './vault-world.ts';

/** Hooks of the helpers: a worker imports those once, and this file for each file of tests. */
beforeEach(beginVault);
afterEach(closeWorlds);
afterEach(closeSandboxes);
