export type { Faults } from './faults.ts';
export { guard, OutsideRefused } from './guard.ts';
export type { KubernetesPart } from './kubernetes/index.ts';
export type { Log, LogEntry } from './log.ts';
export { openSandbox } from './open.ts';
export type { ArmCluster, Parts, Settings } from './parts.ts';
export type { Sandbox, SandboxOptions } from './sandbox.ts';
export type { SandboxSurroundings } from './surroundings.ts';
export type { Existing } from './world/demo.ts';
