import { z } from 'zod';
import { API_VERSION } from '../api-version.ts';
import type { Method } from '../methods/method.ts';
import { camel, NAMES } from './names.ts';

/** The image of the sample and the probe: Node without packages, from Microsoft's registry. */
export const SAMPLE_IMAGE = 'mcr.microsoft.com/azurelinux/base/nodejs:24';

const named = (rule: keyof typeof NAMES, about: string) =>
  z.string().regex(NAMES[rule].pattern, { error: NAMES[rule].says }).describe(about);

/** What has no rule of its own: it goes into manifests, scripts and lines to paste. */
const words = z
  .string()
  .min(1)
  .regex(/^[^\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]*$/u, { error: 'holds characters that cannot be seen' });

const createVault = z
  .strictObject({
    location: named('location', "Azure region; default: the cluster's").optional(),
    purgeProtection: z.boolean().describe('Nobody can purge the vault; cannot be undone').optional(),
  })
  .describe('Make the vault when it is absent');

const vault = z.strictObject({
  resourceGroup: named('resourceGroup', "Resource group; default: the cluster's").optional(),
  name: named('vault', 'Key Vault').optional(),
  create: z.union([z.boolean(), createVault]).optional(),
});

const cluster = z.strictObject({
  resourceGroup: named('resourceGroup', 'Resource group of the cluster').optional(),
  name: named('cluster', 'AKS cluster').optional(),
  create: z
    .strictObject({
      location: named('location', 'Azure region').optional(),
      nodeCount: z.int().min(1).max(1000).describe('Number of nodes').optional(),
      nodeSize: named('nodeSize', 'Size of the nodes').optional(),
    })
    .describe('Make the cluster when it is absent')
    .optional(),
});

const identity = z.strictObject({
  resourceGroup: named('resourceGroup', "Resource group; default: the cluster's").optional(),
  name: named(
    'identity',
    'User-assigned managed identity; default: <namespace>-<workload>-<hash of the cluster>',
  ).optional(),
});

const appRegistration = z
  .strictObject({ name: named('appRegistration', 'Its display name, or its client id') })
  .describe('An Entra app registration instead of a managed identity (a vault of another tenant)');

const as = named('alias', 'Name under which the pod sees it; default: its name in Key Vault').optional();
const value = z
  .strictObject({ env: named('variable', 'Environment variable that holds the value') })
  .describe('Where the value comes from when the secret is absent from the vault');
const name = named('secret', 'Name in Key Vault');
const secrets = z.array(z.union([name, z.strictObject({ name, as, value: value.optional() })]));
const objects = z.array(z.union([name, z.strictObject({ name, as })]));

/**
 * The file: the one definition that validates it, types it and makes its JSON Schema. Everything but the version may be
 * left to flags; what neither gives is named later, all at once.
 */
export function fileSchema(methods: readonly Method[]) {
  const options = Object.fromEntries(
    methods.flatMap(({ questions }) =>
      questions.map(({ flag, ask, value }) => [
        camel(flag),
        (value === undefined ? z.boolean() : words).describe(ask).optional(),
      ]),
    ),
  );
  const workload = z.strictObject({
    name: named('workload', 'Name of the workload'),
    namespace: named('namespace', 'Kubernetes namespace; made when absent').optional(),
    serviceAccount: named(
      'serviceAccount',
      "Kubernetes service account, made when absent; default: the workload's name",
    ).optional(),
    method: z
      .enum(methods.map(({ name }) => name))
      .describe('How the pod gets its secrets')
      .optional(),
    vault: vault.describe('Key Vault of this workload; default: that of the file').optional(),
    identity: identity.optional(),
    appRegistration: appRegistration.optional(),
    secrets: secrets.describe('Secrets that the pod gets').optional(),
    keys: objects.describe('Keys whose public part the pod gets').optional(),
    certificates: objects.describe('Certificates that the pod gets').optional(),
    roleScope: z.enum(['vault', 'secret']).describe('Width of the role assignment; default: vault').optional(),
    sample: z
      .union([z.boolean(), z.strictObject({ image: named('image', 'Container image with Node') })])
      .describe('Deploy a sample workload that reads the secrets')
      .optional(),
  });
  return z.strictObject({
    $schema: z.string().optional(),
    apiVersion: z.literal(API_VERSION),
    subscription: words.describe('Subscription id').optional(),
    cluster: cluster.optional(),
    vault: vault.describe('Key Vault of all workloads that name none').optional(),
    workloads: z
      .array(z.strictObject({ ...workload.shape, ...(options as unknown as Record<never, never>) }))
      .optional(),
  });
}

export type FileShape = z.infer<ReturnType<typeof fileSchema>>;
export type WorkloadShape = NonNullable<FileShape['workloads']>[number];
export type VaultShape = z.infer<typeof vault>;

/** The JSON Schema of the file, for editors. */
export function jsonSchema(methods: readonly Method[]): Record<string, unknown> {
  const schema = z.toJSONSchema(fileSchema(methods), { target: 'draft-07' });
  return { ...schema, title: 'aks-secrets', description: 'Which pods on AKS get which secrets of Azure Key Vault' };
}
