import { vi } from 'vitest';

// A worker loads the SDKs once, and our own modules anew for each file: what one has made known the next does not know.
vi.resetModules();
