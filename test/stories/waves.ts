import type { Story } from './harness.ts';

/** The program's requests in waves: those of one wave wait for nothing but an answer of the wave before. */
export async function wavesOf(story: Story, words: string): Promise<readonly (readonly string[])[]> {
  const { settings } = story.sandbox;
  settings.waves = true;
  try {
    const { requests } = await story.run(words);
    const waves = Map.groupBy(requests, ({ wave }) => wave);
    return [...waves.values()].map((wave) => wave.map(({ method, host, path }) => `${method} ${host}${path}`));
  } finally {
    settings.waves = false;
  }
}
