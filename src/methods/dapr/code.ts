/** What an application adds to read a secret through its sidecar. */
export interface Example {
  readonly language: string;
  readonly lines: readonly string[];
}

/** The calls are those of the SDKs' own guides (docs.dapr.io, "How To: Retrieve a secret"). */
export function codeFor(store: string, secret: string): readonly Example[] {
  return [
    {
      language: 'any, by HTTP',
      lines: [`GET http://localhost:$DAPR_HTTP_PORT/v1.0/secrets/${store}/${secret}    # {"${secret}": "..."}`],
    },
    {
      language: 'C#, Dapr.Client',
      lines: [
        'using var client = new DaprClientBuilder().Build();',
        `string value = (await client.GetSecretAsync("${store}", "${secret}"))["${secret}"];`,
      ],
    },
    {
      language: 'Go, github.com/dapr/go-sdk/client',
      lines: [
        'client, err := dapr.NewClient()',
        `answer, err := client.GetSecret(ctx, "${store}", "${secret}", nil) // answer["${secret}"]`,
      ],
    },
    {
      language: 'Java, io.dapr:dapr-sdk',
      lines: [
        'try (DaprClient client = new DaprClientBuilder().build()) {',
        `  String value = client.getSecret("${store}", "${secret}").block().get("${secret}");`,
        '}',
      ],
    },
    {
      language: 'JavaScript, @dapr/dapr',
      lines: [`const { "${secret}": value } = await new DaprClient().secret.get("${store}", "${secret}");`],
    },
    {
      language: 'Python, dapr',
      lines: [
        'with DaprClient() as client:',
        `    value = client.get_secret(store_name="${store}", key="${secret}").secret["${secret}"]`,
      ],
    },
  ];
}
