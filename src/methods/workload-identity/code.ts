/** What an application adds to read a secret by Workload ID, with the least version of the SDK that knows how. */
export interface Example {
  readonly language: string;
  readonly needs: string;
  readonly lines: readonly string[];
}

/** Least versions: Azure Workload Identity, "Azure Identity SDK" table. */
export function codeFor(vaultUri: string, secret: string): readonly Example[] {
  return [
    {
      language: 'C#',
      needs: 'Azure.Identity 1.9.0 and Azure.Security.KeyVault.Secrets',
      lines: [
        `var client = new SecretClient(new Uri("${vaultUri}"), new WorkloadIdentityCredential());`,
        `string value = (await client.GetSecretAsync("${secret}")).Value.Value;`,
      ],
    },
    {
      language: 'Go',
      needs: 'azidentity 1.3.0 and azsecrets',
      lines: [
        'cred, err := azidentity.NewWorkloadIdentityCredential(nil)',
        `client, err := azsecrets.NewClient("${vaultUri}", cred, nil)`,
        `answer, err := client.GetSecret(ctx, "${secret}", "", nil) // *answer.Value`,
      ],
    },
    {
      language: 'Java',
      needs: 'azure-identity 1.9.0 and azure-security-keyvault-secrets',
      lines: [
        `SecretClient client = new SecretClientBuilder().vaultUrl("${vaultUri}")`,
        '    .credential(new WorkloadIdentityCredentialBuilder().build()).buildClient();',
        `String value = client.getSecret("${secret}").getValue();`,
      ],
    },
    {
      language: 'JavaScript',
      needs: '@azure/identity 3.2.0 and @azure/keyvault-secrets',
      lines: [
        `const client = new SecretClient("${vaultUri}", new WorkloadIdentityCredential());`,
        `const { value } = await client.getSecret("${secret}");`,
      ],
    },
    {
      language: 'Python',
      needs: 'azure-identity 1.13.0 and azure-keyvault-secrets',
      lines: [
        `client = SecretClient("${vaultUri}", WorkloadIdentityCredential())`,
        `value = client.get_secret("${secret}").value`,
      ],
    },
  ];
}
