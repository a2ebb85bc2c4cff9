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

  /** Replaces the value, and its base64 and URL-encoded forms, wherever they stand in a text. */
  redact(text: string): string {
    return without(this.#value, text);
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
const known: Set<string>[] = [];
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
    if (runs === 0) known.length = 0;
  }
}

/** From now on this value stays in no text, until the run ends. */
export function makeKnown(value: string): void {
  if (value.length < START) return;
  for (const form of formsOf(value)) {
    const key = keyAt(form, 0);
    known[key] ??= new Set();
    known[key].add(value);
  }
}

const without = (value: string, text: string): string =>
  value.length < START ? text : formsOf(value).reduce((rest, form) => rest.replaceAll(form, hidden), text);

/** The last net under every text that leaves the program: no value known to this process stays in it. */
export function redact(text: string): string {
  if (known.length === 0) return text;
  const near = new Set<string>();
  for (let at = 0; at <= text.length - START; at += 1) {
    const alike = known[keyAt(text, at)];
    if (!alike) continue;
    for (const value of alike) near.add(value);
  }
  let clean = text;
  for (const value of near) clean = without(value, clean);
  return clean;
}
