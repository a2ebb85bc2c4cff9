import { expect, it } from 'vitest';
import type { KubernetesObject } from '../../src/kubernetes/kubernetes.ts';
import type { Method } from '../../src/methods/method.ts';
import { lint } from '../../src/verify/lint.ts';

/** Finds fault with every object, where it is told. */
const grumpy = (path?: string): Method =>
  ({
    lint: (objects: readonly KubernetesObject[]) =>
      objects.map((object) => ({
        ...{
          check: 'AKS-X',
          title: `${object.kind} ${object.metadata.name}`,
          verdict: 'fail',
          failure: 'F091',
          object,
        },
        ...(path !== undefined && { path }),
      })),
  }) as unknown as Method;

const found = (text: string, path?: string) => {
  const { rows, notes, objects } = lint([{ path: 'deploy/a.yaml', text }], [grumpy(path), grumpy(path)]);
  return { objects, notes, rows: rows.map(({ title, at }) => [title, at?.line, at?.column]) };
};

const CLASS = `apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: orders
spec:
  parameters:
    keyvaultName: kv
`;

it('every document of a file, with the line of what is wrong, each fault once', () => {
  expect(found(`# a comment\n---\n${CLASS}---\n${CLASS}`, 'spec.parameters.keyvaultName').rows).toEqual([
    ['SecretProviderClass orders', 9, 5],
    ['SecretProviderClass orders', 17, 5],
  ]);
});

it.each([
  ['what is nearest above it', 'spec.parameters.clientID', 6, 3],
  ['the object itself', undefined, 1, 1],
  ['an item of a list', 'spec.nothing[3].x', 5, 1],
  ['a key with dots', 'metadata["name"]', 4, 3],
])('where the path does not lead, %s', (_name, path, line, column) => {
  expect(found(CLASS, path).rows).toEqual([['SecretProviderClass orders', line, column]]);
});

it('objects inside a List', () => {
  const text = `apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ServiceAccount\n    metadata: { name: a }\n`;
  expect(found(text, 'metadata.name').rows).toEqual([['ServiceAccount a', 6, 17]]);
});

it('what a chart and kustomize write besides is passed over', () => {
  const chart = `{{- if .Values.on }}\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ include "x.name" . }}\n  labels:\n    {{- include "x.labels" . | nindent 4 }}\n{{- end }}\n`;
  expect(found(chart, 'metadata.name')).toMatchObject({ objects: 1, notes: [], rows: [[expect.any(String), 5, 3]] });
  expect(
    found('apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: { name: x }\n').objects,
  ).toBe(0);
  expect(found('image:\n  tag: "1"\n').objects).toBe(0);
  expect(found('').objects).toBe(0);
});

it('a document that cannot be read is said, and the others are still looked at', () => {
  const { objects, notes } = found(`a: [\n---\n${CLASS}`);
  expect(objects).toBe(1);
  expect(notes).toEqual([expect.stringMatching(/^deploy\/a\.yaml:\d+: not read, since it is no YAML/)]);
});

it.each(['&a [*a, *a]', '"\\u0000": 1', '? {a: 1}\n: 2', '- - - 1', 'null', '!!binary x'])(
  '%s is no reason to fail',
  (text) => {
    expect(() => found(text)).not.toThrow();
  },
);
