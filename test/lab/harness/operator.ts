import { dirname } from 'node:path';
import { CHART } from '../../../src/steps/operator.ts';
import { binary } from '../build/programs.ts';
import { type ChartRepository, serveChart } from './chart-repository.ts';
import type { Lab } from './lab.ts';
import type { Ended } from './processes.ts';
import { hostPods, type PodProgram } from './system-pods.ts';

/** What the External Secrets Operator's chart deploys: three Deployments of one image. */
const OPERATOR: PodProgram = {
  image: /\/external-secrets:/,
  file: binary('external-secrets'),
  name: ([first = '']) =>
    first === 'webhook'
      ? 'external-secrets-webhook'
      : first === 'certcontroller'
        ? 'external-secrets-cert-controller'
        : 'external-secrets',
  args(args, at) {
    switch (args[0]) {
      case 'webhook':
        return [...args, `--cert-dir=${at('/tmp/certs')}`, ...ports(18_081, '--healthz-addr', 18_091)];
      case 'certcontroller':
        return [...args, ...ports(18_082, '--healthz-addr', 18_092)];
      default:
        return [...args, ...ports(18_080, '--live-addr', 18_090), '--loglevel=debug'];
    }
  },
  probe(args) {
    const health = args.findLast((arg) => /^--(healthz|live)-addr=/.test(arg))?.split('=')[1];
    return args[0] === 'webhook' || args[0] === 'certcontroller' ? `http://${health}/readyz` : undefined;
  },
};

/** Of these programs the last of two equal flags counts. */
const ports = (metrics: number, flag: string, health: number): readonly string[] => [
  `--metrics-addr=127.0.0.1:${metrics}`,
  `${flag}=127.0.0.1:${health}`,
];

/** What `aks-secrets` finds on a machine with helm: the program, and a repository that it can trust. */
interface Helm {
  readonly repository: ChartRepository;
  readonly env: Readonly<Record<string, string>>;
}

let helm: Promise<Helm> | undefined;

/** The chart can be installed from here on, and what it deploys runs; installing is left to our step. */
function withHelm(lab: Lab): Promise<Helm> {
  helm ??= begin(lab);
  return helm;
}

async function begin(lab: Lab): Promise<Helm> {
  const repository = await serveChart(lab);
  await hostPods(lab, CHART.namespace, [OPERATOR]);
  const path = [dirname(binary('helm')), dirname(binary('kubectl')), dirname(process.execPath), '/usr/bin', '/bin'];
  return { repository, env: { PATH: path.join(':'), SSL_CERT_FILE: repository.trusted } };
}

/** The workload for which our step installed the operator. */
export const FIRST = {
  namespace: 'eso',
  name: 'orders',
  secret: 'eso-password',
  value: 'the first value',
  wanted:
    '--method external-secrets --vault demo-kv --workload orders --namespace eso --secret eso-password --rotation-interval 5s',
};

/** How it went: on a machine without helm, cut while helm was at work, and left to its end. */
export interface Installed {
  readonly helm: Helm;
  readonly without: Ended;
  readonly cut: Ended;
  readonly whole: Ended;
}

let installed: Promise<Installed> | undefined;

/** The operator is in the cluster, by our step alone; whoever asks first has it installed. */
export function withOperator(lab: Lab): Promise<Installed> {
  installed ??= install(lab);
  return installed;
}

async function install(lab: Lab): Promise<Installed> {
  const helm = await withHelm(lab);
  await lab.sandbox.seed('demo-kv', FIRST.secret, FIRST.value);
  const init = (words: string, env = helm.env) =>
    lab.aksSecrets(`init ${FIRST.wanted} --yes --allow cluster,irreversible,install ${words}`, { env });
  const without = await init('--timeout 30s', {});
  const cut = await init('--timeout 3s');
  const whole = await init('--timeout 3m');
  return { helm, without, cut, whole };
}
