import type { Kind } from '../kinds.ts';
import { isRecord, type Resource } from '../model.ts';
import { refuse } from '../status.ts';
import { type ExternalSecret, GROUP } from './model.ts';

/** What the operator would do and the sandbox does not is refused: better no object than one that is treated wrongly. */
export function refuseOperatorKind(kind: Kind, object: Partial<Resource>): void {
  if (kind.group !== GROUP) return;
  const why =
    kind.kind === 'ExternalSecret' ? ofExternalSecret(object as Partial<ExternalSecret>) : ofStore(kind, object);
  if (why) throw refuse(501, 'NotImplemented', `the sandbox does not simulate ${why} of the External Secrets Operator`);
}

function ofStore(kind: Kind, object: Partial<Resource>): string | undefined {
  if (kind.kind !== 'SecretStore' && kind.kind !== 'ClusterSecretStore') return `the kind ${kind.kind}`;
  const { provider } = (object.spec ?? {}) as { provider?: unknown };
  const other = isRecord(provider) ? Object.keys(provider).find((name) => name !== 'azurekv') : undefined;
  // A near miss is a slip of the pen, which the schema refuses in the API server's words.
  return other !== undefined && !/^azure/i.test(other) ? `the provider ${other}` : undefined;
}

function ofExternalSecret({ spec }: Partial<ExternalSecret>): string | undefined {
  if (!isRecord(spec)) return undefined;
  const loose = spec as Record<string, unknown> & Partial<ExternalSecret['spec']>;
  if (loose.syncWindows) return 'syncWindows';
  const target = (loose.target ?? {}) as Record<string, unknown>;
  if (target.manifest) return 'target.manifest';
  if (target.creationPolicy === 'CreateOrMerge') return 'creationPolicy CreateOrMerge';
  const template = (target.template ?? {}) as Record<string, unknown> & { data?: Record<string, unknown> };
  if (template.templateFrom) return 'target.template.templateFrom';
  const metadata = (template.metadata ?? {}) as Record<string, unknown>;
  if (metadata.finalizers) return 'target.template.metadata.finalizers';
  for (const texts of [template.data, metadata.labels, metadata.annotations]) {
    const wrong = Object.values((texts ?? {}) as object).find((each) => typeof each === 'string' && !isPlain(each));
    if (wrong !== undefined) return `template functions (only {{ .key }}, as in ${JSON.stringify(wrong)} it is not)`;
  }
  for (const { remoteRef, sourceRef } of asList(loose.data)) {
    const why = ofRef(remoteRef) ?? ofSource(sourceRef);
    if (why) return why;
  }
  for (const { extract, find, rewrite, sourceRef } of asList(loose.dataFrom)) {
    const why = ofRef(extract) ?? ofRef(find) ?? ofSource(sourceRef);
    if (why) return why;
    if (asList(rewrite).some((each) => each.merge || each.transform)) return 'rewrites other than regexp';
  }
  return undefined;
}

/** A template without functions: text and `{{ .key }}`, also `{{ .key | toString }}`. */
export const HOLE = /\{\{-?\s*\.([A-Za-z_]\w*)\s*(?:\|\s*toString\s*)?-?\}\}/g;
const isPlain = (text: string) => !/\{\{|\}\}/.test(text.replace(HOLE, '')) && !/\{\{-|-\}\}/.test(text);

const asList = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isRecord) : []);

function ofRef(ref: unknown): string | undefined {
  if (!isRecord(ref)) return undefined;
  if (ref.metadataPolicy === 'Fetch') return 'metadataPolicy Fetch';
  if (ref.nullBytePolicy === 'Fail') return 'nullBytePolicy Fail';
  const property = typeof ref.property === 'string' ? ref.property : '';
  return /[*?#|@!{}[\]()\\%<>=~"]/.test(property) ? `the path ${JSON.stringify(property)}` : undefined;
}

const ofSource = (source: unknown) => (isRecord(source) && source.generatorRef ? 'generators' : undefined);
