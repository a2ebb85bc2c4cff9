/**
 * Builds every real program of the lab that is not in the cache yet, one after the other: a linker alone takes gigabytes.
 * What fails is told, and the others are built all the same. Ends with 1 when one of them is not there. Names of
 * programs after it build just these.
 */
import { build } from './build.ts';
import { isBuilt, PROGRAMS, programNamed } from './programs.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1));

const named = process.argv.slice(2).map(programNamed);
for (const program of named.length > 0 ? named : PROGRAMS) {
  const title = `${program.name} ${program.version}`;
  if (isBuilt(program)) {
    say(`${title}: already there`);
    continue;
  }
  try {
    const { seconds } = await build(program, (line) => say(`${title}: ${line}`));
    say(`${title}: built in ${seconds} s`);
  } catch (error) {
    say(`${title}: not built\n  ${(error as Error).message.replaceAll('\n', '\n  ')}`);
    process.exitCode = 1;
  }
}
