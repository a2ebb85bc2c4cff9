import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromFieldsV1, toFieldsV1 } from '../../src/sandbox/kubernetes/apply/fieldset.ts';
import { clusterWorld, deployment, type Json, pathOf } from './kubernetes-world.ts';

const config = (data: Json, labels?: Json) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'settings', namespace: 'shop', ...(labels && { labels }) },
  data,
});
const path = pathOf(config({}));
const managerOf = (object: Json, manager: string) =>
  object.metadata.managedFields?.find((entry: Json) => entry.manager === manager);

describe('server-side apply', () => {
  it('creates with 201, and owns exactly what was applied', async () => {
    const world = await clusterWorld();
    const { status, body } = await world.apply(config({ a: '1' }, { team: 'x' }));
    expect(status).toBe(201);
    expect(body.metadata).toMatchObject({ uid: expect.any(String), creationTimestamp: '2026-11-22T12:00:00Z' });
    expect(body.metadata.managedFields).toEqual([
      {
        manager: 'test',
        operation: 'Apply',
        apiVersion: 'v1',
        time: '2026-11-22T12:00:00Z',
        fieldsType: 'FieldsV1',
        fieldsV1: { 'f:data': { 'f:a': {} }, 'f:metadata': { 'f:labels': { 'f:team': {} } } },
      },
    ]);
  });

  it('writes nothing when nothing changes', async () => {
    const world = await clusterWorld();
    const first = await world.apply(deployment());
    await world.advance(5000);
    const settled = await world.get(pathOf(first.body));
    const again = await world.apply(deployment());
    expect(again.status).toBe(200);
    expect(again.body.metadata.resourceVersion).toBe(settled.metadata.resourceVersion);
    expect(again.body.metadata.generation).toBe(1);
  });

  it('refuses what another manager owns, with a cause for each field', async () => {
    const world = await clusterWorld();
    await world.ask(
      'POST',
      `${path.replace(/\/settings$/, '')}?fieldManager=kubectl-client-side-apply`,
      config({ a: '1', b: '2' }),
    );
    const { status, body } = await world.apply(config({ a: 'x', b: 'y', c: 'z' }));
    expect(status).toBe(409);
    expect(body).toMatchObject({ kind: 'Status', reason: 'Conflict', code: 409 });
    expect(body.details.causes).toEqual(
      ['.data.a', '.data.b'].map((field) => ({
        reason: 'FieldManagerConflict',
        message: 'conflict with "kubectl-client-side-apply" using v1',
        field,
      })),
    );
    expect(body.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using v1:\n- .data.a\n- .data.b',
    );
    expect((await world.get(path)).data).toEqual({ a: '1', b: '2' });
  });

  it('shares a field whose value is the same', async () => {
    const world = await clusterWorld();
    await world.apply(config({ a: '1' }), { fieldManager: 'other' });
    const { status, body } = await world.apply(config({ a: '1' }));
    expect(status).toBe(200);
    expect(managerOf(body, 'other').fieldsV1).toEqual(managerOf(body, 'test').fieldsV1);
    // Given up by one, it stays for the other.
    const { body: left } = await world.apply(config({}));
    expect(left.data).toEqual({ a: '1' });
  });

  it('names an applier without a version', async () => {
    const world = await clusterWorld();
    await world.apply(config({ a: '1' }), { fieldManager: 'flux' });
    const { body } = await world.apply(config({ a: '2' }));
    expect(body.message).toBe('Apply failed with 1 conflict: conflict with "flux": .data.a');
  });

  it('takes over by force', async () => {
    const world = await clusterWorld();
    await world.apply(config({ a: '1', b: '2' }), { fieldManager: 'flux' });
    const { status, body } = await world.apply(config({ a: '9' }), { force: 'true' });
    expect(status).toBe(200);
    expect(body.data).toEqual({ a: '9', b: '2' });
    expect(managerOf(body, 'flux').fieldsV1).toEqual({ 'f:data': { 'f:b': {} } });
  });

  it('takes away what is no longer applied, and only that', async () => {
    const world = await clusterWorld();
    await world.apply(config({ a: '1', b: '2' }, { mine: 'x' }));
    await world.ask(
      'PATCH',
      path,
      { data: { theirs: '3' }, metadata: { annotations: { note: 'theirs' } } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    const { body } = await world.apply(config({ a: '1' }));
    expect(body.data).toEqual({ a: '1', theirs: '3' });
    expect(body.metadata.labels).toBeUndefined();
    expect(body.metadata.annotations).toEqual({ note: 'theirs' });
  });

  it('an update takes ownership, so that the next apply conflicts', async () => {
    const world = await clusterWorld();
    await world.apply(config({ a: '1' }));
    await world.ask(
      'PATCH',
      `${path}?fieldManager=kubectl-edit`,
      { data: { a: '2' } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    const { status, body } = await world.apply(config({ a: '1' }));
    expect(status).toBe(409);
    expect(body.details.causes[0].message).toBe('conflict with "kubectl-edit" using v1');
  });

  it('changes nothing on a dry run', async () => {
    const world = await clusterWorld();
    const { status, body } = await world.apply(config({ a: '1' }), { dryRun: 'All' });
    expect(status).toBe(201);
    expect(body.data).toEqual({ a: '1' });
    expect((await world.ask('GET', path)).status).toBe(404);
  });

  it('needs a field manager', async () => {
    const world = await clusterWorld();
    const { status, body } = await world.apply(config({}), { fieldManager: '' });
    expect(status).toBe(422);
    expect(body.message).toContain('fieldManager: Required value: is required for apply patch');
  });
});

describe('lists', () => {
  const variable = (name: string, value: string) => ({ name, value });
  const container = (more: Json) => ({ containers: [{ name: 'app', image: 'registry.example/app:1', ...more }] });

  it('merge by their keys: env of several managers', async () => {
    const world = await clusterWorld();
    await world.apply(deployment(container({ env: [variable('A', '1'), variable('B', '2')] })));
    const theirs = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'orders', namespace: 'shop' },
      spec: { template: { spec: { containers: [{ name: 'app', env: [variable('C', '3')] }] } } },
    };
    await world.apply(theirs, { fieldManager: 'other' });
    const { body } = await world.apply(deployment(container({ env: [variable('B', '2')] })));
    expect(body.spec.template.spec.containers[0].env).toEqual([variable('B', '2'), variable('C', '3')]);
    const { body: refused } = await world.apply(deployment(container({ env: [variable('C', 'x')] })));
    expect(refused.details.causes[0].field).toBe('.spec.template.spec.containers[name="app"].env[name="C"].value');
  });

  it.each<[string, Json, Json, string]>([
    ['ports by number and protocol', { ports: [{ containerPort: 80 }] }, { ports: [{ containerPort: 81 }] }, 'ports'],
    [
      'volumeMounts by path',
      { volumeMounts: [{ name: 'tmp', mountPath: '/a' }] },
      { volumeMounts: [{ name: 'tmp', mountPath: '/b' }] },
      'volumeMounts',
    ],
  ])('%s', async (_title, first, second, field) => {
    const world = await clusterWorld();
    const volumes = [{ name: 'tmp', emptyDir: {} }];
    await world.apply(deployment({ ...container(first), volumes }));
    const { body } = await world.apply(deployment({ ...container(second), volumes }), { fieldManager: 'other' });
    expect(body.spec.template.spec.containers[0][field]).toHaveLength(2);
  });

  it('without keys have one owner', async () => {
    const world = await clusterWorld();
    await world.apply(deployment(container({ args: ['a', 'b'] })));
    const { status, body } = await world.apply(deployment(container({ args: ['a'] })), { fieldManager: 'other' });
    expect(status).toBe(409);
    expect(body.details.causes[0].field).toBe('.spec.template.spec.containers[name="app"].args');
  });
});

describe('validation', () => {
  const typo = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x', namespace: 'shop', labelz: { a: 'b' } } };

  it('an apply names a field that the schema does not declare', async () => {
    const world = await clusterWorld();
    const { status, body } = await world.apply(typo);
    expect(status).toBe(500);
    expect(body.message).toBe(
      'failed to create typed patch object (shop/x; v1, Kind=ConfigMap): .metadata.labelz: field not declared in schema',
    );
  });

  it.each([
    [
      'Strict',
      400,
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.labelz"',
    ],
    ['Warn', 201, undefined],
    ['Ignore', 201, undefined],
  ])('a create with fieldValidation=%s answers %i', async (level, status, message) => {
    const world = await clusterWorld();
    const reply = await world.ask('POST', `/api/v1/namespaces/shop/configmaps?fieldValidation=${level}`, typo);
    expect(reply.status).toBe(status);
    if (message) expect(reply.body.message).toBe(message);
    expect(reply.headers.warning).toBe(level === 'Warn' ? '299 - "unknown field \\"metadata.labelz\\""' : undefined);
  });

  it('names a key that stands twice', async () => {
    const world = await clusterWorld();
    const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  a: "1"\n  a: "2"\n';
    const { status, body } = await world.apply(text, { path: '/api/v1/namespaces/shop/configmaps/x' });
    expect(status).toBe(400);
    expect(body.message).toBe('error strict decoding YAML: duplicate field "data.a"');
  });

  it.each<[string, Json, number, RegExp]>([
    [
      'a wrong type',
      deployment({ containers: 5 }),
      500,
      /\.spec\.template\.spec\.containers: expected list, got number/,
    ],
    [
      'a bad name',
      { ...typo, metadata: { name: 'Bad_Name', namespace: 'shop' } },
      422,
      /a lowercase RFC 1123 subdomain must/,
    ],
    [
      'a namespace that is not there',
      { ...typo, metadata: { name: 'x', namespace: 'nowhere' } },
      404,
      /^namespaces "nowhere" not found$/,
    ],
    [
      'a mount without volume',
      deployment({ containers: [{ name: 'a', image: 'i', volumeMounts: [{ name: 'v', mountPath: '/v' }] }] }),
      422,
      /containers\[0\]\.volumeMounts\[0\]\.name: Not found: "v"/,
    ],
    [
      'two containers of a name',
      deployment({
        containers: [
          { name: 'a', image: 'i' },
          { name: 'b', image: 'i' },
        ],
        initContainers: [{ name: 'a', image: 'i' }],
      }),
      422,
      /Duplicate value: "a"/,
    ],
    [
      'a selector that does not fit',
      { ...deployment(), spec: { ...deployment().spec, selector: { matchLabels: { app: 'else' } } } },
      422,
      /`selector` does not match template `labels`/,
    ],
    [
      'a kind that is not served',
      { apiVersion: 'v1', kind: 'Gadget', metadata: { name: 'x', namespace: 'shop' } },
      404,
      /could not find the requested resource/,
    ],
    [
      'a version that is not served',
      { apiVersion: 'apps/v1beta1', kind: 'Deployment', metadata: { name: 'x', namespace: 'shop' } },
      404,
      /could not find the requested resource/,
    ],
  ])('refuses %s', async (_title, object, status, message) => {
    const world = await clusterWorld();
    const reply = await world.apply(object);
    expect(reply.status).toBe(status);
    expect(reply.body.message).toMatch(message);
  });

  it('a selector cannot be changed', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    const other = deployment({}, { labels: { tier: 'web' } });
    other.spec.selector.matchLabels.tier = 'web';
    const { status, body } = await world.apply(other);
    expect(status).toBe(422);
    expect(body.message).toContain('field is immutable');
  });

  it('takes a SecretProviderClass by its published schema', async () => {
    const world = await clusterWorld();
    const kind = {
      apiVersion: 'secrets-store.csi.x-k8s.io/v1',
      kind: 'SecretProviderClass',
      metadata: { name: 'kv', namespace: 'shop' },
    };
    expect((await world.apply({ ...kind, spec: { provider: 'azure', parameters: { a: 'b' } } })).status).toBe(201);
    const number = await world.apply({ ...kind, spec: { parameters: { usePodIdentity: false } } });
    expect(number.body.message).toContain('.spec.parameters.usePodIdentity: expected string, got boolean');
    const unknown = await world.apply({ ...kind, spec: { parameterz: {} } });
    expect(unknown.body.message).toContain('.spec.parameterz: field not declared in schema');
  });
});

it('field sets survive the way to FieldsV1 and back', () => {
  const element = fc.oneof(
    fc.stringMatching(/^[a-z][a-z./-]{0,8}$/).map((name) => `f:${name}`),
    fc.string({ maxLength: 5 }).map((name) => `k:${JSON.stringify({ name })}`),
  );
  const set = fc.uniqueArray(fc.array(element, { minLength: 1, maxLength: 4 }).map((path) => path.join('\u0001')));
  fc.assert(
    fc.property(set, (paths) => {
      expect(fromFieldsV1(toFieldsV1(new Set(paths)))).toEqual(new Set(paths));
    }),
  );
});
