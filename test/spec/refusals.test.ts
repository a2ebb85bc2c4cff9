import { describe, expect, it } from 'vitest';
import { complaintsOf, methods, read } from './ways.ts';

const head = `apiVersion: aks-secrets/v1
cluster: { resourceGroup: shop-rg, name: shop-aks }
vault: { name: shop-kv }
`;
/** The line after the head. */
const FIRST = 4;
const orders = (more: string): string => `${head}workloads:
  - name: orders
    namespace: shop
    method: csi
    secrets: [db-password]
${more}`;

describe('a file that is right', () => {
  it('is read', async () => {
    expect((await read(orders(''))).workloads).toHaveLength(1);
  });
});

describe('a file that is wrong', () => {
  it.each<[what: string, text: string, says: RegExp[]]>([
    [
      'an unknown key',
      orders('    nmespace: x'),
      [/^aks-secrets.yaml:9: Unknown key "nmespace" under workloads\[0\]\. Did you mean "namespace"\?/],
    ],
    [
      'another spelling',
      `${head}workloads:\n  - { name: a, namespace: b, method: csi, secrets: [x], service-account: c }`,
      [/:5: .*Did you mean "serviceAccount"/],
    ],
    ['a tab', 'apiVersion: aks-secrets/v1\ncluster:\n\tname: x', [/^aks-secrets.yaml:3: A tab is used to indent/]],
    ['a key given twice', orders('    namespace: other'), [/^aks-secrets.yaml:9: This key is given twice/]],
    ['two documents', `${orders('')}---\na: 1`, [/:9: A second document begins here/]],
    ['an older YAML', `%YAML 1.1\n---\n${orders('')}`, [/:1: Expected YAML 1\.2/]],
    ['a tag', orders('    roleScope: !vault secret'), [/:9: Tags/]],
    ['a loop of anchors', `${head}workloads: &a [*a]`, [/:4: .*write it out/]],
    ['a list for a file', '- a', [/:1: The file: expected keys with values, found a list/]],
    [
      'no version',
      orders('').replace('apiVersion: aks-secrets/v1\n', ''),
      [/:1: The file lacks apiVersion; begin it with apiVersion: aks-secrets\/v1/],
    ],
    [
      'another version',
      orders('').replace('/v1', '/v2'),
      [/:1: apiVersion: "aks-secrets\/v2" is not known; expected aks-secrets\/v1/],
    ],
    [
      'a number for a name',
      orders('').replace('namespace: shop', 'namespace: 12'),
      [/:6: .*expected text, found the number 12; put it in quotes/],
    ],
    [
      'an unknown method',
      orders('').replace('csi', 'cis'),
      [/:7: .*"cis" is not known; expected workload-identity or csi\. Did you mean "csi"\?/],
    ],
    [
      'a vault with an underscore',
      orders('').replace('shop-kv', 'shop_kv'),
      [/:3: vault\.name: "shop_kv" is not the name of a Key Vault: 3 to 24/],
    ],
    ['a vault of 25 letters', orders('').replace('shop-kv', 'a'.repeat(25)), [/:3: .*3 to 24/]],
    ['a vault with two hyphens', orders('').replace('shop-kv', 'shop--kv'), [/:3: .*no two hyphens/]],
    [
      'a namespace with capitals',
      orders('').replace('namespace: shop', 'namespace: Shop'),
      [/:6: .*"Shop" is not a namespace/],
    ],
    [
      'a secret with an underscore',
      orders('').replace('db-password', 'db_password'),
      [/:8: .*say \{ name: db-password, as: db_password \}/],
    ],
    [
      'a value in the file',
      orders('').replace('[db-password]', '[{ name: db-password, value: hunter2 }]'),
      [/:8: .*expected \{ env: NAME \}; a value itself is never written/],
    ],
    [
      'a value from a file',
      orders('').replace('[db-password]', '[{ name: db-password, value: { file: x } }]'),
      [/:8: "file" .*only an environment variable.*--secret-value NAME=file:PATH/],
    ],
    [
      'a name used twice',
      orders('').replace('[db-password]', '[a, { name: b, as: a }]'),
      [/:8: Two of orders's secrets are called "a"/],
    ],
    [
      'an option of another method',
      orders('    syncSecret: x').replace('csi', 'workload-identity'),
      [/:9: syncSecret \(--sync-secret\) is for csi, and orders is delivered by workload-identity/],
    ],
    ['an option that its method refuses', orders('    rotationInterval: often'), [/:9: rotation-interval takes 2m/]],
    [
      'the node resource group',
      orders('    identity: { resourceGroup: MC_shop-rg_shop-aks_westeurope }'),
      [/:9: MC_shop-rg.* node resource group/],
    ],
    [
      'an app registration beside an identity',
      orders('    identity: { name: orders-id }\n    appRegistration: { name: orders }'),
      [/:10: orders is to become an app registration and a managed identity \(line 9\)/],
    ],
    ['an app registration without a name', orders('    appRegistration: {}'), [/:9: .*appRegistration lacks name/]],
    [
      'an app registration whose name a shell would read',
      orders("    appRegistration: { name: '$(id)' }"),
      [/:9: .*is not the name of an app registration/],
    ],
    [
      'a sample of a workload whose name leaves no room for its own',
      orders('    sample: true').replace('name: orders', `name: ${'o'.repeat(57)}`),
      [/:5: .*57 letters.*56/],
    ],
    ['the default service account', orders('    serviceAccount: default'), [/:9: .*--allow default-service-account/]],
  ])('%s', async (_, text, says) => {
    const complaints = await complaintsOf(text);
    expect(complaints).toEqual(says.map((one) => expect.stringMatching(one)));
    expect(complaints.join('\n')).not.toContain('hunter2');
  });

  it.each([
    ['cloud', 'https://evil.example', '--cloud or AKS_SECRETS_CLOUD'],
    ['tenant', 'x', '--tenant or AKS_SECRETS_TENANT'],
    ['kubeconfig', 'x', '--kubeconfig or AKS_SECRETS_KUBECONFIG'],
    ['context', 'x', '--context or AKS_SECRETS_CONTEXT'],
    ['templates', 'x', '--templates or AKS_SECRETS_TEMPLATES'],
    ['yes', 'true', '--yes or AKS_SECRETS_YES'],
    ['allow', '[cluster]', '--allow or AKS_SECRETS_ALLOW'],
    ['grantSelf', 'true', '--grant-self or AKS_SECRETS_GRANT_SELF'],
    ['rotate', '[a]', '--rotate or AKS_SECRETS_ROTATE'],
    ['sandbox', 'true', '--sandbox or AKS_SECRETS_SANDBOX'],
  ])('sets %s, at the root or in a workload', async (key, value, instead) => {
    for (const text of [`${orders('')}${key}: ${value}`, orders(`    ${key}: ${value}`)]) {
      const complaints = await complaintsOf(text);
      expect(complaints).toHaveLength(1);
      expect(complaints[0]).toContain('does not belong in a file');
      expect(complaints[0]).toContain(`Use ${instead}.`);
    }
  });

  it('hears all of it at once, by line', async () => {
    const text = `apiVersion: aks-secrets/v1
cluster: { resourcegroup: shop-rg, name: 5 }
vault: { name: shop_kv }
kubeconfig: x
workloads:
  - name: Orders
    namespace: shop
    method: cis
    secrets: [db_password, also_wrong]
  - name: mailer
    method: csi
    secrets: [a]
`;
    const complaints = await complaintsOf(text);
    expect(complaints.map((one) => /:(\d+):/.exec(one)?.[1])).toEqual(['2', '2', '3', '4', '6', '8', '9', '9', '10']);
    expect(complaints.at(-1)).toContain('mailer lacks namespace');
  });
});

describe('workloads that exclude each other', () => {
  const two = (a: string, b: string): string =>
    `${head}workloads:\n  - { name: orders, namespace: shop, method: csi, secrets: [x]${a} }\n  - { name: mailer, namespace: shop, method: csi, secrets: [y]${b} }\n`;
  const [A, B] = [FIRST + 1, FIRST + 2];

  it.each<[what: string, text: string, says: RegExp]>([
    ['one name', two('', '').replace('mailer', 'orders'), /Two workloads are called "orders"/],
    [
      'one service account, two identities',
      two(', serviceAccount: app', ', serviceAccount: app'),
      /share the service account shop\/app/,
    ],
    [
      'two intervals of one cluster',
      two(', rotationInterval: 2m', ', rotationInterval: 5m'),
      /wants rotationInterval 2m and mailer wants 5m/,
    ],
    [
      'one vault in two groups',
      two(', vault: { name: v-kv, resourceGroup: a }', ', vault: { name: v-kv, resourceGroup: b }'),
      /The vault v-kv is said to lie in a and in b/,
    ],
    [
      'one vault made in two ways',
      two(', vault: { name: v-kv, create: { purgeProtection: true } }', ', vault: { name: v-kv, create: true }'),
      /made in two ways/,
    ],
  ])('%s: both lines', async (_, text, says) => {
    const complaints = await complaintsOf(text);
    expect(complaints).toEqual([expect.stringMatching(says)]);
    expect(complaints[0]).toContain(`aks-secrets.yaml:${B}:`);
    expect(complaints[0]).toContain(`(lines ${A} and ${B})`);
  });

  it('one value from two variables', async () => {
    const text = two('', '')
      .replaceAll(/\[[xy]\]/g, '[{ name: x, value: { env: A } }]')
      .replace('env: A', 'env: B');
    expect(await complaintsOf(text)).toEqual([expect.stringContaining('from env:B and from env:A (lines 5 and 6)')]);
  });

  it('names that meet by chance do not share an identity', async () => {
    const text = `${head}workloads:\n  - { name: c, namespace: a-b, method: csi, secrets: [x] }\n  - { name: b-c, namespace: a, method: csi, secrets: [x] }\n`;
    expect(await complaintsOf(text)).toEqual([expect.stringContaining('would share the identity a-b-c-')]);
  });

  it('agree where they can', async () => {
    expect(await complaintsOf(two(', rotationInterval: 2m', ''))).toEqual([]);
    expect(
      await complaintsOf(
        two(', serviceAccount: app, identity: { name: app-id }', ', serviceAccount: app, identity: { name: app-id }'),
      ),
    ).toEqual([]);
  });
});

describe('flags that are wrong', () => {
  const given = {
    cluster: 'c1',
    'resource-group': 'rg',
    vault: 'the-kv',
    workload: ['orders'],
    namespace: 'shop',
    method: 'csi',
    secret: ['a'],
  };

  it.each<[what: string, more: object, says: RegExp[]]>([
    ['a method', { method: 'cis' }, [/^--method: "cis" is not known; expected workload-identity or csi/]],
    ['a vault', { vault: '1kv' }, [/^--vault: "1kv" is not the name of a Key Vault/]],
    ['an alias', { secret: ['a=b c'] }, [/^--secret: .* is not a name for the pod/]],
    [
      'a value instead of its source',
      { 'secret-value': ['a=hunter2'] },
      [/^--secret-value for a: no flag takes the value itself/],
    ],
    ['a value of an unknown kind', { 'secret-value': ['a=exec:hunter2'] }, [/no flag takes the value itself/]],
    ['a value without a name', { 'secret-value': ['hunter2'] }, [/^--secret-value: no flag takes the value itself/]],
    [
      'a value for what is not asked for',
      { 'secret-value': ['aa=env:X'] },
      [/orders gets no secret "aa"\. Did you mean "a"\?/],
    ],
    [
      'two values from one stdin',
      { secret: ['a', 'b'], 'secret-value': ['a=stdin', 'b=stdin'] },
      [/standard input holds one value/],
    ],
    ['a rotation without a value', { rotate: ['a'] }, [/^--rotate: a needs its new value/]],
    [
      'a number of nodes',
      { 'create-cluster': true, location: 'westeurope', 'node-count': 'many' },
      [/^--node-count: expected a (?:whole )?number, found text/],
    ],
    [
      'no region for a cluster',
      { 'create-cluster': true },
      [/Missing: the region of the cluster to be made.*--location/],
    ],
    ['a region for nothing', { location: 'westeurope' }, [/^--location goes with --create-cluster or --create-vault/]],
    ['several workloads', { workload: ['a', 'b'] }, [/^--workload: several workloads need a file/]],
    [
      'two options that their method refuses',
      { 'rotation-interval': '2 minutes', 'sync-secret': 'a b' },
      [/^--sync-secret: takes a name/, /^--rotation-interval: /],
    ],
    ['an image without a sample', { 'sample-image': 'x/y:1' }, [/^--sample-image goes with --sample/]],
    ['a grant to be kept that nobody asked for', { 'keep-grant': true }, [/^--keep-grant goes with --grant-self/]],
    [
      'an app registration beside an identity',
      { identity: 'orders-id', 'app-registration': 'orders' },
      [/^--app-registration: orders is to become .* a managed identity \(--identity\); a pod is one of them/],
    ],
  ])('%s', async (_, more, says) => {
    const complaints = await complaintsOf(undefined, { ...given, ...more });
    expect(complaints).toEqual(says.map((one) => expect.stringMatching(one)));
    expect(complaints.join('\n')).not.toContain('hunter2');
  });

  it('all that is missing is named at once', async () => {
    const flags = ['cluster', 'resource-group', 'workload', 'namespace', 'method', 'vault', 'secret'];
    expect(await complaintsOf(undefined)).toEqual(
      flags.map((flag) => expect.stringMatching(new RegExp(`^Missing: .*--${flag}\\.$`))),
    );
  });

  it('a flag about one workload needs one to be about', async () => {
    const text = `${orders('')}  - { name: mailer, namespace: shop, method: csi, secrets: [y] }\n`;
    expect(await complaintsOf(text, { method: 'csi' })).toEqual([
      '--method is about one workload, and aks-secrets.yaml gives 2. Choose one by --workload: orders or mailer.',
    ]);
    expect(await complaintsOf(text, { method: 'csi', workload: ['mailer'] })).toEqual([]);
    expect(await complaintsOf(text, { workload: ['mialer'] })).toEqual([
      expect.stringContaining('Did you mean "mailer"?'),
    ]);
  });
});

describe('what a method cannot bring into a pod', () => {
  const given = { ...methods[0]!, name: 'dapr', carries: ['secret'] } as const;
  const all = { methods: [...methods, given] };
  const dapr = (more: string): string => orders(more).replace('csi', 'dapr');

  it('is a complaint with its line, and what to do instead', async () => {
    const said = await complaintsOf(dapr('    certificates: [{ name: tls, as: x }]\n    keys: [a, b]'), {}, all);
    expect(said).toEqual([
      expect.stringMatching(
        /^aks-secrets\.yaml:9: tls is a certificate, and dapr, by which orders is delivered, brings secrets only\. For the certificate with its private key name it as a secret \(secrets: tls, --secret tls\)\. Its public part is delivered by workload-identity or csi\.$/,
      ),
      expect.stringMatching(/:10: a is a key, .*brings secrets only\. Its public part is delivered by/),
      expect.stringMatching(/:10: b is a key/),
    ]);
  });

  it('also by a flag', async () => {
    expect(await complaintsOf(dapr(''), { certificate: ['tls'] }, all)).toEqual([
      expect.stringMatching(/^--certificate: tls is a certificate, and dapr/),
    ]);
  });

  it('is none of those that can', async () => {
    expect((await read(orders('    certificates: [tls]'), {}, all)).workloads).toHaveLength(1);
  });
});
