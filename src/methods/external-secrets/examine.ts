import type { Check } from '../../step.ts';
import { operator } from '../../steps/operator.ts';
import type { World } from '../../world.ts';
import { vaultAddress } from '../subjects.ts';
import { called } from '../wiring/carrier.ts';
import { checkOf, type Wrong } from '../wiring/finding.ts';
import { identityNeeds } from '../wiring/identity.ts';
import { createdCheck } from '../wiring/pods.ts';
import { enumerated } from '../wiring/shape.ts';
import { freshnessWrong, podWrong, secretWrong } from './delivered.ts';
import { identityWrong, referencesWrong, rightWrong } from './identity.ts';
import { type Chain, chainsOf, lookAhead, type Question, storesNear } from './look.ts';
import { calledStore, type Store } from './model.ts';
import { CHECKS, dataWrong, storeMissing } from './rules.ts';
import { storeReadyWrong, syncWrong, writtenInOther } from './status.ts';
import { useWrong, vaultWrong } from './store-rules.ts';
import { ownersWrong } from './target.ts';
import { contentWrong } from './vault.ts';

/** What was found wrong with some of them, or by what all is well. */
type Answer = readonly Wrong[] | string;

/**
 * From the store to the pod: which ExternalSecret fills what the workload takes, by which store, as whom, what the
 * operator says of both, what is in the Secret, and what pods see of it.
 */
