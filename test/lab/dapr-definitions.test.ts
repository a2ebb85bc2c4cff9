import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { DEFINITIONS } from '../../src/sandbox/kubernetes/dapr/definitions.ts';
import { folderOf, programNamed } from './build/programs.ts';
import { LAB } from './harness/place.ts';
import { enter } from './harness/table.ts';

interface Schema {
  readonly type?: string;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}
interface Version {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly schema: { readonly openAPIV3Schema: Schema };
}
interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly scope: string;
    readonly names: Readonly<Record<string, unknown>>;
    readonly versions: readonly Version[];
  };
}

/** Where the sandbox knows a field it must know it as it is; what it leaves open (`x-kubernetes-preserve…`) is open. */
function differences(path: string, ours: Schema, theirs: Schema): string[] {
  const open = (schema: object) => 'x-kubernetes-preserve-unknown-fields' in schema;
  if (open(ours) && !ours.properties) return [];
  const said = (schema: Schema) => JSON.stringify([schema.type, [...(schema.required ?? [])].sort(), schema.enum]);
  const [known = {}, real = {}] = [ours.properties, theirs.properties];
  return [
    ...(said(ours) === said(theirs) ? [] : [`${path}: ${said(ours)}, really ${said(theirs)}`]),
    ...Object.keys(known).flatMap((key) => (key in real ? [] : [`${path}.${key} is not there`])),
    ...Object.entries(real).flatMap(([key, schema]) =>
      known[key] ? differences(`${path}.${key}`, known[key], schema) : [`${path}.${key} is lacking`],
    ),
    ...(ours.items && theirs.items ? differences(`${path}[]`, ours.items, theirs.items) : []),
  ];
}

describe.skipIf(!LAB)('the definitions of Dapr', () => {
  const folder = () => join(folderOf(programNamed('daprd')), 'charts/dapr/crds');
  const real = () =>
    readdirSync(folder()).flatMap((name) =>
      parseAllDocuments(readFileSync(join(folder(), name), 'utf8')).map((each) => each.toJS() as Definition),
    );

  it('are those of the sandbox, in what it knows of them', () => {
    const ours = DEFINITIONS as unknown as readonly Definition[];
    const found = ours.flatMap(({ metadata: { name }, spec }) => {
      const other = real().find((each) => each.metadata.name === name);
      if (!other) return [`there is no ${name}`];
      const shape = (of: Definition['spec']) => [of.scope, of.names.kind, of.names.plural, of.names.singular];
      expect({ name, shape: shape(spec) }).toEqual({ name, shape: shape(other.spec) });
      return spec.versions.flatMap((version) => {
        const theirs = other.spec.versions.find((each) => each.name === version.name);
        if (theirs?.served !== version.served || theirs.storage !== version.storage) return [`${name} ${version.name}`];
        return differences(`${name} ${version.name}`, version.schema.openAPIV3Schema, theirs.schema.openAPIV3Schema);
      });
    });
    enter(
      {
        ...{ program: 'daprd', version: programNamed('daprd').version },
        ...{ case: 'the definitions of its chart beside those of the sandbox', expected: 'no difference' },
        seen: found.join('; ') || `${ours.length} definitions, no difference`,
      },
      found.length === 0,
    );
  });
});
