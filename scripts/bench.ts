/**
 * Measures what the program promises about speed: as ratios and counts, each from one run on one machine.
 *
 *     npm run bench                       (all of it; some minutes)
 *     npm run bench -- start-up waves     (these parts)
 *
 * Writes each part into docs/figures.md. Ends with 1 when a target is missed.
 */
import { sideBySide } from './bench/guides.ts';
import { manyWorkloads } from './bench/many.ts';
import { packageSize } from './bench/package.ts';
import type { Section } from './bench/section.ts';
import { startUp } from './bench/start-up.ts';
import { requestsAndWaves } from './bench/waves.ts';
import { machine, writeSection } from './figures.ts';

const PARTS: Readonly<Record<string, () => Promise<Section>>> = {
  'start-up': startUp,
  package: packageSize,
  waves: requestsAndWaves,
  many: manyWorkloads,
  guides: sideBySide,
};

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) throw new Error(`no part ${unknown.join(', ')}: there are ${Object.keys(PARTS).join(', ')}`);

const missed: string[] = [];
for (const [name, measure] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const section = await measure();
  const markdown = `${section.markdown}\n\nMeasured on ${machine()}.`;
  writeSection(section.name, markdown);
  console.log(`${markdown}\n`);
  missed.push(...section.missed);
}
for (const sentence of missed) console.error(`MISSED ${sentence}`);
process.exitCode = missed.length > 0 ? 1 : 0;
