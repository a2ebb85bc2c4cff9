import { vi } from 'vitest';
import { LONG } from '../stories/exhaustive.ts';

// For the whole file that imports this; only in files that have a process of their own.
vi.setConfig({ testTimeout: LONG });
