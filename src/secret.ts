import { inspect } from 'node:util';

const hidden = '[secret]';

/**
 * A value that cannot be printed: `String()`, `JSON.stringify` and `util.inspect` all answer `[secret]`.
 * Values, tokens and assertions travel through the program only in this type.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
    makeKnown(value);
  }

  /** The value itself. Called only where it leaves for the service that it is meant for. */
  reveal(): string {
    return this.#value;
  }

  /** Replaces the value, in whatever form it stands in a text. */
  redact(text: string): string {
    return without(addForms(this.#value, []), text);
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }

  [inspect.custom](): string {
    return hidden;
  }
}

/** A line of a value of several that is long enough to be one by itself. */
const LINE = 8;

/** What of a value may be said alone: without the blanks around it, its line breaks as others write them, each line. */
function partsOf(value: string): readonly string[] {
  const whole = value.toWellFormed();
  const lines = whole.split(/\r?\n|\r/);
  const long = lines.length > 1 ? lines.map((line) => line.trim()).filter((line) => line.length >= LINE) : [];
  return [whole, whole.trim(), lines.join('\n'), lines.join('\n').trim(), ...long];
}

/** As JSON of .NET and of Go writes what HTML could take for its own. */
const escaped = (text: string): string =>
  text.replace(/[<>&'+"`]/g, (one) => `\\u00${one.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
const HTML: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** How a value may stand in a text: as it is, and as services, programs and formats write it. */
function formsOf(value: string): readonly string[] {
  const forms = partsOf(value).flatMap((part) => {
    const [base64, percent, json] = [
      Buffer.from(part).toString('base64'),
      encodeURIComponent(part),
      JSON.stringify(part).slice(1, -1),
    ];
    return [
      ...[part, base64, base64.replace(/={1,2}$/, ''), Buffer.from(part).toString('base64url')],
      ...[percent, percent.replaceAll(/%[0-9A-F]{2}/g, (one) => one.toLowerCase()), percent.replaceAll('%20', '+')],
      ...[json, JSON.stringify(json).slice(1, -1), escaped(json), escaped(part)],
      part.replaceAll(/[&<>"']/g, (one) => HTML[one] ?? one),
    ];
  });
  return [...new Set(forms)].filter((form) => form.length >= START);
}

/** Characters by which a value is looked for; what is shorter could be any word. */
const START = 4;
/** A number for the characters at a place of a text. Different ones may have the same. */
const keyAt = (text: string, at: number): number =>
  (text.charCodeAt(at) ^
    (text.charCodeAt(at + 1) << 4) ^
    (text.charCodeAt(at + 2) << 8) ^
    (text.charCodeAt(at + 3) << 12)) &
  0xffff;
/** Forms by how they begin: a text is read once, however many values there are, and compared with those few. */
type Forms = Set<string>[];
const known: Forms = [];
const values = new Set<string>();
let runs = 0;

/**
 * A run of the program: values are known until the last run ends, also those of which nobody keeps hold any more. What
 * a service says of a value may come long after the value was written.
 */
export async function whileKept<T>(run: () => Promise<T>): Promise<T> {
  runs += 1;
  try {
    return await run();
  } finally {
    runs -= 1;
    if (runs === 0) {
      known.length = 0;
      values.clear();
    }
  }
}

/** From now on this value stays in no text, until the run ends. */
export function makeKnown(value: string): void {
  if (value.length < START || values.has(value)) return;
  values.add(value);
  addForms(value, known);
}

function addForms(value: string, forms: Forms): Forms {
  for (const form of formsOf(value)) {
    const key = keyAt(form, 0);
    forms[key] ??= new Set();
    forms[key].add(form);
  }
  return forms;
}

/** Takes out whatever part of the text a form covers, also where forms overlap. */
function without(forms: Forms, text: string): string {
  if (forms.length === 0) return text;
  let clean = '';
  /** Up to where the text was taken over, and up to where a form covers it. */
  let [taken, covered] = [0, 0];
  for (let at = 0; at <= text.length - START; at += 1) {
    for (const form of forms[keyAt(text, at)] ?? []) {
      if (at + form.length <= covered || !text.startsWith(form, at)) continue;
      if (at >= covered) {
        clean += text.slice(taken, at) + hidden;
      }
      covered = at + form.length;
      taken = covered;
    }
  }
  return clean + text.slice(taken);
}

/**
 * The last net under every text that leaves the program: no value known to this process stays in it. Also the first one
 * over what a service says, before anything of it is cut off: of half a value nobody would know that it is one.
 */
export const redact = (text: string): string => without(known, text);
