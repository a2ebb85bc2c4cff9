import type { Row } from '../row.ts';

const CSI = ['csi'] as const;
const ADDON =
  'az aks enable-addons --addons azure-keyvault-secrets-provider --enable-secret-rotation --name <cluster> --resource-group <resource group>';
const PODS =
  'kubectl get pods --namespace kube-system --selector "app in (secrets-store-csi-driver,secrets-store-provider-azure)" --output wide';

/** The driver, the provider and what is installed of them. */
export const CSI_DRIVER: readonly Row[] = [
  {
    id: 'F145',
    title: 'The cluster does not know SecretProviderClasses',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'no matches for kind SecretProviderClass' },
      { says: `the server doesn't have a resource type {secretproviderclass|secretproviderclasses|spc}` },
      { says: 'could not find … secrets-store.csi.x-k8s.io/SecretProviderClass' },
      { says: 'secrets-store.csi.x-k8s.io… ensure CRDs are installed first' },
    ],
    cause: 'The secrets store driver was never installed: the Key Vault add-on is off.',
    fix: { say: 'Switch the add-on on: run init with --allow cluster, or this line.', run: ADDON },
    risk: 'widens',
  },
  {
    id: 'F087',
    title: 'The secrets store driver is not on the node',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'secrets-store.csi.k8s.io not found in the list of registered CSI drivers' },
      { says: 'secrets-store.csi.k8s.io… driver not found' },
    ],
    cause:
      "The Key Vault add-on is off, or the driver's pod does not run on this node: a taint, a new node that is not ready yet.",
    fix: {
      say: "Switch the add-on on (init with --allow cluster, or this line). If it is on, see whether its pod runs on the pod's node; on a new node it takes a minute.",
      run: ADDON,
    },
    risk: 'widens',
  },
  {
    id: 'F109',
    title: 'The driver is missing on Windows nodes',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{secrets-store.csi.k8s.io not found in the list|csi.sock|secrets-store-csi-driver}',
        with: [
          '{kubernetes.io/os: windows|kubernetes.io/os=windows|windows pod|windows node|Windows nodes|windows pool|Windows containers|aksnpwin|akswin|npwin|c:/var/lib/kubelet|c:varlibkubelet|windows-}',
        ],
        without: ['Running'],
      },
    ],
    cause:
      'Driver and provider have DaemonSets of their own for Windows; without them only Linux pods get their files.',
    fix: {
      say: 'Use the add-on, which serves Windows pools too. With an own installation: set windows.enabled of both charts.',
      run: 'kubectl get daemonsets --namespace kube-system --output wide',
    },
    risk: 'none',
    insteadOf: ['F087'],
  },
  {
    id: 'F088',
    title: "The cluster's CSIDriver object is missing or wrong",
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'volume mode Ephemeral not supported by driver secrets-store' },
      { says: 'volume mode Ephemeral not supported by driver', with: ['secrets-store'] },
      { says: 'no CSIDriver object', with: ['secrets-store'] },
      { says: 'csidrivers… secrets-store.csi.k8s.io not found' },
    ],
    cause:
      'The object CSIDriver secrets-store.csi.k8s.io says what the driver can do. It was taken away, or is from another installation.',
    fix: { say: 'Let the add-on put it back: this line again, or upgrade the chart you installed.', run: ADDON },
    risk: 'widens',
  },
  {
    id: 'F090',
    title: 'The provider for Azure does not answer on the node',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'error connecting to provider azure' },
      { says: 'provider not found: provider {azure|azurekv}' },
      { says: 'failed to find provider binary azure' },
      { says: 'secrets-store-csi-providers/azure… no such file or directory' },
      { says: '{azure.sock|providers/azure.sock}… {no such file|connection refused|connect:}' },
    ],
    cause:
      'The provider\'s pod does not run on this node, or spec.provider of the class is not exactly "azure" in lower case.',
    fix: {
      say: 'Write provider: azure. If it stands there, see why the pod of the provider does not run on that node.',
      run: PODS,
    },
    risk: 'none',
  },
  {
    id: 'F092',
    title: "The driver does not hand the pod's token to the provider",
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'service account tokens not found' },
      { says: 'failed to parse workload identity tokens', without: ['token for audience'] },
    ],
    cause:
      'The CSIDriver object has no tokenRequests, as with a chart of the driver installed without them; the add-on has them.',
    fix: {
      say: 'Set tokenRequests[0].audience=api://AzureADTokenExchange in the chart of the driver, or use the add-on. The line shows what is there.',
      run: 'kubectl get csidriver secrets-store.csi.k8s.io --output jsonpath="{.spec.tokenRequests}"',
    },
    risk: 'none',
    insteadOf: ['F093'],
  },
  {
    id: 'F093',
    title: 'The driver hands over a token of another audience',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'token for audience {api://AzureADTokenExchange|api://AKSIdentityBinding} not found' },
      { says: 'token for audience api', with: ['not found'] },
    ],
    cause: 'tokenRequests of the CSIDriver object names other audiences than the one the provider needs.',
    fix: {
      say: 'Add the audience api://AzureADTokenExchange to tokenRequests (a value of the chart of the driver); the add-on has it.',
      run: 'kubectl get csidriver secrets-store.csi.k8s.io --output jsonpath="{.spec.tokenRequests}"',
    },
    risk: 'none',
  },
  {
    id: 'F108',
    title: 'The objects of the class are larger than a message may be',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'grpc: received message larger than max',
        with: ['{secrets-store|secrets store|SecretProviderClass|provider azure|MountVolume|keyvault}'],
        without: ['istio', 'envoy', 'ads:'],
      },
    ],
    cause: 'Driver and provider speak in messages of at most 4 MB, and the files of this class together are larger.',
    fix: {
      say: 'Split the class: two classes and two volumes, each with half of the objects.',
      run: 'kubectl get secretproviderclass <class> --namespace <namespace> --output yaml',
    },
    risk: 'none',
  },
  {
    id: 'F148',
    title: 'The driver or provider runs out of memory',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'OOMKilled',
        with: ['{secrets-store-csi|csi-secrets-store|secrets-store-provider|aks-secrets-store|provider-azure}'],
      },
      { says: 'Memory cgroup out of memory… {secrets-store|provider-azure|csi-secrets}' },
      { says: '{out of memory|oom_kill|oom-kill}… {secrets-store|provider-azure|csi-secrets-store}' },
    ],
    cause: 'The memory limit of the DaemonSet is too small for the number of Secrets or pods it watches.',
    fix: {
      say: 'Raise the limit in the chart you installed, or use a newer add-on; sync fewer Secrets.',
      run: PODS,
    },
    risk: 'none',
  },
  {
    id: 'F149',
    title: 'The driver or provider crashes',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{panic: runtime error|SIGSEGV}',
        with: ['{secrets-store-csi-driver|secrets-store.csi|provider-azure|secrets-store-csi|secretproviderclass}'],
      },
      { says: '{secrets-store-csi-driver|secrets-store-provider-azure|csi-secrets-store}… CrashLoopBackOff' },
    ],
    cause:
      'A bug of that version, or CRDs that do not fit it: those of an older chart stay when the chart is upgraded.',
    fix: { say: 'Upgrade driver, provider and CRDs together; the add-on does so by itself.', run: PODS },
    risk: 'none',
  },
];
