import { isRecord } from '../model.ts';
import { OperatorError, type Rewrite } from './model.ts';

type Values = Map<string, Buffer>;

/** A member of a JSON value by its path (`a.b.0`); also one whose name has dots. Without a path the whole text. */
export function propertyOf(text: string, path: string, key: string): string {
  if (path === '') return text;
  const missing = () => new OperatorError(`property ${path} does not exist in key ${key}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw missing();
  }
  const step = (inner: unknown, name: string) =>
    Array.isArray(inner)
      ? inner[Number(name)]
      : isRecord(inner) && Object.hasOwn(inner, name)
        ? inner[name]
        : undefined;
  const found = path.split('.').reduce(step, value) ?? step(value, path);
  if (found === undefined) throw missing();
  return typeof found === 'string' ? found : JSON.stringify(found);
}

/** `dataFrom.extract`: members of a JSON object; what is no text stays JSON. */
export function secretMap(text: string): Values {
  const failed = (why: string) => new OperatorError(`error unmarshalling json data: ${why}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    const first = text.trim()[0];
    throw failed(
      first === undefined
        ? 'unexpected end of JSON input'
        : `invalid character ${JSON.stringify(first).replaceAll('"', "'")} looking for beginning of value`,
    );
  }
  if (!isRecord(value)) {
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
    throw failed(`json: cannot unmarshal ${type} into Go value of type map[string]json.RawMessage`);
  }
  return new Map(
    Object.entries(value).map(([name, inner]) => [
      name,
      Buffer.from(typeof inner === 'string' ? inner : JSON.stringify(inner)),
    ]),
  );
}

/** `rewrite`, in order: each regular expression replaces in all keys. */
export function rewritten(values: Values, rewrites: readonly Rewrite[]): Values {
  const rules = rewrites.flatMap(({ regexp }) => (regexp ? [ruleOf(regexp)] : []));
  const rename = (key: string) => rules.reduce((name, [source, target]) => name.replace(source, target), key);
  return new Map([...values].map(([key, value]) => [rename(key), value]));
}

/** Go writes `${1}` and `${name}` where JavaScript writes `$1` and `$<name>`. */
function ruleOf({ source, target }: NonNullable<Rewrite['regexp']>): readonly [RegExp, string] {
  try {
    return [new RegExp(source, 'g'), target.replace(/\$\{(\d+)\}/g, '$$$1').replace(/\$\{(\w+)\}/g, '$$<$1>')];
  } catch {
    throw new OperatorError(`error applying rewrite to keys: error parsing regexp: ${source}`);
  }
}

/** Keys as a Secret takes them: other characters become `_`, or their code with the strategy `Unicode`. */
export function converted(values: Values, strategy: string | undefined): Values {
  const keys = new Map<string, Buffer>();
  for (const [key, value] of values) {
    const fits = key.replace(/[^\p{L}\p{N}._-]/gu, (letter) =>
      strategy === 'Unicode' ? `_U${(letter.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}_` : '_',
    );
    if (keys.has(fits)) {
      throw new OperatorError(
        `error applying conversion strategy ${strategy ?? 'Default'} to keys: secret name collision during conversion: ${fits}`,
      );
    }
    keys.set(fits, value);
  }
  return keys;
}

/** Throws for a key that no Secret may have. */
export function checkKeys(values: Values): void {
  for (const key of values.keys()) {
    const wrong = /[^\p{L}\p{N}._-]/u.exec(key)?.[0];
    if (wrong === undefined) continue;
    throw new OperatorError(
      `invalid secret keys (TIP: use rewrite or conversionStrategy to change keys): key has invalid character ${wrong}, only alphanumeric, '-', '.' and '_' are allowed: ${key}`,
    );
  }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const BASE64_URL = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/;

export function decoded(value: Buffer, strategy = 'None'): Buffer {
  const text = value.toString().replace(/[\r\n]/g, '');
  if (strategy === 'Auto') {
    return BASE64.test(text) || BASE64_URL.test(text) ? Buffer.from(text, 'base64') : value;
  }
  if (strategy === 'None') return value;
  if (!(strategy === 'Base64' ? BASE64 : BASE64_URL).test(text)) {
    throw new OperatorError(
      `error applying decoding strategy ${strategy} to data: illegal base64 data at input byte 0`,
    );
  }
  return Buffer.from(text, 'base64');
}
