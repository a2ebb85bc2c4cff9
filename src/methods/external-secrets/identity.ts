import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import type { World } from '../../world.ts';
import { othersOf } from '../wiring/account.ts';
import type { Wrong } from '../wiring/finding.ts';
import { otherIdentity } from '../wiring/identity.ts';
import { CLIENT_ID, TENANT_ID } from '../wiring/keys.ts';
import { KIND, orHidden } from '../wiring/live.ts';
import { mayDo } from '../wiring/rights.ts';
import { clientIdWrong } from '../wiring/rules.ts';
import { list, record, text } from '../wiring/shape.ts';
import { accountOf, type Question } from './look.ts';
import { calledStore, type Store } from './model.ts';
import { signInWrong } from './store-rules.ts';

/** The annotation is somewhere, and not where it is read. */
const STRAY: ReadonlySet<string> = new Set(['F030', 'F031']);

/** What the store refers to is there, and together it says how the operator signs in. */
export async function referencesWrong(world: World, store: Store, question: Question): Promise<Wrong | undefined> {
  const { namespace } = question.workload;
  // What is wrong in itself comes first: the operator looks no further. Two clients may still be one.
  const inItself = signInWrong(store, { isWhole: false });
  if (inItself && inItself.failure !== 'F116') return inItself;
  if (store.authType === 'WorkloadIdentity' && !store.account) return mountedWrong(world, store);
  const account = await accountOf(world, store, namespace);
  if (account && !account.object)
    return {
      failure: 'F033',
      observed: `there is no ServiceAccount ${account.namespace}/${account.name}`,
      expected: `${account.namespace}/${account.name}`,
      fix: { say: 'Make it, with the client id of the identity, or correct serviceAccountRef.' },
      path: 'spec.provider.azurekv.serviceAccountRef',
    };
  // The newer library does not look at them for this sign-in.
  const isIgnored = store.usesSdk && store.authType === 'WorkloadIdentity';
  const missing = isIgnored ? undefined : await secretMissing(world, store, namespace);
  if (missing) return missing;
  const wrong = signInWrong(store, { account: account?.object, isWhole: true });
  if (wrong?.failure === 'F114' && account?.object) {
    // It may be there under another key, or stand on another object.
    const meant = clientIdWrong(account.object, await othersOf(world, question.workload, question.scope));
    return meant && STRAY.has(meant.failure ?? '') ? meant : wrong;
  }
  if (wrong?.failure !== 'F115') return wrong;
  if (store.usesSdk) return wrong;
  // The operator's own environment may name the tenant.
  const own = await environmentOf(world);
  return own === undefined || own.AZURE_TENANT_ID ? undefined : wrong;
}

/** A Kubernetes Secret with a part of the sign-in that is not there. Of those that are only the names of keys are looked at. */
async function secretMissing({ kubernetes }: World, store: Store, namespace: string): Promise<Wrong | undefined> {
  for (const ref of store.secrets ?? []) {
    const place = store.kind === 'ClusterSecretStore' ? (ref.namespace ?? namespace) : namespace;
    const found = await kubernetes.get({ apiVersion: 'v1', kind: 'Secret', namespace: place, name: ref.name });
    const has = found && (ref.key === undefined || ref.key in record(found.data));
    if (has) continue;
    return {
      failure: 'F150',
      observed: found
        ? `the Secret ${place}/${ref.name} has no key ${ref.key}`
        : `there is no Secret ${place}/${ref.name}`,
      expected: `${place}/${ref.name}${ref.key ? ` with ${ref.key}` : ''}`,
      fix: { say: 'Make it, or give its namespace; better: authType WorkloadIdentity, which needs no Secret.' },
      path: `spec.provider.azurekv.authSecretRef.${ref.field}`,
    };
  }
  return undefined;
}

