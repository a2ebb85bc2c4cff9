import type { Row } from '../row.ts';

const CSI = ['csi'] as const;
/** The volume in the pod, the Secret made from it, and how both get a new version. */
export const CSI_MOUNT: readonly Row[] = [
  {
    id: 'F101',
    title: 'The volume is not read-only',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ says: 'Readonly is not true in request' }],
    cause: 'The driver mounts only volumes with readOnly: true under csi. One at the volumeMount is not enough.',
    fix: { say: 'Write readOnly: true beside driver: secrets-store.csi.k8s.io.' },
    risk: 'restarts',
  },
  {
    id: 'F102',
    title: 'The volume names no SecretProviderClass',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ says: 'secretProviderClass is not set' }],
    cause: 'volumeAttributes.secretProviderClass is missing at the csi volume, or stands at the wrong level.',
    fix: {
      say: 'Write volumeAttributes: { secretProviderClass: NAME } under csi; export --format manifests shows the whole volume.',
    },
    risk: 'restarts',
  },
  {
    id: 'F105',
    title: 'The driver may not make Secrets',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'secrets is forbidden: User system:serviceaccount:…secrets-store', with: ['cannot'] },
      { says: 'cannot {list|create|get|watch|patch|update} resource secrets', with: ['secrets-store'] },
      {
        says: 'User system:serviceaccount:…csi-secrets-store… cannot {list|create|get|watch|patch|update} resource secrets',
      },
      // All that the event of v1.6 says where the API server refuses the Secret; most often it is this.
      { says: 'FailedToCreateSecret', with: ['timed out waiting for the condition'], vague: true },
    ],
    cause: 'A driver installed by chart has no right on Secrets unless it was asked for.',
    fix: {
      say: 'Set syncSecret.enabled=true in the chart of the driver: it may then write Secrets in every namespace. The add-on has it.',
      run: 'kubectl auth can-i create secrets --as=system:serviceaccount:kube-system:secrets-store-csi-driver',
    },
    risk: 'widens',
    insteadOf: ['F141'],
  },
  {
    id: 'F153',
    title: 'The value does not fit the type of the Secret',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{data[.dockerconfigjson]|data[.dockercfg]|data[tls.crt]|data[tls.key]}: {Invalid value|Required value}',
        with: [
          '{secrets-store|SecretProviderClass|failed to create Kubernetes secret|secretproviderclasspodstatus|SecretRotation}',
        ],
      },
      { says: 'failed to create Kubernetes secret… {is invalid|Invalid value|Required value}' },
      {
        says: '{failed to get cert|failed to get private key|failed to decode cert}… {secretObjects|kubernetes.io/tls|secret data}',
        vague: true,
      },
    ],
    cause:
      'secretObjects asks for a type with a format of its own (kubernetes.io/dockerconfigjson, kubernetes.io/tls), and the value in the vault is something else.',
    fix: {
      say: 'Write type: Opaque, or store the value as that type wants it: the whole JSON, or a certificate with its key (objectType: secret).',
    },
    risk: 'none',
    insteadOf: ['F104'],
  },
  {
    id: 'F104',
    title: 'secretObjects names a file that the volume does not have',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'file matching objectName … not found in the pod' },
      {
        says: 'FailedToCreateSecret',
        with: ['{secrets-store|error}'],
        without: ['timed out waiting for the condition'],
      },
      { says: 'failed to get data in spc … for secret' },
      { says: 'failed to validate secret object in spc' },
    ],
    cause:
      'objectName under secretObjects is the name of the file in the volume: the objectAlias where there is one, else the objectName.',
    fix: {
      say: 'Write the alias there. init --sync-secret writes both sides alike.',
      run: 'kubectl get secretproviderclass <class> --namespace <namespace> --output yaml',
    },
    risk: 'none',
  },
  {
    id: 'F103',
    title: 'The Secret exists only while a pod mounts the volume',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'CreateContainerConfigError',
        with: [
          "{Error: secret|couldn't find key|not found}",
          '{secrets-store|secretproviderclass|keyvault|key vault|secretKeyRef|csi-}',
        ],
      },
      {
        says: 'Error: secret ~ not found',
        with: ['{secrets-store|secretproviderclass|secretObjects|keyvault|key vault|key-vault|csi-}'],
        without: ['Error from server', 'SecretStore', 'SecretProviderClass.'],
      },
      {
        says: 'Error: secret ~ not found',
        without: ['Error from server', 'Pulling', 'pull', 'ingress', 'SecretStore', 'SecretProviderClass.'],
        vague: true,
      },
      {
        says: "{not creating|doesn't create|does not create|not create} {k8s|kubernetes|the kubernetes|the k8s|the} secret",
        with: ['{secrets-store|secretproviderclass|secretObjects}'],
        vague: true,
      },
      {
        says: '{secret|secrets} {is|are|was|were} not {created|synced|being created|getting created}',
        with: ['{secrets-store|secretproviderclass|secretObjects|SecretProviderClass}'],
        vague: true,
      },
    ],
    cause:
      'The driver makes the Secret when a pod mounts the volume. A pod that only names the Secret (a variable) waits for ever, and so does one whose volume cannot be mounted.',
    fix: {
      say: 'Mount the csi volume in the same pod, and ask for the Secret in secretObjects (init --sync-secret). If it is mounted, look for the failure of the mount.',
      run: 'kubectl get events --namespace <namespace> --field-selector reason=FailedMount',
    },
    risk: 'restarts',
  },
  {
    id: 'F107',
    title: 'Rotation fails, and nothing says so in the pod',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: '{total_rotation_reconcile_error|rotation_reconcile_error_total|MountRotationFailed}' },
      { says: 'failed to rotate objects for pod' },
      { says: 'failed to update … during rotation', with: ['secrets-store'] },
      { code: 'SecretRotationFailed' },
      { says: '{failed to reconcile spc|failed to patch secret}', with: ['rotation'] },
    ],
    cause:
      'A volume that is mounted stays as it is when reading anew fails: a right was taken away, a secret deleted, or the way to the vault was cut. Newer drivers say so in their log only.',
    fix: {
      say: 'Look for the reason in the log of the driver, and put it right; the next round takes it up.',
      run: 'kubectl logs --namespace kube-system --selector app=secrets-store-csi-driver --container secrets-store --tail 100',
    },
    risk: 'none',
  },
  {
    id: 'F106',
    title: 'The pod still has an old version of the secret',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: "{new version|updated|updating|update|edit|edited|rotate|rotated|rotation|change|changed|new value} … {not getting reflected|not reflected|isn't reflected|is not reflected|not getting updated|not updated|not being updated|does not update|doesn't update|not refreshed|still shows the old|still the old|old value|still old|not picked up|not propagated|stale|remains the same|not synced}",
        with: ['{vault|secrets-store|secretproviderclass|csi driver}'],
        without: ['ExternalSecret', 'dapr'],
        vague: true,
      },
      {
        says: "{don't rotate|doesn't rotate|does not rotate|not rotated|does not get propagated|do not get updated|does not get updated|are not updated|rotation does not work|auto rotation does not|auto-rotation does not|rotation doesn't happen|rotation is not working|old version}",
        with: ['{vault|secrets-store|secretproviderclass|csi driver}', '{rotat|updat|changed|new version}'],
        without: ['ExternalSecret', 'dapr'],
        vague: true,
      },
      {
        says: '{pod|mount|file|volume} {still|keeps} … {old|stale|previous} {value|secret|version}',
        with: ['{vault|secrets-store|secretproviderclass|csi driver}'],
        without: ['ExternalSecret', 'dapr'],
        vague: true,
      },
    ],
    cause:
      'Rotation is off (the default of the add-on), the file is mounted by subPath, the value was taken as a variable, or the application keeps it. Variables and subPath never change in a running pod.',
    fix: {
      say: 'Switch rotation on (init with --allow cluster, or this line), mount the folder without subPath, read the file anew; or restart the pods.',
      run: 'az aks update --enable-secret-rotation --name <cluster> --resource-group <resource group>',
    },
    risk: 'widens',
  },
  {
    id: 'F110',
    title: 'One object that cannot be read holds up the whole volume',
    layer: 'csi',
    methods: CSI,
    seenBy: ['explain'],
    match: [
      {
        says: 'failed to mount secrets store objects for pod',
        without: ['provider {aws|gcp|vault|akeyless|conjur}', 'providers/{aws|gcp|vault}', 'amazonaws'],
      },
      { says: 'failed to mount objects, error:' },
      {
        says: '{MountVolume.SetUp failed|Unable to attach or mount volumes}',
        with: ['{secrets-store|secret-store|secretprovider|keyvault|key-vault}'],
        without: ['provider {aws|gcp|vault}'],
        vague: true,
      },
    ],
    cause:
      'A volume is mounted whole or not at all, and the pod waits in ContainerCreating until every object can be read.',
    fix: {
      say: 'Put right the object that the event names, or take it out of the class.',
      run: 'kubectl get events --namespace <namespace> --field-selector reason=FailedMount',
    },
    risk: 'none',
    wraps: true,
  },
];
