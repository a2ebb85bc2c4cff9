import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { binary, folderOf, programNamed } from '../build/programs.ts';
import { type Lab, split } from './lab.ts';
import { type Ended, run } from './processes.ts';

/** The Azure CLI, signed in as the pipeline, with a configuration of its own. */
export interface Az {
  /** Of every process that it is called in: where it finds itself, kubectl and the lab's authority. */
  readonly env: NodeJS.ProcessEnv;
  /** Runs `az` with these words to its end. What stands in single quotes is one word. */
  run(words: string): Promise<Ended>;
  /** What it answers as JSON. Throws with what it says where it fails. */
  get<T>(words: string): Promise<T>;
}

const clients = new WeakMap<Lab, Promise<Az>>();

/** Signed in once for a lab. */
export function theAz(lab: Lab): Promise<Az> {
  const known = clients.get(lab) ?? signIn(lab);
  clients.set(lab, known);
  return known;
}

async function signIn(lab: Lab): Promise<Az> {
  const home = join(lab.folder, 'az');
  const env = {
    PATH: [dirname(binary('az')), dirname(binary('kubectl')), '/usr/bin', '/bin'].join(':'),
    ...{ HOME: home, AZURE_CONFIG_DIR: home, LANG: 'C.UTF-8', AZURE_CORE_NO_COLOR: 'true' },
    ...{ AZURE_CORE_COLLECT_TELEMETRY: 'no', AZURE_EXTENSION_USE_DYNAMIC_INSTALL: 'no' },
    // Of az, and of curl in a script that is exported.
    ...{ REQUESTS_CA_BUNDLE: lab.ca, CURL_CA_BUNDLE: lab.ca },
  };
  const az: Az = {
    env,
    run: (words) => run(binary('az'), split(words), { env }),
    async get(words) {
      const { code, out, err } = await az.run(`${words} --output json`);
      if (code !== 0) throw new Error(`az ${words} ended with ${code}: ${err}`);
      return JSON.parse(out || 'null');
    },
  };
  const { clientId, tokenFile } = lab.deployer;
  const tenant = lab.sandbox.parts.state.tenantId;
  const assertion = readFileSync(tokenFile, 'utf8');
  await az.get(`login --service-principal -u ${clientId} -t ${tenant} --federated-token ${assertion}`);
  return az;
}

/** What the parser of the Azure CLI says of each line; nothing is sent. `undefined`: it takes it. */
export async function parsedByAz(
  folder: string,
  lines: readonly (readonly string[])[],
): Promise<(string | undefined)[]> {
  const python = join(folderOf(programNamed('az')), 'python/bin/python');
  const { code, out, err } = await run(python, [join(import.meta.dirname, 'az-parse.py')], {
    env: {
      ...{ HOME: folder, AZURE_CONFIG_DIR: join(folder, 'az-parser'), LANG: 'C.UTF-8' },
      ...{ AZURE_CORE_COLLECT_TELEMETRY: 'no', AZURE_EXTENSION_USE_DYNAMIC_INSTALL: 'no' },
    },
    stdin: JSON.stringify(lines),
  });
  if (code !== 0) throw new Error(err);
  const verdicts = JSON.parse(out) as readonly { readonly code: number; readonly said?: string }[];
  return verdicts.map((one) => (one.code === 0 ? undefined : (one.said ?? '').trim().split('\n')[0]));
}
