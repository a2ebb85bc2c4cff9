import { describe, expect, it } from 'vitest';
import { duration } from '../../src/sandbox/kubernetes/duration.ts';
import { fromProtobuf } from '../../src/sandbox/kubernetes/protobuf.ts';
import type { Reply } from '../../src/sandbox/parts.ts';
import { request } from './hand-made.ts';
import { clusterWorld, deployment, type Json } from './kubernetes-world.ts';

/** Bodies as kubectl 1.33 sent them. */
const SENT: Record<string, string> = {
  Namespace: 'azhzAAoPCgJ2MRIJTmFtZXNwYWNlEhsKEwoDbGFiEgAaACIAKgAyADgAQgASABoCCgAaACIA',
  Secret: 'azhzAAoMCgJ2MRIGU2VjcmV0EiEKFQoCczESABoDbGFiIgAqADIAOABCABIGCgFhEgFiGgAaACIA',
  ConfigMap: 'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEh8KFQoCYzESABoDbGFiIgAqADIAOABCABIGCgFhEgFiGgAiAA==',
  Deployment:
    'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50ErcBCiAKAmQyEgAaA2xhYiIAKgAyADgAQgBaCQoDYXBwEgJkMhKEAQgAEgsKCQoDYXBwEgJkMhprChsKABIAGgAiACoAMgA4AEIAWgkKA2FwcBICZDISTBIuCgVuZ2lueBIFbmdpbngqADIKCgAQABhQIgAqAEIAagByAIABAIgBAJABAKIBABoAMgBCAEoAUgBYAGAAaACCAQCKAQCaAQDCAQAiAgoAKAA4ABoMCAAQABgAIAAoADgAGgAiAA==',
  Job: 'azhzAAoPCghiYXRjaC92MRIDSm9iEoMBChUKAmoxEgAaA2xhYiIAKgAyADgAQgASYDJeChAKABIAGgAiACoAMgA4AEIAEkoSJwoCajESB2J1c3lib3gaBHRydWUqAEIAagByAIABAIgBAJABAKIBABoFTmV2ZXIyAEIASgBSAFgAYABoAIIBAIoBAJoBAMIBABoIIAAoADAAOgAaACIA',
  TokenRequest:
    'azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBI5ChAKABIAGgAiACoAMgA4AEIAEh8KGmFwaTovL0F6dXJlQURUb2tlbkV4Y2hhbmdlILAJGgQKABIAGgAiAA==',
  SelfSubjectAccessReview:
    'azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSOwoQCgASABoAIgAqADIAOABCABIdChsKA2xhYhIGY3JlYXRlGgAiACoEcG9kczIAOgAaCAgAEgAaACAAGgAiAA==',
};
const bytes = (kind: string) => Buffer.from(SENT[kind]!, 'base64').toString('latin1');
const protobuf = { 'content-type': 'application/vnd.kubernetes.protobuf' };
const table = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' };

describe('kubectl apply', () => {
  it('learns from OpenAPI that fields are validated by the server', async () => {
    const world = await clusterWorld();
    const { paths } = await world.get('/openapi/v3');
    for (const [group, path] of [
      ['apis/apps/v1', '/apis/apps/v1/namespaces/{namespace}/deployments/{name}'],
      ['api/v1', '/api/v1/namespaces/{name}'],
      [
        'apis/secrets-store.csi.x-k8s.io/v1',
        '/apis/secrets-store.csi.x-k8s.io/v1/namespaces/{namespace}/secretproviderclasses/{name}',
      ],
    ] as const) {
      const document = await world.get(paths[group].serverRelativeURL);
      const { patch } = document.paths[path];
      expect(patch.parameters.map((each: Json) => each.name)).toContain('fieldValidation');
      expect(patch['x-kubernetes-group-version-kind'].kind).toMatch(/^(Deployment|Namespace|SecretProviderClass)$/);
    }
  });

  it('every reference of a document leads to a schema in it', async () => {
    const world = await clusterWorld();
    const document = await world.get('/openapi/v3/apis/apps/v1');
    const text = JSON.stringify(document);
    const named = [...text.matchAll(/#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((name) => !document.components.schemas[name]?.type)).toEqual([]);
    expect(document.components.schemas.V1DeploymentSpec.properties).toHaveProperty('replicas', { type: 'integer' });
  });

  it('changes the source of a volume by $retainKeys, as its patches do', async () => {
    const world = await clusterWorld();
    await world.apply(deployment({ volumes: [{ name: 'v', configMap: { name: 'a', optional: true } }] }));
    const patch = {
      spec: { template: { spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'emptyDir'], emptyDir: {} }] } } },
    };
    const path = '/apis/apps/v1/namespaces/shop/deployments/orders';
    const { body } = await world.ask('PATCH', path, patch, {
      'content-type': 'application/strategic-merge-patch+json',
    });
    expect(body.spec.template.spec.volumes).toEqual([{ name: 'v', emptyDir: {} }]);
  });

  it('null stands for absent, so that a template keeps its hash', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    const path = '/apis/apps/v1/namespaces/shop/deployments/orders';
    const patch = [{ op: 'add', path: '/spec/template/metadata/creationTimestamp', value: null }];
    expect(
      (await world.ask('PATCH', path, patch, { 'content-type': 'application/json-patch+json' })).body.metadata,
    ).toHaveProperty('generation', 1);
    expect((await world.get('/apis/apps/v1/namespaces/shop/replicasets')).items).toHaveLength(1);
  });
});