/** Whom a store signs in as is the workload's identity, in its tenant. */
export async function identityWrong(
  world: World,
  store: Store,
  { workload }: Question,
  known: Readonly<Record<string, string>>,
): Promise<Wrong | undefined> {
  const { clientId, tenantId } = known;
  if (store.authType !== 'WorkloadIdentity' || !clientId) return undefined;
  const account = await accountOf(world, store, workload.namespace);
  const annotations = account ? (account.object?.metadata.annotations ?? {}) : undefined;
  const own = annotations ? undefined : await environmentOf(world);
  const value = annotations ? annotations[CLIENT_ID] : own?.AZURE_CLIENT_ID;
  const who = account ? `the ServiceAccount ${account.name}` : "the operator's pod";
  const other = value === undefined ? undefined : await otherIdentity(world, workload, known, value, who);
  if (other) {
    const fix = `Annotate ${who} with the client id of ${workload.identity.name}: ${clientId}.`;
    return {
      ...other,
      fix: {
        say: fix,
        ...(account && {
          run: `kubectl annotate serviceaccount ${account.name} --namespace ${account.namespace} --overwrite ${CLIENT_ID}=${clientId}`,
        }),
      },
    };
  }
  const tenant = store.tenantId ?? annotations?.[TENANT_ID];
  if (!tenant || !tenantId || tenant.toLowerCase() === tenantId.toLowerCase()) return undefined;
  return {
    failure: 'F056',
    observed: `it signs in at the tenant ${tenant}`,
    expected: tenantId,
    fix: { say: `Set the tenant to ${tenantId}, where ${workload.identity.name} is.` },
    path: store.tenantId ? 'spec.provider.azurekv.tenantId' : `metadata.annotations["${TENANT_ID}"]`,
  };
}

const OPERATOR = 'app.kubernetes.io/name=external-secrets';

/** Pods of the operator, where they can be seen. */
const operatorPods = async ({ kubernetes }: World): Promise<readonly KubernetesObject[] | undefined> =>
  orHidden(kubernetes.list(KIND.Pod, undefined, OPERATOR));

/** What the operator's own pod was given; `undefined` where it cannot be seen. */
async function environmentOf(world: World): Promise<Readonly<Record<string, string>> | undefined> {
  const [pod] = (await operatorPods(world)) ?? [];
  if (!pod) return undefined;
  const containers = list(record(pod.spec).containers).map(record);
  return Object.fromEntries(
    containers.flatMap(({ env }) =>
      list(env)
        .map(record)
        .map(({ name, value }) => [text(name) ?? '', text(value) ?? '']),
    ),
  );
}

/** A store that names no account signs in as the operator itself, whose pod must have been given an identity. */
export async function mountedWrong(world: World, store: Store): Promise<Wrong | undefined> {
  const own = await environmentOf(world);
  if (own === undefined) return undefined;
  const missing = ['AZURE_CLIENT_ID', 'AZURE_TENANT_ID', 'AZURE_FEDERATED_TOKEN_FILE'].filter((name) => !own[name]);
  if (missing.length === 0) return undefined;
  return {
    failure: 'F117',
    observed: `it names no serviceAccountRef, and the operator's pod has no ${missing[0]}`,
    expected: 'serviceAccountRef',
    fix: { say: `Name the workload's ServiceAccount in serviceAccountRef of the ${calledStore(store)}.` },
    path: 'spec.provider.azurekv.serviceAccountRef',
  };
}

/** The one right that people take from the operator: to ask for tokens (`rbac.serviceAccountTokenCreate` of its chart). */
export async function rightWrong(world: World, store: Store, namespace: string): Promise<Wrong | undefined> {
  const account = await accountOf(world, store, namespace);
  if (store.authType !== 'WorkloadIdentity' || !account) return undefined;
  const [pod] = (await operatorPods(world)) ?? [];
  // What cannot be seen the operator says itself, of its store.
  if (!pod) return undefined;
  const who = { name: text(record(pod.spec).serviceAccountName) ?? 'default', namespace: pod.metadata.namespace ?? '' };
  const act = { verb: 'create', resource: 'serviceaccounts/token', name: account.name };
  if ((await mayDo(world, who, account.namespace, act)) !== false) return undefined;
  return {
    failure: 'F119',
    observed: `the operator (${who.namespace}/${who.name}) may not create serviceaccounts/token in ${account.namespace}`,
    expected: 'create serviceaccounts/token',
    fix: {
      say: 'Install the chart with rbac.serviceAccountTokenCreate: true, or bind the operator to a Role that has it.',
    },
  };
}
