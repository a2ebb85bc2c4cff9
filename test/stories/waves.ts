import type { LogEntry } from '../../src/sandbox/index.ts';
import type { Settings } from '../../src/sandbox/parts.ts';
import type { Story } from './harness.ts';

/** Milliseconds, real, that every answer takes: far more than the program takes between two of them. */
const LATENCY = 200;

/**
 * The program's requests in waves: those of one wave wait for nothing but an answer of the wave before. Told apart by
 * the time between their answers, so a machine that is very busy may see one too many: then look again.
 */
export async function wavesOf(story: Story, words: string): Promise<readonly (readonly string[])[]> {
  const { log, parts } = story.sandbox;
  const settings = parts.settings as { -readonly [K in keyof Settings]: Settings[K] };
  const waves: string[][] = [];
  let last = Number.NEGATIVE_INFINITY;
  const { add } = log;
  const { latency } = settings;
  settings.latency = LATENCY;
  log.add = (entry: LogEntry) => {
    if (entry.via !== 'inside' && !/sandbox|provider|^node$/i.test(entry.userAgent)) {
      const now = performance.now();
      if (now - last > LATENCY / 2) waves.push([]);
      last = now;
      waves.at(-1)?.push(`${entry.method} ${entry.host}${entry.path}`);
    }
    add(entry);
  };
  try {
    await story.run(words);
  } finally {
    settings.latency = latency;
    log.add = add;
  }
  return waves;
}
