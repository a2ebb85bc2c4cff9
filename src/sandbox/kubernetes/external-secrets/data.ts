import type { Cluster } from '../cluster.ts';
import { type ExternalSecret, NoSecret, OperatorError, type StoreRef } from './model.ts';
import type { Client } from './provider.ts';
import { useStore } from './stores.ts';
import { checkKeys, converted, decoded, rewritten } from './values.ts';

/**
 * What an ExternalSecret asks for, fetched: externalsecret_controller_secret.go. Throws an OperatorError that says which
 * entry failed; with another deletion policy than `Retain` an absent one is told and left out.
 */
export async function dataOf(
  cluster: Cluster,
  external: ExternalSecret,
  missing: (message: string) => void,
): Promise<Map<string, Buffer>> {
  const { spec, metadata } = external;
  // One client for a store and a reconciliation, so one token exchange.
  const clients = new Map<string, Promise<Client>>();
  const clientOf = (ref: StoreRef | undefined) => {
    const wanted = ref ?? spec.secretStoreRef ?? {};
    const key = `${wanted.kind ?? 'SecretStore'}/${wanted.name}`;
    const known = clients.get(key) ?? useStore(cluster, wanted, metadata.namespace ?? '');
    clients.set(key, known);
    return known;
  };
  const attempt = async <T>(work: () => Promise<T>, absent: string, failed: string): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      if (error instanceof NoSecret && spec.target.deletionPolicy !== 'Retain') {
        missing(absent);
        return undefined;
      }
      throw new OperatorError(`${failed}, err: ${error.message}`);
    }
  };

  const data = new Map<string, Buffer>();
  for (const [index, { find, extract, rewrite = [], sourceRef }] of (spec.dataFrom ?? []).entries()) {
    const wish = find ?? extract;
    if (!wish) continue;
    const fetched = await attempt(
      async () => {
        const client = await clientOf(sourceRef?.storeRef);
        const values = find ? await all(client, find) : await client.map(extract!);
        const keys = rewrite.length > 0 ? rewritten(values, rewrite) : converted(values, wish.conversionStrategy);
        checkKeys(keys);
        return new Map([...keys].map(([key, value]) => [key, decoded(value, wish.decodingStrategy)]));
      },
      `secret does not exist at provider using spec.dataFrom[${index}]`,
      `error processing spec.dataFrom[${index}].${find ? 'find' : 'extract'}`,
    );
    for (const [key, value] of fetched ?? []) data.set(key, value);
  }
  for (const [index, { secretKey, remoteRef, sourceRef }] of (spec.data ?? []).entries()) {
    const value = await attempt(
      async () => decoded(await (await clientOf(sourceRef?.storeRef)).get(remoteRef), remoteRef.decodingStrategy),
      // The operator says dataFrom here too.
      `secret does not exist at provider using spec.dataFrom[${index}] (key=${remoteRef.key})`,
      `error processing spec.data[${index}] (key: ${remoteRef.key})`,
    );
    if (value) data.set(secretKey, value);
  }
  return data;
}

async function all(client: Client, find: Parameters<Client['find']>[0]): Promise<Map<string, Buffer>> {
  try {
    return await client.find(find);
  } catch (error) {
    if (error instanceof OperatorError && !(error instanceof NoSecret)) {
      throw new OperatorError(`error getting all secrets: ${error.message}`);
    }
    throw error;
  }
}
