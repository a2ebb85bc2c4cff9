/**
 * The real programs that the lab runs: which versions, built how, and where they lie once they are. What is built from
 * is in `test/lab/programs/NAME/`; what was built is in a cache outside the project.
 *
 * Each program has a Go module of its own. Were they tools of one, Go would choose one version of each dependency for
 * all of them, the highest that any asks for, and none would be what its project released.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Built by `go build` out of a module of its own. */
export interface GoProgram {
  readonly from: 'go';
  readonly name: string;
  /** With no `v`. */
  readonly version: string;
  /** The module that is the program. */
  readonly module: string;
  /** Main packages by the name of the binary that is made of each. */
  readonly binaries: Readonly<Record<string, string>>;
  readonly tags?: readonly string[];
  /** Variables of Go packages that its own makefile sets too. */
  readonly set?: Readonly<Record<string, string>>;
  /** A folder of its module from which only these files are built. */
  readonly trimmed?: { readonly folder: string; readonly keeps: readonly string[] };
  /**
   * Files and folders of its module that the lab reads, manifests and charts; they have the same path in the program's
   * folder, and are never in the project.
   */
  readonly files?: readonly string[];
}

/** Installed by pip, with all that it needs, into an environment of its own. */
export interface PythonProgram {
  readonly from: 'python';
  readonly name: string;
  readonly version: string;
  /** The package that is the program. */
  readonly module: string;
  /** Python modules to run by the name of the command that runs each. */
  readonly binaries: Readonly<Record<string, string>>;
}

export type Program = GoProgram | PythonProgram;

const WEBHOOK = 'github.com/Azure/azure-workload-identity';
const KUBERNETES = '1.36.3';
const DRIVER = 'sigs.k8s.io/secrets-store-csi-driver';
const PROVIDER = 'github.com/Azure/secrets-store-csi-driver-provider-azure';
const OPERATOR = 'github.com/external-secrets/external-secrets';
const DAPR = 'github.com/dapr/dapr';

/**
 * What Kubernetes says of its version: else it is `v0.0.0-master+$Format:%H$`, which the webhook, that parses it to
 * learn what the cluster can do, would hold for too old.
 */
const kubernetesVersion = (version: string): Readonly<Record<string, string>> => {
  const [major = '', minor = ''] = version.split('.');
  const variables = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' };
  return Object.fromEntries(
    ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((at) =>
      Object.entries(variables).map(([name, value]) => [`${at}.${name}`, value]),
    ),
  );
};