describe('kubectl create, in protobuf', () => {
  it.each<[string, Json]>([
    ['Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'lab' }, spec: {} }],
    ['Secret', { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's1', namespace: 'lab' }, data: { a: 'Yg==' } }],
    [
      'ConfigMap',
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'c1', namespace: 'lab' }, data: { a: 'b' } },
    ],
    [
      'Deployment',
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'd2', namespace: 'lab', labels: { app: 'd2' } },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: 'd2' } },
          template: {
            metadata: { labels: { app: 'd2' } },
            spec: {
              containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }], resources: {} }],
            },
          },
          strategy: {},
        },
      },
    ],
    [
      'Job',
      { kind: 'Job', spec: { template: { spec: { restartPolicy: 'Never', containers: [{ command: ['true'] }] } } } },
    ],
    ['TokenRequest', { spec: { audiences: ['api://AzureADTokenExchange'], expirationSeconds: 1200 } }],
  ])('%s', (kind, expected) => {
    const read = fromProtobuf(bytes(kind));
    if (['Job', 'TokenRequest'].includes(kind)) expect(read).toMatchObject(expected);
    else expect(read).toEqual(expected);
  });

  it('is stored like any other object, and gives a token', async () => {
    const world = await clusterWorld();
    expect((await world.ask('POST', '/api/v1/namespaces', bytes('Namespace'), protobuf)).status).toBe(201);
    expect((await world.ask('POST', '/api/v1/namespaces/lab/secrets', bytes('Secret'), protobuf)).status).toBe(201);
    expect((await world.get('/api/v1/namespaces/lab/secrets/s1')).data).toEqual({ a: 'Yg==' });
    const path = '/api/v1/namespaces/shop/serviceaccounts/orders/token';
    const { status, body } = await world.ask('POST', path, bytes('TokenRequest'), protobuf);
    expect(status).toBe(201);
    const claims = JSON.parse(Buffer.from(body.status.token.split('.')[1], 'base64url').toString());
    expect(claims).toMatchObject({ aud: ['api://AzureADTokenExchange'], exp: claims.iat + 1200 });
  });

  it.each([
    [
      'a kind that is not in the table',
      bytes('Namespace').replace('Namespace', 'Namespade'),
      /does not read Namespade/,
    ],
    ['a field that is not in the table', bytes('ConfigMap').replace('\x22\x00', '\x7a\x00'), /field 15 of ConfigMap/],
    ['what is cut off', bytes('Secret').slice(0, 30), /ends early/],
    ['what is no envelope', '{}', /four bytes/],
  ])('refuses %s', async (_title, body, expected) => {
    const reply = await (await clusterWorld()).ask('POST', '/api/v1/namespaces/shop/configmaps', body, protobuf);
    expect([reply.status, reply.body.reason]).toEqual([415, 'UnsupportedMediaType']);
    expect(reply.body.message).toMatch(expected);
  });
});

