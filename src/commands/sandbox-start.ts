import { join } from 'node:path';
import { API_VERSION } from '../api-version.ts';
import { Complaints } from '../complaint.ts';
import { documentText } from '../report/document.ts';
import { type Answers, isOn, itemOf, listOf, textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';
import { sandboxFolder } from './place.ts';
import { openSandboxOf } from './sandbox.ts';

export const command: CommandModule = {
  flags: async () => [
    { flag: 'port', value: 'PORT', group: 'Sandbox', help: 'of 127.0.0.1; default: a free one' },
    { flag: 'latency', value: 'TIME', group: 'Sandbox', help: 'delay of every answer, as 200ms' },
    {
      flag: 'delay',
      value: 'WHAT=TIME',
      list: true,
      group: 'Sandbox',
      help: 'replication=30s until identities and roles have arrived, operation=2m for changes of a cluster',
    },
    { flag: 'throttle', group: 'Sandbox', help: "keep to Azure's published rates" },
  ],
  examples: [
    ['Serve until Ctrl-C; --sandbox of other commands joins it', 'aks-secrets sandbox start'],
    ['Slow, as over a long line', 'aks-secrets sandbox start --latency 200ms --delay replication=60s'],
    ['Then, elsewhere', 'aks-secrets init --sandbox --method csi --yes'],
  ],
  async run(answers, io) {
    const dir = sandboxFolder(io);
    const latency = textOf(answers, 'latency');
    const sandbox = await openSandboxOf(io, {
      join: false,
      realClock: true,
      port: portOf(answers),
      settings: {
        ...(latency !== undefined && { latency: milliseconds(latency, answers.get('latency')!.said) }),
        ...delaysOf(answers),
        ...(isOn(answers, 'throttle') && { throttle: true }),
      },
    });
    try {
      const reached = {
        metadataUrl: sandbox.metadataUrl,
        proxy: `http://127.0.0.1:${sandbox.proxyPort}`,
        caFile: sandbox.caFile,
        kubeconfig: join(dir, 'kubeconfig'),
        folder: dir,
        tenantId: sandbox.place.tenantId,
      };
      if (textOf(answers, 'output') === 'json') {
        io.stdout.write(documentText({ apiVersion: API_VERSION, kind: 'Sandbox', simulated: true, ...reached }));
      } else io.stdout.write(text(reached));
      await new Promise<void>((done) => {
        if (io.signal.aborted) done();
        else io.signal.addEventListener('abort', () => done(), { once: true });
      });
      return 0;
    } finally {
      await sandbox.close();
    }
  },
};

interface Reached {
  readonly metadataUrl: string;
  readonly proxy: string;
  readonly caFile: string;
  readonly kubeconfig: string;
  readonly folder: string;
  readonly tenantId: string;
}

const text = ({
  metadataUrl,
  proxy,
  caFile,
  kubeconfig,
  folder,
  tenantId,
}: Reached): string => `A simulated Azure and cluster, on this machine only. Ctrl-C ends it.
Values given to it lie in its state in clear: use invented ones.

  Metadata URL  ${metadataUrl}
  CA file       ${caFile}
  Proxy         ${proxy}  (production names alone)
  Kubeconfig    ${kubeconfig}
  State         ${folder}

This tool, in this folder:
  aks-secrets init --sandbox --method csi --yes

Others, for one process by its environment, never in a system store:
  KUBECONFIG='${kubeconfig}' kubectl get pods -A
  HTTPS_PROXY='${proxy}' CURL_CA_BUNDLE='${caFile}' curl ...
  HTTPS_PROXY='${proxy}' REQUESTS_CA_BUNDLE='${caFile}' AZURE_CONFIG_DIR='${join(folder, 'azure')}' az ...
az, so pointed, signs in as the identity of a workload:
  az login --service-principal -u CLIENT-ID -t ${tenantId} --federated-token "$(kubectl -n NAMESPACE create token SERVICE-ACCOUNT --audience api://AzureADTokenExchange)"
`;

function portOf(answers: Answers): number | undefined {
  const given = textOf(answers, 'port');
  if (given === undefined) return undefined;
  if (/^\d{1,5}$/.test(given) && Number(given) > 0 && Number(given) < 65_536) return Number(given);
  throw new Complaints([{ message: `${answers.get('port')!.said}: expected a port between 1 and 65535.` }]);
}

/** `--delay replication=30s`, as the sandbox's settings. */
function delaysOf(answers: Answers): { replication?: number; operation?: number } {
  const said = answers.get('delay')?.said ?? '--delay';
  return Object.fromEntries(
    listOf(answers, 'delay').map((text) => {
      const { name, as = '' } = itemOf(text);
      if (name === 'replication' || name === 'operation') return [name, milliseconds(as, said)];
      throw new Complaints([{ message: `${said}: expected replication=TIME or operation=TIME.` }]);
    }),
  );
}

function milliseconds(text: string, said: string): number {
  const [, number, unit] = /^(\d{1,7})(ms|s|m)$/.exec(text) ?? [];
  if (number === undefined) throw new Complaints([{ message: `${said}: expected a time such as 200ms, 30s or 2m.` }]);
  return Number(number) * { ms: 1, s: 1000, m: 60_000 }[unit as 'ms' | 's' | 'm'];
}
