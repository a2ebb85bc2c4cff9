import { stringify } from 'yaml';
import { ref } from '../../step.ts';
import { keyVaultAddOn, oidcIssuer, workloadIdentity } from '../../steps/features.ts';
import { syncedSecret } from '../../steps/synced-secret.ts';
import type { Workload } from '../../workload.ts';
import { defineMethod } from '../method.ts';
import { aliasesOf, OBJECT_TYPE, object } from '../objects.ts';
import { sampleChecks, sampleOf } from '../sample.ts';
import { examine } from './examine.ts';
import { recognise } from './recognise.ts';
import { lint } from './rules.ts';

interface CsiOptions {
  /** Also a Kubernetes Secret of this name. */
  readonly syncSecret?: string;
  /** The add-on's poll interval, `2m`; a setting of the whole cluster. */
  readonly rotationInterval?: string;
}

const MOUNT_PATH = '/mnt/secrets';
const INTERVAL = /^[1-9][0-9]*(s|m|h)$/;
const SECRET_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** The provider's own format: a YAML list of YAML strings, inside a string. */
const objectsOf = ({ secrets }: Workload): string =>
  stringify(
    {
      array: secrets.map(({ name, kind, as }) =>
        stringify({ objectName: name, objectType: OBJECT_TYPE[kind], ...(as !== name && { objectAlias: as }) }),
      ),
    },
    { lineWidth: 0 },
  );

export const csi = defineMethod<CsiOptions>({
  name: 'csi',
  title: 'Secrets Store CSI driver',
  choose: 'The application reads files and its code cannot change.',
  traits: {
    delivers: 'files',
    takes: 'files in the pod; on request also a Kubernetes Secret',
    codeChange: false,
    variables: false,
    rotation: 'the files follow within the poll interval (2m)',
    freshWithoutRestart: true,
    runs: 'an add-on of AKS: a driver and a provider on each node',
    valueInCluster: false,
    otherStores: false,
  },
  carries: ['secret', 'key', 'certificate'],
  examine,
  recognise,
  lint,
  probe: ({ name, secrets }, found) => ({
    // The driver reads the vault from the node: what the pod's own network lets through shows nothing.
    reaches: false,
    values: {
      ...{ secretNames: aliasesOf(secrets), mountPath: MOUNT_PATH },
      providerClass: found?.names.providerClass ?? name,
    },
  }),
  questions: [
    {
      flag: 'sync-secret',
      value: 'NAME',
      ask: 'also keep the values in a Kubernetes Secret of this name',
      wizard: { ask: 'Also a Kubernetes Secret of them? Its name', label: 'Also a Secret' },
    },
    {
      flag: 'rotation-interval',
      value: 'INTERVAL',
      wholeCluster: true,
      ask: "how often the driver looks for new versions (2m); a setting of the whole cluster, needs '--allow cluster'",
    },
  ],
  options({ 'sync-secret': syncSecret, 'rotation-interval': rotationInterval }) {
    if (rotationInterval && !INTERVAL.test(rotationInterval))
      throw new Error(`--rotation-interval takes a number and s, m or h, such as 2m, not "${rotationInterval}"`);
    if (syncSecret && !SECRET_NAME.test(syncSecret))
      throw new Error(
        `--sync-secret takes the name of a Kubernetes Secret (lower case letters, digits, "-" and "."), not "${syncSecret}"`,
      );
    return { ...(syncSecret && { syncSecret }), ...(rotationInterval && { rotationInterval }) };
  },
  writesSecret: ({ options }) => options.syncSecret,
  clusterFeatures: ({ options }) => [oidcIssuer, workloadIdentity, keyVaultAddOn(options.rotationInterval)],
  steps(workload, shared) {
    const { syncSecret } = workload.options;
    const namespace = ref(shared.namespace(workload), 'applied');
    const account = object(workload, shared, 'csi/serviceaccount.yaml', { after: [namespace] });
    const synced = syncSecret ? syncedSecret(workload, syncSecret) : undefined;
    const providerClass = object(
      workload,
      shared,
      synced ? 'csi/secretproviderclass-synced.yaml' : 'csi/secretproviderclass.yaml',
      {
        needs: {
          clientId: ref(shared.identity(workload), 'clientId'),
          tenantId: ref(shared.identity(workload), 'tenantId'),
          ...(synced && { syncSecret: ref(synced, 'syncedSecret') }),
        },
        values: { objects: objectsOf(workload) },
        // The kind comes with the add-on.
        after: [namespace, ref(shared.cluster, 'deliverer')],
      },
    );
    const sample = sampleOf(workload, shared, {
      delivers: {
        kind: 'CSI driver',
        object: { apiVersion: 'storage.k8s.io/v1', kind: 'CSIDriver', name: 'secrets-store.csi.k8s.io' },
      },
      before: [account, providerClass],
      values: { secretNames: workload.secrets.map(({ as }) => as).join(','), mountPath: MOUNT_PATH },
    });
    return [account, ...(synced ? [synced] : []), providerClass, ...sample];
  },
  checks: (workload, _shared, steps) => sampleChecks(workload, steps),
  afterwards(workload) {
    const { name, serviceAccount, secrets, options } = workload;
    return [
      `Files     ${secrets.map(({ as }) => `${MOUNT_PATH}/${as}`).join(', ')}`,
      ...(options.syncSecret
        ? [`Secret    ${workload.namespace}/${options.syncSecret}, once a pod mounts the volume`]
        : []),
      'Add to your pods (a Deployment: under spec.template.spec):',
      ...stringify({
        serviceAccountName: serviceAccount,
        containers: [{ name: '...', volumeMounts: [{ name: 'secrets', mountPath: MOUNT_PATH, readOnly: true }] }],
        volumes: [
          {
            name: 'secrets',
            csi: {
              driver: 'secrets-store.csi.k8s.io',
              readOnly: true,
              volumeAttributes: { secretProviderClass: name },
            },
          },
        ],
      })
        .trimEnd()
        .split('\n')
        .map((line) => `  ${line}`),
    ];
  },
});
