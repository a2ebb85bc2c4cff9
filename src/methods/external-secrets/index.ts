import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { type Ref, ref, type Step } from '../../step.ts';
import { otherManagerOf } from '../../steps/compare.ts';
import { filled } from '../../steps/external-secret.ts';
import { matching, patternOf } from '../../steps/external-secret-find.ts';
import { oidcIssuer } from '../../steps/features.ts';
import { asGoWrites } from '../../steps/go-duration.ts';
import { operator, SERVED } from '../../steps/operator.ts';
import { operatorFor, syncedSecret } from '../../steps/synced-secret.ts';
import type { Workload } from '../../workload.ts';
import { defineMethod, type Shared } from '../method.ts';
import { aliasesOf, object } from '../objects.ts';
import { sampleChecks, sampleOf } from '../sample.ts';
import { vaultAddress } from '../subjects.ts';
import { examine } from './examine.ts';
import { recognise } from './recognise.ts';
import { lint } from './rules.ts';
import { RELOADER, usage } from './usage.ts';

export interface ExternalSecretsOptions {
  /** Name of the Kubernetes Secret; absent: the workload's. */
  readonly syncSecret?: string;
  /** How often the vault is read anew: `1h`. */
  readonly rotationInterval?: string;
  /** Every secret whose name matches, besides those named. */
  readonly find?: string;
  /** Reloader is asked to restart the pods that read variables. */
  readonly reloader?: true;
}

const MOUNT_PATH = '/mnt/secrets';
const INTERVAL = /^[1-9][0-9]*(s|m|h)$/;
const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const TENANT = 'azure.workload.identity/tenant-id';
const DEFAULT_INTERVAL = '1h';

const secretOf = ({ name, options }: Workload<ExternalSecretsOptions>): string => options.syncSecret ?? name;

