/** The environment variable of a flag: `AKS_SECRETS_RESOURCE_GROUP`. */
export const variableOf = (flag: string): string => `AKS_SECRETS_${flag.toUpperCase().replaceAll('-', '_')}`;
