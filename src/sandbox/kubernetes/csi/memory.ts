import type { Container } from '../model.ts';

/** What the programs of driver and provider take with nothing to do, roughly as they are seen in real clusters. */
const WORKING_SET = 25 * 2 ** 20;
const IMAGES = /secrets-store\/(driver|provider-azure):/;
const UNITS: Readonly<Record<string, number>> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, k: 1e3, M: 1e6, G: 1e9 };

/** Whether the kernel kills the container, which is one of the driver's or the provider's, for its memory limit. */
export function outOfMemory({ image = '', resources }: Container): boolean {
  const { limits } = (resources ?? {}) as { limits?: { memory?: string } };
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(\w*)$/.exec(limits?.memory ?? '') ?? [];
  return amount !== undefined && IMAGES.test(image) && Number(amount) * (UNITS[unit] ?? 1) < WORKING_SET;
}
