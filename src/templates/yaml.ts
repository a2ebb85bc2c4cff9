import {
  type Document,
  isScalar,
  LineCounter,
  type ParsedNode,
  type ParseOptions,
  parseAllDocuments,
  type Scalar,
  type SchemaOptions,
  type Tags,
} from 'yaml';
import { type Complaint, Complaints } from '../complaint.ts';

/** A text as trees, and where each offset lies. */
export type Parsed = { readonly documents: readonly Document<ParsedNode>[]; readonly lines: LineCounter };

/** Parses every document of a text; throws `Complaints` with file and line. Empty documents are left out. */
export function parseText({ text, file }: { readonly text: string; readonly file: string }): Parsed {
  const lines = new LineCounter();
  const options: ParseOptions & SchemaOptions = { lineCounter: lines, customTags: asWritten };
  const all = parseAllDocuments(text, options);
  const parsed = (Array.isArray(all) ? all : []) as unknown as Document<ParsedNode>[];
  const complaints = parsed.flatMap(({ errors, warnings }) =>
    // What is warned of are tags: what they would make is nothing that a manifest can hold.
    [...errors, ...warnings].map((error): Complaint => {
      const line = lines.linePos(error.pos[0]).line;
      const message =
        error.code === 'RESOURCE_EXHAUSTION'
          ? 'it is nested too deeply'
          : (error.message.split('\n')[0] as string).replace(/ at line \d+.*$/, '');
      const hint = { say: 'A hole inside [ ] or { } stands in quotes.' };
      return { message, file, line, ...(text.split('\n')[line - 1]?.includes('${') && { fix: hint }) };
    }),
  );
  if (complaints.length > 0) throw new Complaints(complaints);
  return { documents: parsed.filter(({ contents }) => contents && !isEmpty(contents)), lines };
}

const isEmpty = (node: ParsedNode): boolean => isScalar(node) && node.value === null && !node.source;

/** Numbers are written as they were read: `0444` means one thing to YAML 1.2 and another to Kubernetes. */
const asWritten = (tags: Tags): Tags =>
  tags.map((tag): Tags[number] => {
    if (typeof tag !== 'object' || !('stringify' in tag) || !/:(int|float)$/.test(tag.tag)) return tag;
    const { stringify } = tag;
    return {
      ...tag,
      stringify: (node, ...rest) => (node as Scalar).source ?? stringify?.(node, ...rest) ?? '',
    } as typeof tag;
  });

/** Writes a document again; what nobody touched means what it meant. */
export const write = (document: Document<ParsedNode>): string =>
  document.toString({
    lineWidth: 0,
    directives: false,
    flowCollectionPadding: false,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  });

/** Words and numbers that some YAML takes for something else than text. */
const PLAIN = /^[A-Za-z/][\w./-]*(?::[\w./-]+)*$/;
const NOT_TEXT = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf|e\d[\d_]*)$/i;
/** What a block cannot show, or shows so that an editor would spoil it. */
const NO_BLOCK = /[^\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]|^[ \n]| +(?:\n|$)|\n\n+$/;

/** The style in which every YAML reads the text back as this very text. */
export function styleFor(text: string, was: Scalar['type'], isKey: boolean): NonNullable<Scalar['type']> {
  if (!isKey && text.includes('\n') && !NO_BLOCK.test(text)) return 'BLOCK_LITERAL';
  if (was !== 'QUOTE_DOUBLE' && was !== 'QUOTE_SINGLE' && PLAIN.test(text) && !NOT_TEXT.test(text)) return 'PLAIN';
  return 'QUOTE_DOUBLE';
}
