import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Story } from '../stories/harness.ts';
import { az } from './stand-ins/az.ts';
import { curl } from './stand-ins/curl.ts';
import { kubectl } from './stand-ins/kubectl.ts';
import { Ended, type Stage, stageOf } from './stand-ins/stage.ts';

export interface BashRan {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Each program that was started, with its words. */
  readonly calls: readonly (readonly string[])[];
}

type Program = (words: readonly string[], stage: Stage) => Promise<string>;

const PROGRAMS: Readonly<Record<string, Program>> = {
  az,
  kubectl,
  curl,
  // Between two looks: simulated time passes, and nobody waits.
  sleep: async ([seconds], { sandbox }) => {
    await sandbox.surroundings.clock.sleep(Number(seconds) * 1000);
    return '';
  },
};

/** A program on the PATH that hands its words, and what it reads, to this process: starting a Node for each takes long. */
const launcher = (name: string, port: number): string => `#!/usr/bin/env bash
export LC_ALL=C
stdin=
case " $* " in
  *' /dev/stdin '* | *' --filename - '* | *'@- '*) IFS= read -r -d '' stdin ;;
esac
exec 3<>/dev/tcp/127.0.0.1/${port}
printf '%s\\0' "$(($# + 4))" ${name} "$stdin" "\${KUBECONFIG-}" "$#" "$@" >&3
IFS=' ' read -r code length <&3
head -c "$length" <&3
cat <&3 >&2
exit "$code"
`;

/** Runs a script by bash in the world of a story, with stand-ins for az, kubectl and curl on its PATH. */
export async function bash(
  story: Story,
  script: string,
  more: { env?: NodeJS.ProcessEnv; stdin?: string } = {},
): Promise<BashRan> {
  const { sandbox, folder } = story;
  const calls: string[][] = [];
  const server = await serve(async ([name = '', stdin = '', kubeconfig = '', , ...words]) => {
    calls.push([name, ...words]);
    return PROGRAMS[name]!(words, stageOf(sandbox, { cwd: folder, stdin, kubeconfig }));
  });
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  const { port } = server.address() as AddressInfo;
  for (const name of Object.keys(PROGRAMS)) writeFileSync(join(bin, name), launcher(name, port), { mode: 0o755 });
  const path = join(folder, 'script.sh');
  writeFileSync(path, script);
  const { PATH, HOME } = sandbox.surroundings.env;
  const env = { HOME, ...more.env, PATH: [bin, PATH].join(delimiter) };
  try {
    return await new Promise<BashRan>((done) => {
      const child = execFile('bash', [path], { env, cwd: folder }, (error, out, err) =>
        done({ code: error ? Number(error.code ?? 1) : 0, out, err, calls }),
      );
      child.stdin?.end(more.stdin ?? '');
    });
  } finally {
    server.close();
  }
}

/** Answers each call with its exit code, what it prints, and what it says to standard error. */
async function serve(run: (fields: readonly string[]) => Promise<string>): Promise<Server> {
  const server = createServer((socket) => {
    let received = '';
    let started = false;
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      received += chunk;
      const fields = received.split('\0').slice(0, -1);
      if (started || fields.length === 0 || fields.length <= Number(fields[0])) return;
      started = true;
      run(fields.slice(1)).then(
        (out) => socket.end(`0 ${Buffer.byteLength(out)}\n${out}`),
        (error: Error) => socket.end(`${error instanceof Ended ? error.code : 2} 0\n${error.message}\n`),
      );
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return server;
}
