import { inspect } from 'node:util';

const hidden = '[secret]';

/**
 * A value that cannot be printed: `String()`, `JSON.stringify` and `util.inspect` all answer `[secret]`.
 * Values, tokens and assertions travel through the program only in this type.
 */
export class Secret {
  readonly #value: string;
  #forms: readonly string[] | undefined;

  constructor(value: string) {
    this.#value = value;
    if (value.length < START) return;
    const self = new WeakRef(this);
    for (const form of formsOf(value)) {
      const key = keyAt(form, 0);
      known[key] ??= new Set();
      known[key].add(self);
    }
  }

  /** The value itself. Called only where it leaves for the service that it is meant for. */
  reveal(): string {
    return this.#value;
  }

  /** Replaces the value, and its base64 and URL-encoded forms, wherever they stand in a text. */
  redact(text: string): string {
    if (this.#value.length < START) return text;
    this.#forms ??= formsOf(this.#value);
    return this.#forms.reduce((rest, form) => rest.replaceAll(form, hidden), text);
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

function formsOf(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString('base64');
  return [
    ...new Set([
      value,
      base64,
      base64.replace(/={1,2}$/, ''),
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
    ]),
  ];
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
/** Who has a form that begins so: a text is read once, however many values there are, and then by those few. */
const known: Set<WeakRef<Secret>>[] = [];

/** The last net under every text that leaves the program: no value known to this process stays in it. */
export function redact(text: string): string {
  if (known.length === 0) return text;
  const near = new Set<Secret>();
  for (let at = 0; at <= text.length - START; at += 1) {
    const alike = known[keyAt(text, at)];
    if (!alike) continue;
    for (const reference of alike) {
      const secret = reference.deref();
      if (secret) near.add(secret);
      else alike.delete(reference);
    }
  }
  let clean = text;
  for (const secret of near) clean = secret.redact(clean);
  return clean;
}