export function examine(question: Question): readonly Check[] {
  const { workload, shared, scope, secretName } = question;
  const { namespace } = workload;
  const found = operator({ cluster: shared.cluster, workloads: [workload.name] });
  const vault = { uri: vaultAddress(shared.cloud, workload.vault.name), environment: shared.cloud.externalSecretsName };
  const needs = identityNeeds(workload, shared);
  // Not the vault's contents and not the proof: where this machine is kept out of the vault, the operator may well be in,
  // and what it says is all there is to see.
  const chain = [
    ...['AKS-CLUSTER', 'AKS-OIDC-ISSUER', shared.identity(workload).id],
    ...shared.readable(workload).flatMap(({ step, fact }) => (fact === 'present' ? [] : [step])),
  ];

  const ask = (
    code: string,
    title: string,
    after: readonly string[],
    answer: (world: World, chains: readonly Chain[], known: Readonly<Record<string, string>>) => Promise<Answer>,
    more: { readonly category?: 'pod' | 'freshness'; readonly needs?: Check['needs'] } = {},
  ): Check =>
    checkOf(workload, {
      ...{ code, title, after, category: 'objects', ...more },
      async run(world, known) {
        lookAhead(world, question);
        return answer(world, await chainsOf(world, question), known);
      },
    });
  /** One question of every store, or of every ExternalSecret. */
  const ofStores =
    (
      answer: (
        world: World,
        store: Store,
        known: Readonly<Record<string, string>>,
      ) => Promise<Wrong | undefined> | Wrong | undefined,
    ) =>
    async (world: World, chains: readonly Chain[], known: Readonly<Record<string, string>>): Promise<Answer> => {
      const answers = storesOf(chains).map(async (store) =>
        named(calledStore(store), await answer(world, store, known)),
      );
      return (await Promise.all(answers)).flat();
    };
  const ofExternals =
    (answer: (world: World, chain: Chain) => Promise<readonly Wrong[]> | readonly Wrong[]) =>
    async (world: World, chains: readonly Chain[]): Promise<Answer> => {
      const answers = chains.map(async (chain) =>
        (await answer(world, chain)).flatMap((wrong) => named(called(chain.external.object), wrong)),
      );
      return (await Promise.all(answers)).flat();
    };

  return [
    ask(
      'AKS-ESO',
      `an ExternalSecret fills what ${namespace}/${workload.name} takes`,
      ['AKS-CLUSTER', found.id],
      async (_world, chains) => {
        if (chains.length > 0) return enumerated(chains.map(saidOf));
        return [
          {
            observed: `none in ${namespace} reads ${workload.vault.name} as ${workload.serviceAccount} or writes the Secret ${secretName}`,
            expected: 'an ExternalSecret and its store',
            fix: { say: 'Run init, which makes them.' },
          },
        ];
      },
    ),
    ask(
      'AKS-ESO-API',
      'what manages these objects writes them in a version that is served',
      ['AKS-ESO'],
      async (world, chains) => writtenInOther(world, chains),
    ),
    ask(
      CHECKS.store[0],
      'their stores are there, and may be used from here',
      ['AKS-ESO'],
      ofExternals(async (world, { external, sources }) => {
        const wrongs = sources.map(async ({ ref: asked, object, store }): Promise<Wrong | undefined> => {
          if (!object) {
            const near = (await storesNear(world, namespace)).filter(({ name }) => name === asked.name);
            return storeMissing(external, asked, near);
          }
          const labels = store?.conditions.some(({ selector }) => selector) && (await labelsOf(world, namespace));
          return store && useWrong(store, namespace, labels || undefined);
        });
        return (await Promise.all(wrongs)).flatMap((wrong) => wrong ?? []);
      }),
    ),
    ask(
      'AKS-ESO-VAULT',
      `the store reads ${workload.vault.name}`,
      [CHECKS.store[0]],
      ofStores((_world, store) => vaultWrong(store, vault)),
    ),
    ask(
      CHECKS.signIn[0],
      'the store says how the operator signs in',
      [CHECKS.store[0]],
      ofStores((world, store) => referencesWrong(world, store, question)),
    ),
    ask(
      'AKS-ESO-IDENTITY',
      `the operator signs in as ${workload.identity.name}`,
      [CHECKS.signIn[0], shared.identity(workload).id],
      ofStores((world, store, known) => identityWrong(world, store, question, known)),
      { needs },
    ),
    ask(
      'AKS-ESO-TOKENS',
      'the operator may ask for tokens of the service account',
      [CHECKS.signIn[0], found.id],
      ofStores((world, store) => rightWrong(world, store, namespace)),
    ),
    ask(
      'AKS-ESO-STORE-READY',
      'the operator says that the store is ready',
      ['AKS-ESO-VAULT', 'AKS-ESO-IDENTITY', 'AKS-ESO-TOKENS', ...chain],
      ofStores((world, store) => storeReadyWrong(world, store)),
    ),
    ask(
      CHECKS.data[0],
      'what is asked for is in the vault',
      ['AKS-ESO', shared.vault(workload).id],
      ofExternals(async (world, chain) => {
        const wrong = dataWrong(chain.external);
        return wrong.length > 0 ? wrong : contentWrong(world, question, chain);
      }),
    ),
    ask(
      CHECKS.target[0],
      'the Secret is written by nobody else',
      ['AKS-ESO'],
      ofExternals((world, { external }) => ownersWrong(world, external)),
    ),
    ask(
      'AKS-ESO-SYNC',
      'the operator says that the Secret is in step with the vault',
      ['AKS-ESO-STORE-READY', CHECKS.data[0], CHECKS.target[0]],
      ofExternals((world, chain) => syncWrong(world, question, chain)),
    ),
    ask('AKS-ESO-SECRET', 'the Secret holds what the pods take', ['AKS-ESO-SYNC'], async (world, chains) =>
      secretWrong(world, question, chains),
    ),
    createdCheck(workload, scope, ['AKS-ESO-SECRET']),
    ask(
      'AKS-ESO-POD',
      'pods have taken it',
      ['AKS-POD-CREATED'],
      async (world, chains) => podWrong(world, question, chains),
      { category: 'pod' },
    ),
    ask(
      'AKS-ESO-FRESH',
      'pods see what the vault holds now',
      ['AKS-ESO-POD'],
      async (world, chains) => freshnessWrong(world, question, chains),
      { category: 'freshness' },
    ),
  ];
}

/** `ExternalSecret shop/orders by SecretStore shop/kv`. */
const saidOf = ({ external, sources }: Chain): string => {
  const stores = sources.flatMap(({ store }) => (store ? [calledStore(store)] : []));
  return [called(external.object), ...(stores.length > 0 ? [`by ${enumerated([...new Set(stores)])}`] : [])].join(' ');
};

const storesOf = (chains: readonly Chain[]): readonly Store[] => [
  ...new Map(
    chains.flatMap(({ sources }) =>
      sources.flatMap(({ store }) => (store ? [[calledStore(store), store] as const] : [])),
    ),
  ).values(),
];

const named = (object: string, wrong: Wrong | undefined): readonly Wrong[] =>
  wrong ? [{ ...wrong, observed: `${object}: ${wrong.observed}` }] : [];

const labelsOf = async ({ kubernetes }: World, namespace: string) =>
  (await kubernetes.get({ apiVersion: 'v1', kind: 'Namespace', name: namespace }).catch(() => undefined))?.metadata
    .labels;
