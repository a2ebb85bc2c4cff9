/** Where the lab runs: inside its own namespaces. Undefined outside of them; its cases are skipped there. */
export const LAB: { readonly folder: string } | undefined = process.env.AKS_SECRETS_LAB_FOLDER
  ? { folder: process.env.AKS_SECRETS_LAB_FOLDER }
  : undefined;