describe('kubectl get', () => {
  const cells = async (path: string, world: Json) => {
    const { body } = await world.ask('GET', path, undefined, table);
    expect(body.kind).toBe('Table');
    return body.rows.map((row: Json) => row.cells);
  };

  it('gets tables with the columns of the kind', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    const [row] = await cells('/api/v1/namespaces/shop/pods', world);
    expect(row.slice(1, 5)).toEqual(['1/1', 'Running', 0, '0s']);
    expect(await cells('/apis/apps/v1/namespaces/shop/deployments', world)).toEqual([['orders', '1/1', 1, 1, '0s']]);
    expect(await cells('/api/v1/namespaces/shop', world)).toEqual([['shop', 'Active', '0s']]);
  });

  it('a pod whose volume cannot be mounted is being created, not running', async () => {
    const world = await clusterWorld();
    const csi = {
      driver: 'secrets-store.csi.k8s.io',
      readOnly: true,
      volumeAttributes: { secretProviderClass: 'none' },
    };
    await world.apply(deployment({ volumes: [{ name: 'secrets', csi }] }));
    const [row] = await cells('/api/v1/namespaces/shop/pods', world);
    expect(row.slice(1, 3)).toEqual(['0/1', 'ContainerCreating']);
  });

  it('a watch sends rows', async () => {
    const world = await clusterWorld();
    const token = JSON.parse(world.kubernetes.kubeconfig(world.cluster)).users[0].user.token;
    const reply: Reply = await world.kubernetes.handler(
      request('GET', `https://${world.cluster.fqdn}/api/v1/namespaces?watch=1`, {
        headers: { authorization: `Bearer ${token}`, ...table },
      }),
      world.parts,
    );
    const gone = new AbortController();
    const lines: Json[] = [];
    const streaming = reply.stream!((text) => lines.push(JSON.parse(text)), gone.signal);
    gone.abort();
    await streaming;
    expect(lines[0]).toMatchObject({
      type: 'ADDED',
      object: { kind: 'Table', rows: [{ cells: ['default', 'Active', '0s'] }] },
    });
  });

  it.each([
    [0, '0s'],
    [119_999, '119s'],
    [200_000, '3m20s'],
    [600_000, '10m'],
    [3 * 3_600_000, '3h'],
    [5 * 3_600_000 + 60_000, '5h1m'],
    [49 * 3_600_000, '2d1h'],
    [30 * 86_400_000, '30d'],
  ])('%d ms ago is %s', (milliseconds, text) => {
    expect(duration(milliseconds)).toBe(text);
  });
});

describe('kubectl auth, scale, rollout, exec', () => {
  it('may, unless it is denied', async () => {
    const world = await clusterWorld();
    const ask = () =>
      world.ask(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        bytes('SelfSubjectAccessReview'),
        protobuf,
      );
    expect(await ask()).toMatchObject({ status: 201, body: { status: { allowed: true } } });
    (Object.values(world.parts.state.kubernetes)[0] as Json).denied.push({ verbs: ['create'], resources: ['pods'] });
    expect((await ask()).body.status).toEqual({ allowed: false });
  });

  it('says who asks', async () => {
    const { body } = await (await clusterWorld()).ask('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', {});
    expect(body.status.userInfo).toEqual({ username: 'clusterUser', groups: ['system:masters'] });
  });

  it('scales a Deployment', async () => {
    const world = await clusterWorld();
    await world.apply(deployment());
    const path = '/apis/apps/v1/namespaces/shop/deployments/orders/scale';
    const scale = await world.get(path);
    expect(scale).toMatchObject({ kind: 'Scale', spec: { replicas: 1 }, status: { selector: 'app=orders' } });
    const reply = await world.ask('PUT', path, { ...scale, spec: { replicas: 0 } });
    expect([reply.status, reply.body.spec.replicas]).toEqual([200, 0]);
    expect((await world.get('/api/v1/namespaces/shop/pods')).items).toEqual([]);
    expect((await world.ask('PUT', path, { ...scale, spec: { replicas: 1 } })).status).toBe(409);
    expect((await world.ask('PUT', path, { spec: { replicas: -1 } })).status).toBe(422);
    expect((await world.ask('PUT', path, { spec: {} })).status).toBe(400);
  });

  it('numbers the templates of a Deployment, the current one highest', async () => {
    const world = await clusterWorld();
    const revisions = async () =>
      (await world.get('/apis/apps/v1/namespaces/shop/replicasets')).items
        .map((set: Json) => [set.spec.template.spec.containers[0].image, set.metadata.annotations])
        .map(([image, notes]: [string, Json]) => `${image} ${notes['deployment.kubernetes.io/revision']}`)
        .sort();
    const use = (image: string) => world.apply(deployment({ containers: [{ name: 'app', image }] }));
    await use('a');
    await use('b');
    expect(await revisions()).toEqual(['a 1', 'b 2']);
    await use('a');
    expect(await revisions()).toEqual(['a 3', 'b 2']);
    const { metadata } = await world.get('/apis/apps/v1/namespaces/shop/deployments/orders');
    expect(metadata.annotations['deployment.kubernetes.io/revision']).toBe('3');
  });

  it.each(['exec', 'attach', 'portforward'])('%s is refused by name', async (what) => {
    const { status, body } = await (await clusterWorld()).ask('POST', `/api/v1/namespaces/shop/pods/x/${what}`);
    expect([status, body.message]).toEqual([501, `the sandbox does not do pods/${what}`]);
  });
});
