import { appendFileSync, readFileSync } from 'node:fs';
import { TOKEN_PATH } from '../admission/service-account.ts';
import { hasEndpoints } from '../admission/webhooks.ts';
import type { Cluster } from '../cluster.ts';
import type { Container, Pod } from '../model.ts';
import { pathsOf } from '../pod-folder.ts';
import type { Running } from '../runner.ts';
import { answer, type Runtime } from './api.ts';
import { componentsFor, failure, InitError, initialize, type Loaded } from './components.ts';
import { policyOf } from './configuration.ts';
import type { Surroundings } from './credentials.ts';
import type { Door } from './door.ts';
import { DAPRD } from './injector.ts';
import type { SecretStore } from './key-vault.ts';
import { OPERATOR_SERVICE, SENTRY_SERVICE } from './release.ts';
import { rootEnds } from './trust.ts';

interface Process {
  readonly cluster: Cluster;
  readonly pod: Pod;
  readonly container: Container;
  /** The container's, resolved. */
  readonly env: Readonly<Record<string, string>>;
  /** The pod's folder. */
  readonly folder: string;
  readonly door: Door;
  /** File of the container's log. */
  readonly log: string;
}

/** Whether the container is the sidecar, which runs here in this process. */
export const isDaprd = ({ name, command, args }: Container): boolean =>
  name === DAPRD && (command?.[0] ?? args?.[0]) === '/daprd';

/**
 * The runtime of Dapr beside an app (https://github.com/dapr/dapr, pkg/runtime): loads what is there at its start, and
 * serves it until it is killed. What cannot be loaded ends it with code 1.
 */
export function startDaprd(process: Process): Running {
  const { cluster, door } = process;
  const args = [...(process.container.command ?? []), ...(process.container.args ?? [])];
  const flag = (name: string): string | undefined => {
    const index = args.indexOf(name);
    return index < 0 ? undefined : args[index + 1];
  };
  const appId = flag('--app-id') ?? '';
  const version = process.container.image?.split(':').at(-1) ?? '';
  const time = () => cluster.parts.clock.now().toISOString();
  const say = (level: string, message: string) => {
    const at = `app_id=${appId} instance=${process.pod.metadata.name} scope=dapr.runtime type=log ver=${version}`;
    const line = `time="${time()}" level=${level} msg=${JSON.stringify(message)} ${at}\n`;
    appendFileSync(process.log, line, { mode: 0o600 });
  };
  const over = Promise.withResolvers<{ code: number; output: string }>();

  say('info', `Starting Dapr Runtime -- version ${version} -- commit sandbox`);
  say('info', `Log level set to: ${flag('--log-level') ?? 'info'}`);
  const appPort = flag('--app-port');
  const shutdown = () => {
    say('info', 'Received signal from shutdown API; beginning shutdown');
    // The answer goes out first.
    setImmediate(() => {
      door.serve(undefined);
      over.resolve({ code: 0, output: '' });
    });
  };
  try {
    const components = load(process, flag, args, appId, say);
    const allowed = policyOf(cluster, process.pod.metadata.namespace ?? '', flag('--config'));
    const runtime: Runtime = { appId, version, components, allowed, ready: appPort === undefined, shutdown };
    door.serve((method, url) => answer(runtime, method, url));
    say('info', `HTTP server is running on port ${flag('--dapr-http-port')}`);
    if (appPort === undefined) say('info', 'dapr initialized. Status: Running.');
    else {
      // Here nobody can tell which pod a port of this machine belongs to.
      say(
        'info',
        `application protocol: http. waiting on port ${appPort}.  This will block until the app is listening on that port.`,
      );
      say('warning', `sandbox: ports of applications are not looked at, so the wait for port ${appPort} has no end`);
    }
  } catch (error) {
    if (!(error instanceof InitError)) throw error;
    say('fatal', `Fatal error from runtime: ${error.message}`);
    over.resolve({ code: 1, output: '' });
  }
  return {
    heard: Promise.resolve(),
    ended: over.promise,
    healthy: () => appPort === undefined,
    kill() {
      door.serve(undefined);
      over.resolve({ code: 137, output: '' });
    },
  };
}

