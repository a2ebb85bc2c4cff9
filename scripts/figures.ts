/** `docs/figures.md`: each script that measures writes its own section of it, from one run on one machine. */
import { readFileSync, writeFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';

const FILE = join(import.meta.dirname, '../docs/figures.md');
const HEAD = `# Figures

What the program promises about speed and endurance, as measured. Every section is written by a script, from one run.
`;

/** Replaces the section of this name, or adds it at the end; what other scripts wrote stays. */
export function writeSection(name: string, markdown: string): void {
  const [begins, ends] = [`<!-- figures:${name} -->`, `<!-- /figures:${name} -->`];
  const section = `${begins}\n${markdown.trim()}\n${ends}`;
  const text = read();
  const from = text.indexOf(begins);
  const to = text.indexOf(ends, from);
  const whole =
    from < 0 || to < 0
      ? `${text.trimEnd()}\n\n${section}\n`
      : text.slice(0, from) + section + text.slice(to + ends.length);
  writeFileSync(FILE, whole);
}

function read(): string {
  try {
    return readFileSync(FILE, 'utf8');
  } catch {
    return HEAD;
  }
}

/** What the figures of a section were measured on. */
export function machine(): string {
  const all = cpus();
  const gibibytes = (totalmem() / 2 ** 30).toFixed(0);
  const processor = all[0]?.model.trim() || 'processor of unknown model';
  return `${processor}, ${availableParallelism()} of ${all.length} cores, ${gibibytes} GiB of memory, ${system()}, Node ${process.version}`;
}

/** Linux distributions name themselves in a file; elsewhere the platform must do. */
function system(): string {
  try {
    const name = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];
    return `${name ?? process.platform} ${arch()}`;
  } catch {
    return `${process.platform} ${arch()}`;
  }
}
