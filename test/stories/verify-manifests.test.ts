import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begin, type Story } from './harness.ts';

const CLASS = `apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: orders
  namespace: shop
spec:
  provider: azure
  parameters:
    clientId: 8c1f0000-0000-4000-8000-000000000000
    tenantId: 7e4a0000-0000-4000-8000-000000000000
    keyvaultName: shop-kv
    objects: |
      array:
        - |
          objectName: db-password
          objectType: secret
`;

describe('verify --manifests', () => {
  let story: Story;
  beforeAll(async () => {
    story = await begin();
    const deploy = join(story.folder, 'deploy', 'shop');
    mkdirSync(deploy, { recursive: true });
    writeFileSync(join(deploy, 'class.yaml'), `# for orders\n${CLASS}`);
    writeFileSync(join(deploy, 'values.yaml'), 'image: { tag: "1" }\n');
    writeFileSync(join(story.folder, 'good.yaml'), CLASS.replace('clientId:', 'clientID:'));
  });
  afterAll(() => story.close());
  const lint = (words: string) => story.run(`verify --manifests ${words}`, { bare: true });

  it('says what is wrong, in which line, and asks nobody', async () => {
    const { code, out, requests } = await lint('deploy -o json');
    const { checks, kind } = JSON.parse(out);
    expect(kind).toBe('VerifyReport');
    expect(checks).toMatchObject([{ verdict: 'fail', failure: 'F091', file: 'deploy/shop/class.yaml', line: 10 }]);
    expect(code).toBe(3);
    expect(requests).toEqual([]);
  });

  it('annotates the line, where a pull request shows it', async () => {
    const summary = join(story.folder, 'summary.md');
    const { code, out } = await story.run('verify --manifests deploy -o github', {
      bare: true,
      env: { GITHUB_STEP_SUMMARY: summary },
    });
    expect(out).toMatch(/^::error file=deploy\/shop\/class\.yaml,line=10,col=\d+,title=F091%3A /);
    expect(code).toBe(3);
    const [result] = JSON.parse((await lint('deploy -o sarif')).out).runs[0].results;
    expect(result).toMatchObject({
      ruleId: 'F091',
      locations: [
        { physicalLocation: { artifactLocation: { uri: 'deploy/shop/class.yaml' }, region: { startLine: 10 } } },
      ],
    });
  });

  it('of what is well, nothing', async () => {
    const { code, out } = await lint('good.yaml -o json');
    expect(JSON.parse(out).summary).toMatchObject({ fail: 0, warn: 0, unknown: 0, pass: 1 });
    expect(code).toBe(0);
    const accepted = await lint('deploy --suppress F091=shop/orders -o json');
    expect(accepted.code).toBe(0);
    expect(JSON.parse(accepted.out).checks).toMatchObject([{ failure: 'F091', suppressed: true }]);
  });

  it.each([
    ['nothing', /there is no nothing/],
    ['deploy/shop/values.yaml', /no Kubernetes object/],
    ['deploy --wait 5m', /--wait does not go with --manifests/],
  ])('%s is a complaint', async (words, says) => {
    const { code, err } = await lint(words);
    expect(code).toBe(2);
    expect(err).toMatch(says);
  });
});