export const externalSecrets = defineMethod<ExternalSecretsOptions>({
  name: 'external-secrets',
  title: 'External Secrets Operator',
  choose: 'The application reads variables or a Kubernetes Secret, or several kinds of stores are in use.',
  traits: {
    delivers: 'secret',
    takes: 'a Kubernetes Secret: variables, or files in the pod',
    codeChange: false,
    variables: true,
    rotation: 'the Secret follows within its refresh interval (1h); variables only with a restart',
    freshWithoutRestart: false,
    runs: 'an operator in the cluster, installed by helm',
    valueInCluster: true,
    otherStores: true,
  },
  carries: ['secret', 'key', 'certificate'],
  recognise,
  probe: (workload, found) => ({
    // The operator reads the vault, from a pod of its own.
    reaches: false,
    values: {
      ...{ secretNames: aliasesOf(workload.secrets), mountPath: MOUNT_PATH },
      syncSecret: found?.names.syncSecret ?? secretOf(workload),
    },
  }),
  questions: [
    {
      flag: 'sync-secret',
      value: 'NAME',
      ask: "name of the Kubernetes Secret; default: the workload's name",
      wizard: { ask: 'Name of the Kubernetes Secret', label: 'Its Secret', otherwise: 'as the workload' },
    },
    { flag: 'rotation-interval', value: 'INTERVAL', ask: 'how often this workload is read anew (1h)' },
    { flag: 'find', value: 'REGEX', ask: 'every secret whose name matches, besides those named' },
    {
      flag: 'reloader',
      ask: 'ask Reloader to restart the pods when a value changes; variables are read at start only',
      wizard: { ask: 'Have Reloader restart the pods when a value changes, if it runs here?', label: 'Restarts' },
    },
  ],
  options({ 'sync-secret': syncSecret, 'rotation-interval': rotationInterval, find, reloader }) {
    if (rotationInterval && !INTERVAL.test(rotationInterval))
      throw new Error(`--rotation-interval takes a number and s, m or h, such as 1h, not "${rotationInterval}"`);
    if (syncSecret && !SECRET_NAME.test(syncSecret))
      throw new Error(
        `--sync-secret takes the name of a Kubernetes Secret (lower case letters, digits, "-" and "."), not "${syncSecret}"`,
      );
    if (find !== undefined) checkFind(find);
    return {
      ...(syncSecret && { syncSecret }),
      ...(rotationInterval && { rotationInterval }),
      ...(find !== undefined && { find }),
      ...(reloader === 'true' && { reloader: true }),
    };
  },
  lists: ({ find }) => find !== undefined,
  writesSecret: secretOf,
  // The operator asks the API server for a token itself: the webhook has no part in it.
  clusterFeatures: () => [oidcIssuer],
  steps(workload, shared) {
    const { find, rotationInterval = DEFAULT_INTERVAL, reloader } = workload.options;
    const secretName = secretOf(workload);
    const namespace = ref(shared.namespace(workload), 'applied');
    const identity = shared.identity(workload);
    const vault = shared.vault(workload);
    const found = operator({ cluster: shared.cluster, workloads: [workload.name] });
    const api = { externalSecretsApi: ref(found, 'externalSecretsApi') };
    const isShared = sharesAccount(workload, shared);
    const account = accountOf(workload, shared, namespace, isShared);
    const free = syncedSecret(workload, secretName, operatorFor(workload.name));
    const store = object(workload, shared, 'external-secrets/secretstore.yaml', {
      apiVersions: SERVED,
      needs: {
        ...{ ...api, vaultUri: ref(vault, 'vaultUri') },
        ...(!isShared && { tenantId: ref(identity, 'tenantId') }),
      },
      values: isShared ? { tenantId: '' } : {},
      after: [namespace, ref(found, 'ready'), ref(account, 'applied')],
      // The operator signs in as soon as it sees it, and after a refusal again only after ever longer pauses.
      isProven: true,
    });
    const externalSecret = object(
      workload,
      shared,
      find === undefined ? 'external-secrets/externalsecret.yaml' : 'external-secrets/externalsecret-find.yaml',
      {
        apiVersions: SERVED,
        needs: { ...api, syncSecret: ref(free, 'syncedSecret') },
        values: { refreshInterval: asGoWrites(rotationInterval), ...(find !== undefined && { find }) },
        after: [ref(store, 'applied')],
        isProven: true,
      },
    );
    const uri = vaultAddress(shared.cloud, workload.vault.name);
    const search =
      find === undefined
        ? []
        : [matching({ vault: { wish: workload.vault, uri, step: vault }, find, workloads: [workload.name] })];
    const readable = [...shared.readable(workload), ...search.map((step) => ref(step, 'present'))];
    const sync = filled({
      ...{ workload, secretName, externalSecret },
      basis: [
        { kind: 'SecretStore', namespace: workload.namespace, name: workload.name, apiVersions: SERVED },
        { kind: 'ServiceAccount', namespace: workload.namespace, name: workload.serviceAccount, apiVersions: ['v1'] },
      ],
      after: readable,
    });
    const sample = sampleOf(workload, shared, {
      delivers: found,
      before: [sync],
      annotations: reloader && { [RELOADER]: secretName },
      values: {
        ...{ syncSecret: secretName, mountPath: MOUNT_PATH },
        secretNames: workload.secrets.map(({ as }) => as).join(','),
      },
    });
    return [...new Set([found, account, free, ...search, store, externalSecret, sync, ...sample])];
  },
  checks: (workload, _shared, steps) => sampleChecks(workload, steps),
  examine: (workload, shared, scope) => examine({ workload, shared, scope, secretName: secretOf(workload) }),
  lint,
  afterwards: (workload) => usage(workload, secretOf(workload), workload.options.rotationInterval ?? DEFAULT_INTERVAL),
});

function checkFind(find: string): void {
  try {
    patternOf(find);
  } catch (error) {
    throw new Error(`--find takes a regular expression as Go knows it, not "${find}": ${(error as Error).message}`);
  }
}

/**
 * Whether a workload of another method runs under the same service account: the others name the tenant there, and the
 * operator refuses to be told it twice ("multiple tenantID found").
 */
const sharesAccount = (workload: Workload, { spec }: Shared): boolean =>
  [...spec.workloads, ...(spec.others ?? [])].some(
    ({ namespace, serviceAccount, method }) =>
      method !== workload.method && namespace === workload.namespace && serviceAccount === workload.serviceAccount,
  );

function accountOf(workload: Workload, shared: Shared, namespace: Ref, isShared: boolean): Step {
  const identity = shared.identity(workload);
  const clientId = ref(identity, 'clientId');
  if (isShared)
    return object(workload, shared, 'workload-identity/serviceaccount.yaml', {
      needs: { clientId, tenantId: ref(identity, 'tenantId') },
      after: [namespace],
    });
  return object(workload, shared, 'external-secrets/serviceaccount.yaml', {
    needs: { clientId },
    after: [namespace],
    objection: tenantNamed,
  });
}

function tenantNamed(found: KubernetesObject): string | undefined {
  const manager = otherManagerOf(found, `metadata.annotations["${TENANT}"]`);
  return found.metadata.annotations?.[TENANT] !== undefined && manager !== undefined
    ? `${manager} has annotated it with ${TENANT}: the operator takes the tenant from the SecretStore and refuses to be told it twice; take the annotation off, or another service account`
    : undefined;
}
