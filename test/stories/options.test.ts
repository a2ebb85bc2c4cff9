import { expect, it } from 'vitest';
import { begin, type Options } from './harness.ts';

const VALUE: Options = { env: { VALUE: 'invented' }, noSample: true };
const NEW_VAULT =
  '--vault made-kv --create-vault --secret fresh --secret-value fresh=env:VALUE --keep-grant --grant-self';
const NEW_CLUSTER = '--cluster made-aks --create-cluster --location northeurope --vault-resource-group demo-rg';

/** Whatever is asked for, asking again finds it: the first promise, for each way of asking. */
it.each<[string, Options]>([
  ['--method csi --sync-secret demo-values', { noSample: true }],
  ['--method csi --rotation-interval 7m', { noSample: true }],
  ['--method csi --secret db-password=DB --role-scope secret', { noSample: true }],
  ['--method csi --sample-image example.com/node:1', {}],
  ['--method workload-identity --identity own-id --identity-resource-group made-rg', { noSample: true }],
  ['--method workload-identity --service-account runner --namespace other', { noSample: true }],
  [`--method workload-identity ${NEW_VAULT}`, VALUE],
  [`--method workload-identity ${NEW_VAULT} --vault-resource-group made-rg --purge-protection yes`, VALUE],
  [`--method csi --resource-group demo-rg ${NEW_CLUSTER}`, { noSample: true }],
  [`--method csi --resource-group made-rg ${NEW_CLUSTER} --node-count 2`, {}],
  [`--method csi --resource-group all-rg --cluster made-aks --create-cluster --location uksouth ${NEW_VAULT}`, VALUE],
])('init %s: done, and the second time not one write', async (flags, more) => {
  const story = await begin();
  const first = await story.run(`init --yes ${flags}`, more);
  expect({ code: first.code, err: first.code ? first.err : '' }).toEqual({ code: 0, err: '' });
  expect(first.writes.length).toBeGreaterThan(0);
  const again = await story.run(`init --yes ${flags}`, more);
  expect({ code: again.code, writes: again.writes }).toEqual({ code: 0, writes: [] });
  expect(again.out).toContain('Nothing to change');
  await story.close();
});

it('a setting of the whole cluster needs the consent for it, also when all else is there', async () => {
  const story = await begin();
  const bare =
    'init --method csi --cluster demo-aks --resource-group demo-rg --vault demo-kv --workload demo --namespace demo --secret api-key';
  await story.run(`${bare} --yes --allow cluster,irreversible`, { bare: true });
  const refused = await story.run(`${bare} --yes --rotation-interval 10m`, { bare: true });
  expect({ code: refused.code, writes: refused.writes }).toEqual({ code: 6, writes: [] });
  expect(refused.err).toContain('--allow cluster');
  const allowed = await story.run(`${bare} --yes --rotation-interval 10m --allow cluster`, { bare: true });
  expect({ code: allowed.code, paths: allowed.writes.map(({ path }) => path) }).toEqual({
    code: 0,
    paths: [expect.stringMatching(/managedClusters\/demo-aks$/)],
  });
  // Who asks for no interval keeps what the cluster has.
  expect(await story.run(`${bare} --yes`, { bare: true })).toMatchObject({ code: 0, writes: [] });
  await story.close();
});
