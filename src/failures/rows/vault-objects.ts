import type { Row } from '../row.ts';

/** What lies in the vault. */
export const VAULT_OBJECTS: readonly Row[] = [
  {
    id: 'F082',
    title: 'The pinned version of the secret does not exist in this vault',
    layer: 'object',
    seenBy: ['verify', 'explain'],
    match: [
      { says: 'A {secret|key|certificate} with (name/id) ~/~ was not found in this key vault' },
      {
        says: '{secretVersion|secret version|version|object version} … {not found|does not exist}',
        with: ['{key vault|keyvault|vault.azure}', '{SecretNotFound|objectVersion|VersionNotFound}'],
        vague: true,
      },
      { code: 'SecretVersionNotFound' },
    ],
    cause:
      'The class or store names one version (objectVersion, version), and that one belongs to another vault or was purged.',
    fix: {
      say: 'Leave the version out: then the current one is read, and rotation works. The line lists the versions there are.',
      run: 'az keyvault secret list-versions --vault-name <vault> --name <secret> --query "[].{id:id,enabled:attributes.enabled}" --output table',
    },
    risk: 'none',
    insteadOf: ['F077'],
  },
  {
    id: 'F078',
    title: 'The vault has no key or certificate of that name',
    layer: 'object',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'KeyNotFound', with: ['vault'] },
      { code: 'CertificateNotFound' },
      { says: 'A {key|certificate} with (name/id) … was not found in this key vault' },
    ],
    cause:
      'The object is of another type (a secret asked for as a certificate), misspelt, deleted, or in another vault.',
    fix: {
      say: 'Name it with its type: --secret, --key or --certificate; objectType in a class, cert/ or key/ before the name in an ExternalSecret.',
      run: 'az keyvault certificate list --vault-name <vault> --query "[].name" --output table',
    },
    risk: 'none',
    insteadOf: ['F077'],
  },
  {
    id: 'F077',
    title: 'The vault has no secret of that name',
    layer: 'object',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'SecretNotFound', without: ['{amazonaws|hashicorp|secretsmanager|gcpsm}'] },
      { code: 'ObjectIsDeletedButRecoverable' },
      { says: 'A secret with (name/id) … was not found in this key vault' },
      // As the operator says it of any vault.
      { says: 'err: Secret does not exist', without: ['{amazonaws|hashicorp|secretsmanager|gcpsm}'] },
      {
        says: 'is currently in a deleted but recoverable state',
        with: ['{secret|vault|certificate}'],
        without: ['vault name'],
      },
    ],
    cause:
      'The secret is misspelt, in another vault, or deleted: a deleted one keeps its name until its retention ends.',
    fix: {
      say: 'Write it (init --secret-value), correct the name, or recover a deleted one: az keyvault secret recover. The line lists the names.',
      run: 'az keyvault secret list --vault-name <vault> --include-managed --query "[].name" --output table',
    },
    risk: 'none',
  },
  {
    id: 'F079',
    title: 'The secret is disabled',
    layer: 'object',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'SecretDisabled' },
      { says: 'Operation {get|list|set} is not allowed on a disabled {secret|key|certificate}' },
    ],
    cause: 'The current version of the secret is switched off.',
    fix: {
      say: 'Have its owner enable it, or write a new version.',
      run: 'az keyvault secret set-attributes --vault-name <vault> --name <secret> --enabled true',
    },
    risk: 'widens',
  },
  {
    id: 'F080',
    title: 'The secret or key has ended, or is not valid yet',
    layer: 'object',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'SecretExpired' },
      { code: 'KeyExpired' },
      { says: 'is not allowed on an expired {secret|key|certificate}' },
      { says: 'is not allowed on a {secret|key|certificate} that is {not yet valid|expired}' },
      { says: 'not allowed {before|since} {nbf|the not-before|its activation}', with: ['vault'] },
      {
        says: 'secret … {is not yet valid|not yet active|has expired|is expired}',
        with: ['{key vault|keyvault}', '{expir|not before|activation}'],
        vague: true,
      },
    ],
    cause:
      'The dates of the current version (nbf, exp) exclude today. Key Vault mostly still gives such a secret; who reads it may not accept it.',
    fix: {
      say: 'Write a new version: init --rotate <secret>. The line shows the dates.',
      run: 'az keyvault secret show --vault-name <vault> --name <secret> --query attributes',
    },
    risk: 'none',
  },
  {
    id: 'F081',
    title: 'The name of the secret is not allowed',
    layer: 'object',
    seenBy: ['lint', 'verify', 'explain'],
    match: [{ code: 'BadParameter', with: ['invalid name'] }, { says: 'The request URI contains an invalid name' }],
    cause: 'Names in Key Vault have letters, digits and hyphens only: no underscore, dot or slash.',
    fix: { say: 'Rename it, and give the name that the pod should see as an alias: --secret db-password=DB_PASSWORD.' },
    risk: 'none',
  },
];
