import { resolve } from 'node:path';
import { addressesOf } from '../azure/addresses.ts';
import { createAzure } from '../azure/index.ts';
import { cached } from '../azure/sign-in.ts';
import { createHelm } from '../helm/index.ts';
import type { Io } from '../io.ts';
import { createKubernetes } from '../kubernetes/index.ts';
import { Secret } from '../secret.ts';
import { clusterIdOf } from '../spec/identity-name.ts';
import { sourceText } from '../spec/rules.ts';
import type { Surroundings } from '../surroundings.ts';
import { Problem } from '../trouble.ts';
import type { Spec, ValueSource } from '../workload.ts';
import type { World } from '../world.ts';
import { readUpTo } from './reading.ts';
import { codeOf } from './surroundings.ts';

/** The world of a Spec in its surroundings. Nothing is connected and nothing is loaded before the first look. */
export function createWorld(
  spec: Spec,
  surroundings: Surroundings,
  io: Io,
  trace?: ((line: string) => void) | undefined,
  /** Values that were typed, by the names of their secrets. */
  typed: ReadonlyMap<string, Secret> = new Map(),
): World {
  const { cloud, agent, clock, env, answerWithin } = surroundings;
  const { signal } = io;
  const credential = cached(() => surroundings.credential(), clock);
  const clusterId = clusterIdOf(spec.subscription, spec.cluster);
  const common = { clock, signal, trace, answerWithin };
  const azure = createAzure({ ...common, cloud, subscription: spec.subscription, agent, credential });
  // The connection is made once and late: it must see the cluster as it is then, and share the look of that moment.
  let latest = azure;
  const given = surroundings.kubeconfig;
  const kubernetes = createKubernetes({
    ...common,
    env,
    kubeconfig: async () => ({
      ...(given ?? { text: await latest.clusters.credentials(clusterId) }),
      entraToken: async () => new Secret((await credential.getToken(cloud.aksScope))!.token),
    }),
    named: async () => {
      const cluster = await latest.clusters.get(clusterId);
      if (cluster) return addressesOf(cluster);
      throw new Problem('missing', `cluster ${spec.cluster.name}`, `There is no cluster ${spec.cluster.name} yet.`);
    },
  });
  const helm = createHelm({ env, signal, kubeconfig: () => kubernetes.kubeconfig() });
  const values = createValues(io, typed);

  const view = (one: typeof azure, other: typeof kubernetes): World => ({
    azure: one,
    kubernetes: other,
    helm,
    clock,
    signal,
    value: values,
    fresh: () => {
      latest = one.fresh();
      return view(latest, other.fresh());
    },
  });
  return view(azure, kubernetes);
}

/** Bytes that are read of a value; Key Vault takes 25 KB. What never ends is not read to its end. */
const LONGEST = 256 * 1024;

/** Reads values from where the Spec says; standard input once, however often it is asked. */
function createValues(io: Io, typed: ReadonlyMap<string, Secret>): World['value'] {
  let piped: Promise<string> | undefined;
  return async (source) => {
    if ('typed' in source) {
      const value = typed.get(source.typed);
      if (!value) throw refused(source, 'was not typed in this run');
      return value;
    }
    const text = await read(source);
    // Editors and echo end a file with a line break that nobody means to be part of a password.
    const value = text.replace(/\r?\n$/, '');
    if (value === '') throw refused(source, 'is empty');
    return new Secret(value);
  };

  async function read(source: Exclude<ValueSource, { typed: string }>): Promise<string> {
    if ('env' in source) {
      const value = io.env[source.env];
      if (value === undefined) throw refused(source, 'is not set');
      return value;
    }
    if ('stdin' in source) {
      piped ??= readAll(io.stdin, () => refused(source, 'is larger than a secret may be (25 KB)'));
      return piped;
    }
    try {
      const bytes = await readUpTo(resolve(io.cwd, source.file), LONGEST);
      if (bytes.length > LONGEST) throw refused(source, 'is larger than a secret may be (25 KB)');
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw refused(source, error instanceof TypeError ? 'is not text (UTF-8)' : `cannot be read (${codeOf(error)})`);
    }
  }
}

const refused = (source: ValueSource, why: string) =>
  new Problem('refused', 'value', `The value cannot be taken: ${sourceText(source)} ${why}.`);

async function readAll(stdin: NodeJS.ReadableStream, tooLong: () => Problem): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk as Buffer | string));
    size += chunks.at(-1)!.length;
    if (size > LONGEST) throw tooLong();
  }
  return Buffer.concat(chunks).toString('utf8');
}
