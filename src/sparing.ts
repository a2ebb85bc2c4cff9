import { setFlagsFromString } from 'node:v8';

/**
 * How V8 looks for what has died: sooner. Both are read each time that it decides how far the heap may grow.
 * (`src/heap/heap-controller.cc` and `src/flags/flag-definitions.h` of V8.)
 */
export const SETTINGS = ['--semi-space-growth-factor=1', '--heap-growing-percent=20'] as const;

/** The last major version of Node whose V8 was tried with these settings; what V8 does not know it complains of. */
const KNOWN = 24;

/**
 * For a run over hundreds of workloads, which waits for Azure's rates more than it computes: what lives is under a
 * hundred MiB, but on a large machine V8 would take four hundred before it looks for what has died, to save half a
 * second of processor time.
 */
export function spareMemory(nodeMajor: number): void {
  if (nodeMajor <= KNOWN) for (const setting of SETTINGS) setFlagsFromString(setting);
}
