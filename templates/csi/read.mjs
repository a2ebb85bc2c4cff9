// Reads the secrets as the CSI driver delivers them, as files, and prints name and byte count. Never a value.
// SECRETS: file names, comma-separated. SECRETS_FOLDER: where the volume is mounted. READY_FILE: written once all is read; without one the script ends then.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const { SECRETS = '', SECRETS_FOLDER = '', READY_FILE = '' } = process.env;
if (process.argv.includes('--ready')) process.exit(existsSync(READY_FILE) ? 0 : 1);

let failed = false;
for (const name of SECRETS.split(',').filter(Boolean)) {
  try {
    const file = await readFile(join(SECRETS_FOLDER, name));
    console.log(`read ${name} ${file.length} bytes`);
  } catch (error) {
    failed = true;
    console.log(`failed ${name} ${error.code}`);
  }
}
if (failed) process.exit(1);
if (!READY_FILE) process.exit(0);
await writeFile(READY_FILE, '');
process.on('SIGTERM', () => process.exit(0));
setInterval(() => {}, 2 ** 30); // stays, as a server would
