import type { Row } from '../row.ts';

const ESO = ['external-secrets'] as const;
const SHOW = 'kubectl describe externalsecret <name> --namespace <namespace>';
/** What other stores than Key Vault say of themselves. */
const OTHERS =
  '{ThrottlingException|secretsmanager|AccessDeniedException|provider aws|amazonaws|aws.|gcpsm|googleapis|hashicorp vault|hashicorp.vault|doppler|1password|bitwarden|akeyless|gitlab|conjur}';

/** An ExternalSecret, what it takes from the vault and the Secret that it makes. */
export const ESO_SECRET: readonly Row[] = [
  {
    id: 'F123',
    title: 'The cluster store does not serve this namespace',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [{ says: 'using cluster store … is not allowed from namespace' }, { says: 'denied by spec.condition' }],
    cause:
      'spec.conditions of the ClusterSecretStore lists the namespaces that may use it, and this one is not among them.',
    fix: {
      say: 'Have its owner add the namespace, or use a SecretStore in the namespace itself (init makes one).',
      run: 'kubectl get clustersecretstore <store> --output yaml',
    },
    risk: 'widens',
  },
  {
    id: 'F122',
    title: 'The store does not exist there, or is not ready',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'could not get {SecretStore|ClusterSecretStore}' },
      { says: '{SecretStore|ClusterSecretStore}.external-secrets.io … not found' },
      { says: '{SecretStore|ClusterSecretStore} … is not ready' },
      { says: 'the desired SecretStore … is not ready' },
      { says: 'could not get store reference' },
    ],
    cause:
      'secretStoreRef names a store of another kind (SecretStore or ClusterSecretStore), another namespace or another name; or the store itself is broken.',
    fix: {
      say: 'Let kind and name fit; a SecretStore must lie in the namespace of the ExternalSecret. If it is there, its events say why it is not ready.',
      run: 'kubectl get secretstores,clustersecretstores --all-namespaces',
    },
    risk: 'none',
  },
  {
    id: 'F124',
    title: 'Another ExternalSecret owns the Secret',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'target is owned by another ExternalSecret' },
      { says: 'target is owned by', with: ['ExternalSecret'] },
    ],
    cause: 'Two ExternalSecrets write the same Secret, and the first one owns it (creationPolicy: Owner).',
    fix: {
      say: 'Give one of them another spec.target.name, or let it add to the Secret with creationPolicy: Merge.',
      run: 'kubectl get externalsecrets --namespace <namespace> --output custom-columns="NAME:.metadata.name,TARGET:.spec.target.name,POLICY:.spec.target.creationPolicy"',
    },
    risk: 'none',
    insteadOf: ['F155'],
  },
  {
    id: 'F125',
    title: 'The secret has no such property or tag',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'property ~ does not exist in key', without: [OTHERS] },
      {
        says: '{err: tag|provider: tag|error: tag} … does not exist',
        with: ['ExternalSecret'],
        without: [OTHERS, 'image'],
      },
    ],
    cause:
      'remoteRef.property takes one member of a secret that is JSON. The value is no JSON, or has no member of that name.',
    fix: {
      say: 'Correct property (dots lead into nested members), or leave it out to get the whole value.',
      run: SHOW,
    },
    risk: 'none',
    // The vault has answered: that the store was not ready is past.
    insteadOf: ['F122'],
  },
  {
    id: 'F126',
    title: 'dataFrom.extract cannot take a key or a certificate apart',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'cannot get use dataFrom to get {certificate|key} secret' },
      { says: 'cannot use dataFrom to get {certificate|key} secret' },
      { says: 'dataFrom to get {certificate|key} secret' },
    ],
    cause: 'extract makes one entry of each member of a JSON secret; a name with cert/ or key/ is no JSON.',
    fix: {
      say: 'Name it under data[] with remoteRef.key: cert/... or key/..., or as a secret to get the private key.',
      run: SHOW,
    },
    risk: 'none',
    // The vault has answered: that the store was not ready is past.
    insteadOf: ['F122'],
  },
  {
    id: 'F129',
    title: 'The Secret is new, but the pod still has the old value',
    layer: 'eso',
    methods: ESO,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{ExternalSecret|external-secrets|external secrets}',
        with: [
          '{pods|the pod|deployment|container|application|environment variable|env var}',
          "{not getting updated|not updated|still the old|old value|old secret|stale|not refreshed|not restarted|does not restart|doesn't restart|not pick up|not picked up|doesn't pick up|not reflected}",
          '{update|updated|changed|rotate|rotated|refreshInterval|new value|refresh}',
        ],
        without: [OTHERS],
        vague: true,
      },
      {
        says: 'refreshPolicy: CreatedOnce',
        with: ['{not updated|old value|stale|not refreshed|does not change|never}'],
        vague: true,
      },
    ],
    cause:
      'Variables are read once, when the container starts. With refreshPolicy CreatedOnce or refreshInterval 0 the Secret does not change either.',
    fix: {
      say: 'Restart the pods (Reloader does so by itself), or mount the Secret as files.',
      run: 'kubectl rollout restart deployment --namespace <namespace>',
    },
    risk: 'restarts',
    insteadOf: ['F106'],
  },
  {
    id: 'F121',
    title: 'The operator could not read from the vault, and its event says why',
    layer: 'eso',
    methods: ESO,
    seenBy: ['explain'],
    match: [
      { says: 'could not get secret data from provider', without: [OTHERS] },
      { says: 'error {retrieving|processing} … at .data', without: [OTHERS] },
      { says: 'SecretSyncedError', without: [OTHERS] },
    ],
    cause:
      'A store that is "Valid" has only got a token. Whether the vault gives is seen when a secret is read, and the reason stands in the event UpdateFailed.',
    fix: {
      say: 'Read the events of the ExternalSecret, or explain them here.',
      run: 'kubectl get events --namespace <namespace> --field-selector reason=UpdateFailed',
    },
    risk: 'none',
    wraps: true,
  },
];
