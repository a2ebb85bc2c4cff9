import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivate } from './files.ts';
import type { State } from './parts.ts';

/** The state that lasts between commands, and the file it lies in. */
export interface StateFile {
  readonly state: State;
  /** It was found, not made now. */
  readonly found: boolean;
  /** Writes it now. */
  save(): void;
  /** Resolves once it is written; those who ask in one turn of the event loop share a write, or longer if it is large. */
  saved(): Promise<void>;
  /** Writes no more: it is closed, or another state has taken its place. */
  retire(): void;
}

export const stateFile = (folder: string) => join(folder, 'state.json');

/** A write that nobody notices, milliseconds. */
const SMALL = 3;

/** Reads the folder's state, or starts from `fresh`. Throws when the file is damaged or of another version. */
export function openState(folder: string, fresh: () => State, anew = false): StateFile {
  const file = stateFile(folder);
  const found = !anew && existsSync(file);
  const state = found ? readState(folder) : fresh();
  let next: Promise<void> | undefined;
  let retired = false;
  /** What the last write took, milliseconds. */
  let took = 0;
  const save = () => {
    if (retired) return;
    const began = performance.now();
    writePrivate(file, JSON.stringify(state));
    took = performance.now() - began;
  };
  /** At once while it is small; later at most half of the time goes into writing. */
  const soon = (write: () => void) => (took < SMALL ? setImmediate(write) : setTimeout(write, took));
  return {
    state,
    found,
    save,
    retire: () => {
      retired = true;
    },
    saved: () => {
      next ??= new Promise((resolve, reject) =>
        soon(() => {
          next = undefined;
          try {
            save();
            resolve();
          } catch (error) {
            reject(error);
          }
        }),
      );
      return next;
    },
  };
}

/** Throws in words for a person when the file cannot be used. */
export function readState(folder: string): State {
  const file = stateFile(folder);
  let state: State;
  try {
    state = JSON.parse(readFileSync(file, 'utf8')) as State;
  } catch (error) {
    throw new Error(`${file} cannot be read: start the sandbox anew (aks-secrets sandbox reset)`, { cause: error });
  }
  if (state.version !== 1) {
    throw new Error(`${file} is of another version: start the sandbox anew (aks-secrets sandbox reset)`);
  }
  return state;
}
