import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { platform } from 'node:os';
import { delimiter, join } from 'node:path';

/** The file that `helm` means with this PATH; nothing where there is none. Looked for and not started. */
export async function programIn(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const windows = platform() === 'win32';
  const endings = windows ? (env.PATHEXT ?? '.EXE;.CMD;.BAT').split(';') : [''];
  // Windows takes the name of the variable in any case.
  const path = Object.entries(env).find(([name]) => (windows ? name.toUpperCase() : name) === 'PATH')?.[1] ?? '';
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    for (const ending of endings) {
      const file = join(folder, `helm${ending}`);
      if (await isProgram(file)) return file;
    }
  }
  return undefined;
}

async function isProgram(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
