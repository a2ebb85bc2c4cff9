import { type Check, ref } from '../../step.ts';
import { dapr as daprIn } from '../../steps/extension.ts';
import { proofId } from '../../steps/proof.ts';
import { armId } from '../../workload.ts';
import type { World } from '../../world.ts';
import { accountCheck, accountOf, annotationChecks } from '../wiring/account.ts';
import { checkOf, type Wrong } from '../wiring/finding.ts';
import { identityNeeds } from '../wiring/identity.ts';
import { CLIENT_ID } from '../wiring/keys.ts';
import { injectionChecks } from '../wiring/label.ts';
import type { Crew } from '../wiring/live.ts';
import { writtenIn } from '../wiring/live.ts';
import { createdCheck, foundations, notReady, placeCheck, podsCheck, proxyCheck } from '../wiring/pods.ts';
import { enumerated } from '../wiring/shape.ts';
import { webhookAhead, webhookCheck } from '../wiring/webhook.ts';
import { certificateWrong, controlPlaneAhead, conversionWrong, programWrong, webhookWrong } from './control-plane.ts';
import {
  appIdsIn,
  calledComponent,
  configurationsOf,
  daprCrew,
  isLoadedBy,
  lookAhead,
  type Question,
  storesElsewhere,
  storesOf,
} from './look.ts';
import type { Component } from './model.ts';
import { clientWrong, enabledWrong, scopeLine, scopesWrong, startWrong, vaultWrong } from './rules.ts';
import { builtInWrong, environmentWrong, injectedWrong, loadedWrong, runningWrong } from './sidecar.ts';

type Category = 'cluster' | 'objects' | 'pod' | 'freshness';

/**
 * From the programs of Dapr to the pods: that sidecars are injected, the component that is the workload's store, what a
 * sidecar is told and by whom, and whether it runs and has loaded what is there now.
 */
