/** What a name may look like, and the same as the end of a sentence that begins with the wrong name. */
export interface Rule {
  readonly pattern: RegExp;
  readonly says: string;
}

/**
 * The naming rules of Azure ("Naming rules and restrictions for Azure resources") and of Kubernetes (RFC 1123), as
 * they are enforced on the day of the first call; a name that breaks them is refused before any call.
 */
export const NAMES = {
  vault: {
    pattern: /^(?=.{3,24}$)[a-zA-Z](?!.*--)[a-zA-Z0-9-]*[a-zA-Z0-9]$/,
    says: 'is not the name of a Key Vault: 3 to 24 letters, digits and hyphens, a letter first, no hyphen last, no two hyphens in a row',
  },
  cluster: {
    pattern: /^[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,61}[a-zA-Z0-9])?$/,
    says: 'is not the name of an AKS cluster: 1 to 63 letters, digits, hyphens and underscores, a letter or digit first and last',
  },
  resourceGroup: {
    pattern: /^[\p{L}\p{N}_.()-]{0,89}[\p{L}\p{N}_()-]$/u,
    says: 'is not the name of a resource group: 1 to 90 letters, digits, hyphens, underscores, dots and brackets, no dot last',
  },
  identity: {
    pattern: /^[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}$/,
    says: 'is not the name of a managed identity: 3 to 128 letters, digits, hyphens and underscores, a letter or digit first',
  },
  appRegistration: {
    pattern: /^(?! )[^\p{C}<>;&%|"'`$\\!]{1,120}(?<! )$/u,
    says: 'is not the name of an app registration: 1 to 120 characters, without quotes and < > ; & % | $ ! and with no space at its ends',
  },
  secret: {
    pattern: /^[0-9a-zA-Z-]{1,127}$/,
    says: 'is not the name of a secret in Key Vault: 1 to 127 letters, digits and hyphens',
  },
  alias: {
    // A key of a Kubernetes Secret, and a file of a volume, whose own begin with two dots.
    pattern: /^(?!\.\.|\.$)[-._a-zA-Z0-9]{1,253}$/,
    says: 'is not a name for the pod: 1 to 253 letters, digits, hyphens, underscores and dots, not two dots first',
  },
  workload: {
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    says: 'is not the name of a workload: 1 to 63 lower-case letters, digits and hyphens, a letter or digit first and last',
  },
  namespace: {
    pattern: /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    says: 'is not a namespace: 1 to 63 lower-case letters, digits and hyphens, a letter or digit first and last',
  },
  serviceAccount: {
    pattern: /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
    says: 'is not the name of a service account: 1 to 253 lower-case letters, digits, hyphens and dots, a letter or digit beside each dot and at both ends',
  },
  location: {
    pattern: /^[a-z][a-z0-9]{2,49}$/,
    says: 'is not an Azure region: write it as Azure does, like westeurope',
  },
  nodeSize: {
    pattern: /^[A-Za-z0-9_]{3,64}$/,
    says: 'is not a size of virtual machine: write it as Azure does, like Standard_D2s_v5',
  },
  image: {
    pattern: /^[a-z0-9][\w.:/@-]{0,511}$/,
    says: 'is not a container image: write registry/repository:tag',
  },
  variable: {
    pattern: /^[A-Za-z_][A-Za-z0-9_]{0,127}$/,
    says: 'is not the name of an environment variable',
  },
} as const satisfies Record<string, Rule>;

const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
export const isGuid = (text: string): boolean => GUID.test(text);

/** AKS keeps the group of a cluster's nodes for itself; what is put there goes with the cluster. */
export const isNodeResourceGroup = (name: string): boolean => /^MC_/i.test(name);

/** `sync-secret` as the file spells it: `syncSecret`. */
export const camel = (flag: string): string => flag.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
