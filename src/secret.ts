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
    known.add(new WeakRef(this));
  }

  /** The value itself. Called only where it leaves for the service that it is meant for. */
  reveal(): string {
    return this.#value;
  }

  /** Replaces the value, and its base64 and URL-encoded forms, wherever they stand in a text. */
  redact(text: string): string {
    if (this.#value.length < 4) return text;
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
      base64.replace(/=+$/, ''),
      encodeURIComponent(value),
      JSON.stringify(value).slice(1, -1),
    ]),
  ];
}

const known = new Set<WeakRef<Secret>>();

/** The last net under every text that leaves the program: no value known to this process stays in it. */
export function redact(text: string): string {
  let clean = text;
  for (const reference of known) {
    const secret = reference.deref();
    if (secret) clean = secret.redact(clean);
    else known.delete(reference);
  }
  return clean;
}
