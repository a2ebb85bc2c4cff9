import { vi } from 'vitest';
import { LONG } from '../stories/exhaustive.ts';

// For the whole file that imports this.
vi.setConfig({ testTimeout: LONG });