/** In the order in which they are built: what the most of the lab needs comes first. */
export const PROGRAMS: readonly Program[] = [
  {
    from: 'go',
    name: 'webhook',
    version: '1.6.0',
    module: WEBHOOK,
    binaries: { webhook: `${WEBHOOK}/cmd/webhook` },
    set: {
      [`${WEBHOOK}/pkg/version.BuildVersion`]: 'v1.6.0',
      [`${WEBHOOK}/pkg/webhook.ProxyImageRegistry`]: 'mcr.microsoft.com/oss/azure/workload-identity',
      [`${WEBHOOK}/pkg/webhook.ProxyImageVersion`]: 'v1.6.0',
    },
    files: ['charts/workload-identity-webhook', 'deploy/azure-wi-webhook.yaml'],
  },
  {
    from: 'go',
    name: 'etcd',
    version: '3.6.16',
    module: 'go.etcd.io/etcd/server/v3',
    binaries: { etcd: 'go.etcd.io/etcd/server/v3' },
  },
  {
    from: 'go',
    name: 'kubernetes',
    version: KUBERNETES,
    module: 'k8s.io/kubernetes',
    binaries: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      kubectl: 'k8s.io/kubernetes/cmd/kubectl',
    },
    set: kubernetesVersion(KUBERNETES),
  },
  {
    from: 'go',
    name: 'csi-driver',
    version: '1.6.0',
    module: DRIVER,
    binaries: { 'secrets-store-csi-driver': `${DRIVER}/cmd/secrets-store-csi-driver` },
    set: { [`${DRIVER}/pkg/version.BuildVersion`]: 'v1.6.0' },
    files: ['config/crd/bases', 'deploy', 'charts/secrets-store-csi-driver'],
  },
  {
    from: 'go',
    name: 'csi-provider-azure',
    version: '1.8.2',
    module: PROVIDER,
    binaries: { 'provider-azure': `${PROVIDER}/cmd` },
    set: { [`${PROVIDER}/pkg/version.BuildVersion`]: 'v1.8.2' },
    files: ['charts/csi-secrets-store-provider-azure'],
  },
  {
    from: 'go',
    name: 'operator',
    version: '0.20.4',
    module: OPERATOR,
    binaries: { 'external-secrets': OPERATOR },
    files: ['config/crds/bases', 'deploy/charts/external-secrets'],
  },
  {
    from: 'go',
    name: 'helm',
    version: '4.3.1',
    module: 'helm.sh/helm/v4',
    binaries: { helm: 'helm.sh/helm/v4/cmd/helm' },
    set: { 'helm.sh/helm/v4/internal/version.version': 'v4.3.1' },
  },
  {
    from: 'go',
    name: 'daprd',
    version: '1.18.3',
    module: DAPR,
    binaries: { daprd: `${DAPR}/cmd/daprd` },
    tags: ['stablecomponents'],
    set: { [`${DAPR}/pkg/buildinfo.version`]: '1.18.3', 'github.com/dapr/kit/logger.DaprVersion': '1.18.3' },
    // Each file there is one component with the SDK that it needs, and some of these are not to be had.
    trimmed: {
      folder: 'cmd/daprd/components',
      keeps: [
        'nameresolution_kubernetes.go',
        'nameresolution_mdns.go',
        'secretstores_azure_keyvault.go',
        'secretstores_kubernetes.go',
      ],
    },
    files: ['charts/dapr/crds'],
  },
  {
    from: 'go',
    name: 'second-opinion',
    version: '3.21.0',
    module: 'github.com/coreos/go-oidc/v3',
    binaries: { 'second-opinion': '.' },
  },
  {
    from: 'python',
    name: 'az',
    version: '2.91.0',
    module: 'azure-cli',
    binaries: { az: 'azure.cli' },
  },
];

const sources = join(import.meta.dirname, '../programs');

/** Where all that is built lies: a folder outside the project, that outlives it. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env.AKS_SECRETS_LAB) return env.AKS_SECRETS_LAB;
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'aks-secrets', 'lab');
}

/** What a program is built from: `go.mod` and `go.sum`, or `requirements.txt`. */
export const sourceOf = (program: Program): string => join(sources, program.name);

/** Ten hexadecimal digits of all that makes the program what it is; another byte of it is another folder. */
function fingerprintOf(program: Program): string {
  const hash = createHash('sha256').update(JSON.stringify(program));
  const files = readdirSync(sourceOf(program), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of files.sort()) hash.update('\0').update(readFileSync(file));
  return hash.digest('hex').slice(0, 10);
}

/**
 * The folder of the built program: `bin/` has its binaries, `build.json` what building took, and the files that it
 * brings lie under the paths that they have in their module. It is there whole or not at all.
 */
export const folderOf = (program: Program): string =>
  join(cacheFolder(), `${program.name}-${program.version}-${fingerprintOf(program)}`);

/** The program of that name. Throws where there is none. */
export function programNamed(name: string): Program {
  const found = PROGRAMS.find((program) => program.name === name);
  if (!found) throw new Error(`the lab has no program ${name}: it has ${PROGRAMS.map((one) => one.name).join(', ')}`);
  return found;
}

/** The path of a binary, whichever program it belongs to: `binary('kubectl')`. Throws where no program has it. */
export function binary(name: string): string {
  const program = PROGRAMS.find((one) => Object.hasOwn(one.binaries, name));
  if (!program) throw new Error(`no program of the lab has a binary ${name}`);
  return join(folderOf(program), 'bin', name);
}

/** Whether the program was built, from just what the project has now. */
export const isBuilt = (program: Program): boolean => existsSync(folderOf(program));

/** What must be built yet, in the order in which it is. */
export const missing = (): readonly Program[] => PROGRAMS.filter((program) => !isBuilt(program));
