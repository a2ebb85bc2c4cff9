import type { Row } from '../row.ts';

const CSI = ['csi'] as const;
const SHOW = 'kubectl get secretproviderclass <class> --namespace <namespace> --output yaml';

/** What a SecretProviderClass says. */
export const CSI_CLASS: readonly Row[] = [
  {
    id: 'F089',
    title: 'The SecretProviderClass does not exist in the namespace of the pod',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'SecretProviderClass.secrets-store.csi.x-k8s.io … not found' },
      { says: 'secretproviderclasses.secrets-store.csi.x-k8s.io … not found' },
      { says: 'failed to get secretproviderclass … not found' },
    ],
    cause: 'The volume names a class that is not there: another name, or a class in another namespace.',
    fix: {
      say: "Make the class in the pod's own namespace (init does), or correct volumeAttributes.secretProviderClass.",
      run: 'kubectl get secretproviderclasses --all-namespaces',
    },
    risk: 'none',
  },
  {
    id: 'F091',
    title: 'The SecretProviderClass names no identity',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'nodePublishSecretRef secret is not set' },
      { says: 'failed to get credentials, nodePublishSecretRef' },
    ],
    cause:
      "clientID is missing under parameters (or is spelt clientId), so the provider looks for a service principal's secret.",
    fix: {
      say: "Set spec.parameters.clientID to the identity's client id (init does), and restart the pod.",
      run: SHOW,
    },
    risk: 'restarts',
  },
  {
    id: 'F146',
    title: "The Secret with the class's credentials does not exist",
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{failed to get node publish secret|fetching NodePublishSecretRef|NodePublishSecretRef|nodePublishSecretRef}… {not found|failed}',
        without: ['secret is not set'],
      },
    ],
    cause: "nodePublishSecretRef of the volume names a Kubernetes Secret that the pod's namespace does not have.",
    fix: {
      say: 'Better than making it: set clientID in the class and take nodePublishSecretRef out of the volume; workload identity needs no Secret.',
      run: 'kubectl get secrets --namespace <namespace>',
    },
    risk: 'none',
    insteadOf: ['F103'],
  },
  {
    id: 'F094',
    title: 'A parameter of the SecretProviderClass is missing',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: '{keyvaultName|tenantId|tenantID|usePodIdentity|clientID} is not provided' },
      { says: 'objects is not set', with: ['{mount|keyvault|provider|SecretProviderClass}'] },
      { says: 'missing object versions', with: ['failed to mount secrets store objects'] },
      { says: '{missing|required} parameter… {keyvaultName|tenantId|tenantID}' },
    ],
    cause:
      'keyvaultName, tenantID or objects is missing or blank under spec.parameters. It must stand exactly there, in this spelling.',
    fix: { say: 'Fill in what the message names (init writes the whole class), and restart the pod.', run: SHOW },
    risk: 'restarts',
  },
  {
    id: 'F095',
    title: 'The list of objects cannot be read as YAML',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'failed to yaml unmarshal objects' },
      { says: 'unmarshal failed for keyVaultObjects at index' },
      { says: '{unmarshal|unmarshaling|unmarshalling}… {keyVaultObjects|StringArray|types.KeyVaultObject}' },
    ],
    cause:
      'parameters.objects is YAML inside YAML. An indentation is off, or the | after "objects:" or before an entry is missing.',
    fix: {
      say: 'Write "objects: |", below it "array:", and each entry as "- |" with its fields indented below. init writes it.',
      run: SHOW,
    },
    risk: 'restarts',
  },
  {
    id: 'F096',
    title: 'The type of an object is not one of secret, key and cert',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ says: 'Invalid vaultObjectTypes. Should be secret, key, or cert' }, { says: 'Invalid vaultObjectTypes' }],
    cause: 'objectType is something else: "certificate", "secrets", or the type of a Kubernetes Secret.',
    fix: {
      say: 'Write objectType: secret, key or cert. The type of the synced Secret belongs into secretObjects.',
      run: SHOW,
    },
    risk: 'restarts',
  },
  {
    id: 'F097',
    title: 'keyvaultName is not the bare name of a vault',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: 'Invalid vault name: … must {match|be between 3 and 24 chars}' },
      { says: 'must match [-a-zA-Z0-9]3,24' },
    ],
    cause: 'The name has 3 to 24 letters, digits and hyphens. A host name or URL does not belong there.',
    fix: {
      say: 'Write keyvaultName: shop-kv, not https://shop-kv.vault.azure.net; the cloud goes into cloudName.',
      run: SHOW,
    },
    risk: 'restarts',
  },
  {
    id: 'F098',
    title: 'The class asks for two ways of signing in',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ says: 'only one identity mode can be enabled at a time' }],
    cause: 'More than one of usePodIdentity, useVMManagedIdentity and useAzureTokenProxy is "true".',
    fix: { say: 'Take all of them out and keep clientID: then workload identity is used.', run: SHOW },
    risk: 'restarts',
  },
  {
    id: 'F099',
    title: 'The name of the cloud is not known',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ says: 'cloudName … is not valid' }, { says: 'There is no cloud environment matching the name' }],
    cause: 'cloudName is misspelt.',
    fix: {
      say: 'Leave cloudName out for the public cloud, or write AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud.',
      run: SHOW,
    },
    risk: 'restarts',
  },
  {
    id: 'F100',
    title: 'A field of an object has a value that is not allowed',
    layer: 'csi',
    methods: CSI,
    seenBy: ['lint', 'verify', 'explain'],
    match: [
      { says: '{invalid objectEncoding|invalid objectFormat|invalid object format|invalid object encoding}' },
      { says: 'objectEncoding {only supported|can only be used|is only supported}' },
      { says: 'file permission must be a valid octal number' },
      {
        says: '{encoding/hex: invalid byte|encoding/hex: odd length|illegal base64 data at input byte}',
        with: ['failed to mount objects'],
      },
      { says: 'file name must {not contain|be a relative path|not be empty}', with: ['objectName'] },
      {
        says: '{filePermission|file permission}… {invalid|must be}',
        with: ['{objectName|keyvault|SecretProviderClass|provider}'],
      },
    ],
    cause:
      'objectEncoding takes utf-8, hex or base64 (secrets only, and the value must be written so), objectFormat pem or pfx, filePermission an octal number in quotes, objectAlias a path below the mount.',
    fix: { say: 'Correct the field that the message names, or leave it out.', run: SHOW },
    risk: 'restarts',
  },
  {
    id: 'F147',
    title: 'A certificate is stored in another format than the class asks for',
    layer: 'csi',
    methods: CSI,
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'pkcs12: {expected|unknown|decryption|error|invalid|mac}' },
      {
        says: '{failed to parse|failed to decode|error decoding|unable to parse|cannot decode|failed to convert|error parsing}… {PFX|PEM|pkcs12|certificate}',
        with: ['{objectType|objectName|keyvault|key vault|secrets-store|failed to mount objects}'],
      },
      { says: 'x509: {failed to parse|malformed}', with: ['{objectType:|objectName|failed to mount objects}'] },
    ],
    cause:
      'objectFormat does not fit what the vault holds (its content type: PEM or PKCS #12), or the PFX has a structure that the provider cannot read.',
    fix: {
      say: 'Set objectFormat as stored, or import the certificate anew, as one PFX with its chain. The line shows the content type.',
      run: 'az keyvault secret show --vault-name <vault> --name <certificate> --query contentType',
    },
    risk: 'none',
  },
];