export function examine(question: Question): readonly Check[] {
  const { workload, shared, scope } = question;
  const { spec, cluster, cloud } = shared;
  const { namespace, vault, secrets } = workload;
  const workloads = [workload.name];
  const clusterId = armId(
    spec.subscription,
    spec.cluster.resourceGroup,
    'Microsoft.ContainerService/managedClusters',
    spec.cluster.name,
  );
  const { installed } = daprIn({ wish: spec.cluster, clusterId, cluster, workloads });
  const meant = { name: vault.name, environment: cloud.daprName };
  const everybody = () => true;

  const ask = (
    category: Category,
    code: string,
    title: string,
    after: readonly string[],
    answer: (world: World, known: Readonly<Record<string, string>>) => Promise<readonly (Wrong | undefined)[] | string>,
    needs?: Check['needs'],
  ): Check =>
    checkOf(workload, {
      ...{ category, code, title, after },
      ...(needs && { needs }),
      async run(world, known) {
        controlPlaneAhead(world);
        webhookAhead(world);
        lookAhead(world, question);
        const answered = await answer(world, known);
        return typeof answered === 'string' ? answered : answered.filter((each) => each !== undefined);
      },
    });
  const ofStores = async (
    world: World,
    answer: (component: Component) => Wrong | undefined,
  ): Promise<readonly Wrong[]> =>
    (await storesOf(world, question)).flatMap((component) => {
      const wrong = answer(component);
      return wrong ? [{ ...wrong, observed: `${calledComponent(component)}: ${wrong.observed}` }] : [];
    });
  const ofPods = async (
    world: World,
    answer: (crew: Crew) => Promise<readonly (Wrong | undefined)[]> | readonly (Wrong | undefined)[],
  ) => {
    const crew = await daprCrew(world, question);
    if (crew.members.length + crew.makers.length === 0) return 'no pod uses it yet';
    return answer(crew);
  };
  const running = ['AKS-CLUSTER', installed.id];
  // Where nothing installed it, or it is being installed, that is what is told.
  const there = { deliverer: ref(installed, 'deliverer') };
  const whole = foundations(workload, shared, proofId(workload));
  const client = 'AKS-DAPR-CLIENT';

  return [
    ask(
      'cluster',
      'AKS-DAPR-PROGRAMS',
      'the programs of Dapr run',
      running,
      async (world) => [await programWrong(world)],
      there,
    ),
    ask(
      'cluster',
      'AKS-DAPR-INJECTOR',
      'the API server asks the injector about pods, and trusts it',
      running,
      async (world) => [(await webhookWrong(world)) ?? (await certificateWrong(world))],
      there,
    ),
    ask(
      'cluster',
      'AKS-DAPR-CONVERSION',
      "Dapr's kinds are converted by Dapr",
      running,
      async (world) => [await conversionWrong(world)],
      there,
    ),
    webhookCheck(workload, shared),
    accountCheck(workload),
    ask(
      'objects',
      'AKS-DAPR-COMPONENT',
      `a Component of ${namespace} reads ${vault.name}`,
      running,
      async (world) => {
        const stores = await storesOf(world, question);
        if (stores.length > 0) return enumerated(stores.map(calledComponent));
        const elsewhere = await storesElsewhere(world, question);
        return [
          {
            failure: 'F130',
            observed: `there is none in ${namespace}${elsewhere.length > 0 ? `, but ${enumerated(elsewhere.map(calledComponent))}` : ''}`,
            expected: `a Component of type secretstores.azure.keyvault in ${namespace}`,
            fix: {
              say: 'Run init, which makes it: a sidecar loads those of its own namespace alone. Then restart the pods.',
            },
          },
        ];
      },
      there,
    ),
    ask(
      'objects',
      'AKS-DAPR-SETTINGS',
      'a sidecar can load it, and it reads the right vault',
      ['AKS-DAPR-COMPONENT'],
      (world) => ofStores(world, (component) => startWrong(component) ?? vaultWrong(component, meant)),
    ),
    ask(
      'objects',
      client,
      'no client is named where nothing reads it',
      ['AKS-DAPR-COMPONENT', 'AKS-SA'],
      async (world, { clientId }) => {
        const account = (await accountOf(world, workload))?.metadata.annotations?.[CLIENT_ID];
        return ofStores(world, (component) => clientWrong(component, { account, meant: clientId }));
      },
      identityNeeds(workload, shared),
    ),
    // Whoever changes the component to name an identity changes the wrong thing: that is said, and not what follows.
    ...annotationChecks(workload, shared, scope).map((check) => ({
      ...check,
      after: [...check.after, client],
    })),
    ask(
      'objects',
      'AKS-DAPR-SCOPES',
      'the applications are among those that load it',
      ['AKS-DAPR-COMPONENT'],
      (world) => ofPods(world, async (crew) => scopesOf(await storesOf(world, question), appIdsIn(crew))),
    ),
    ask('objects', 'AKS-DAPR-CONFIGURATION', 'sidecars may answer for its secrets', ['AKS-DAPR-COMPONENT'], (world) =>
      ofPods(world, async (crew) => {
        const [stores, configurations] = await Promise.all([
          storesOf(world, question),
          configurationsOf(world, question, crew),
        ]);
        const names = secrets.map(({ name }) => name);
        return configurations.flatMap(({ name, object }): readonly (Wrong | undefined)[] => {
          if (!object) return [configurationMissing(namespace, name)];
          return stores
            .map((store) => scopesWrong(object, store.name, names))
            .map((wrong) => wrong && { ...wrong, observed: `Configuration ${namespace}/${name}: ${wrong.observed}` });
        });
      }),
    ),
    proxyCheck(workload, scope),
    createdCheck(workload, scope, [
      ...['AKS-WEBHOOK', 'AKS-SA', 'AKS-SA-TOKEN-LIFE', 'AKS-POD-PROXY'],
      ...['AKS-DAPR-PROGRAMS', 'AKS-DAPR-INJECTOR'],
    ]),
    podsCheck(workload, scope, everybody),
    placeCheck(workload, scope, everybody),
    ask(
      'pod',
      'AKS-DAPR-ENABLED',
      'the pods have a sidecar',
      ['AKS-POD', 'AKS-DAPR-PROGRAMS', 'AKS-DAPR-INJECTOR'],
      (world) =>
        ofPods(world, (crew) => {
          const [wrong] = writtenIn(crew).flatMap((carrier) => enabledWrong(carrier) ?? []);
          return [wrong ?? injectedWrong(crew)];
        }),
    ),
    ...injectionChecks(workload, scope, everybody),
    ask(
      'pod',
      'AKS-DAPR-ENV',
      'the sidecars have the token and the identity',
      ['AKS-POD-ENV', 'AKS-DAPR-ENABLED'],
      (world) => ofPods(world, (crew) => [environmentWrong(crew)]),
    ),
    ask(
      'pod',
      'AKS-DAPR-SIDECAR',
      'the sidecars are ready',
      [
        ...['AKS-DAPR-ENABLED', 'AKS-DAPR-SETTINGS', 'AKS-DAPR-SCOPES', 'AKS-DAPR-CONFIGURATION'],
        ...['AKS-DAPR-ENV', 'AKS-DAPR-PROGRAMS'],
      ],
      (world) => ofPods(world, async (crew) => [await runningWrong(world, crew)]),
    ),
    ask('freshness', 'AKS-DAPR-LOADED', 'the sidecars have loaded it as it is now', ['AKS-DAPR-SIDECAR'], (world) =>
      ofPods(world, async (crew) => loadedWrong(world, question, crew, await storesOf(world, question))),
    ),
    ask('pod', 'AKS-DAPR-STORE', 'the applications ask the store of the vault', ['AKS-DAPR-SIDECAR'], (world) =>
      ofPods(world, async (crew) => [await builtInWrong(world, question, crew)]),
    ),
    ask(
      'pod',
      'AKS-POD-READY',
      'the pods are ready',
      [...whole, client, 'AKS-SA-CLIENT-ID', 'AKS-DAPR-LOADED', 'AKS-DAPR-STORE'],
      (world) =>
        ofPods(world, async ({ members }) => {
          const wrong = await notReady(world, members);
          return wrong;
        }),
    ),
  ];
}

/** Applications whose sidecars load no store of the vault. */
function scopesOf(stores: readonly Component[], ids: readonly string[]): readonly Wrong[] {
  const left = ids.filter((id) => !stores.some((store) => isLoadedBy(store, id)));
  const [store] = stores;
  if (left.length === 0 || !store) return [];
  return [
    {
      failure: 'F130',
      observed: `${calledComponent(store)}: its scopes (${store.scopes.join(', ')}) leave out ${enumerated(left)}`,
      expected: `scopes with ${enumerated(left)}`,
      fix: {
        say: `Add ${enumerated(left)} to its scopes, by dapr.io/app-id, and restart the pods.`,
        run: scopeLine(store, [...store.scopes, ...left]),
      },
      path: 'scopes',
    },
  ];
}

const configurationMissing = (namespace: string, name: string): Wrong => ({
  failure: 'F137',
  observed: `there is no Configuration ${namespace}/${name}, which the pods name: their sidecars do not start`,
  expected: `Configuration ${namespace}/${name}`,
  fix: { say: 'Make it, or correct the annotation dapr.io/config of the pods.' },
});