type Say = (level: string, message: string) => void;

/** All that this sidecar may use. Throws InitError for what keeps it from starting. */
function load(
  process: Process,
  flag: (name: string) => string | undefined,
  args: readonly string[],
  appId: string,
  say: Say,
): Loaded[] {
  const { cluster, pod } = process;
  const namespace = pod.metadata.namespace ?? '';
  const unreachable = (service: string, address: string | undefined) => {
    const place = address?.split('.')[1] ?? '';
    if (hasEndpoints(cluster.store, place, service)) return undefined;
    return `rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp: ${address}: connect: connection refused"`;
  };
  const sentry = unreachable(SENTRY_SERVICE, flag('--sentry-address'));
  if (sentry) {
    throw new InitError(
      `failed to retrieve the initial identity certificate: error from sentry SignCertificate: ${sentry}`,
    );
  }
  const ends = rootEnds(cluster.store, flag('--sentry-address')?.split('.')[1] ?? '');
  const now = cluster.parts.clock.now();
  if (ends && ends < now) {
    const time = (date: Date) => date.toISOString().replace(/\.\d+Z$/, 'Z');
    throw new InitError(
      `failed to retrieve the initial identity certificate: error from sentry SignCertificate: rpc error: code = Unavailable desc = connection error: desc = "transport: authentication handshake failed: x509: certificate has expired or is not yet valid: current time ${time(now)} is after ${time(ends)}"`,
    );
  }
  const operator = unreachable(OPERATOR_SERVICE, flag('--control-plane-address'));
  if (operator) throw new InitError(`failed to load components: ${operator}`);

  const loaded: Loaded[] = [];
  if (!args.includes('--disable-builtin-k8s-secret-store')) loaded.push(builtIn(process));
  const { toHost } = pathsOf(process.folder, process.container);
  const at: Surroundings = {
    parts: cluster.parts,
    metadataRestricted: cluster.arm().metadataRestricted,
    env: process.env,
    read(path) {
      try {
        return readFileSync(toHost(path), 'utf8');
      } catch {
        return undefined;
      }
    },
  };
  for (const component of componentsFor(cluster, namespace, appId)) {
    const { name } = component.metadata;
    const { type, version, ignoreErrors } = component.spec;
    try {
      loaded.push(initialize(cluster, component, at));
      say('info', `Component loaded: ${name} (${type}/${version})`);
    } catch (error) {
      if (!(error instanceof InitError)) throw error;
      say('error', `Failed to init component ${name} (${type}/${version}): ${error.message}`);
      const why = `process component ${name} error: ${error.message}`;
      if (!ignoreErrors) throw new InitError(why);
      say('error', `Ignoring error processing component: ${why}`);
    }
  }
  return loaded;
}

const BUILT_IN = { name: 'kubernetes', type: 'secretstores.kubernetes', version: 'v1' } as const;

/** The store that every sidecar has unless told otherwise. It cannot even start where the pod has no API token. */
function builtIn({ container, pod }: Process): Loaded {
  if (!(container.volumeMounts ?? []).some(({ mountPath }) => mountPath === TOKEN_PATH)) {
    const why = failure(
      `${BUILT_IN.name} (${BUILT_IN.type}/${BUILT_IN.version})`,
      'stat /home/nonroot/.kube/config: no such file or directory',
    );
    throw new InitError(`process component ${BUILT_IN.name} error: ${why.message}`);
  }
  const { namespace } = pod.metadata;
  const user = `system:serviceaccount:${namespace}:${pod.spec.serviceAccountName ?? 'default'}`;
  const refused = (what: string, verb: string) =>
    Promise.reject(
      new Error(
        `${what} is forbidden: User "${user}" cannot ${verb} resource "secrets" in API group "" in the namespace "${namespace}"`,
      ),
    );
  // No service account may do anything here, since roles are not evaluated.
  const store: SecretStore = {
    get: (name) => refused(`secrets "${name}"`, 'get'),
    bulk: () => refused('secrets', 'list'),
  };
  return { ...BUILT_IN, store };
}
