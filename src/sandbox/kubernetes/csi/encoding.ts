import { MountError } from '../mount-error.ts';

/** A secret's value, decoded as its class says; refused in the words of Go's packages `hex` and `base64`. */
export function decoded(value: string, encoding: string): Buffer {
  if (encoding === 'hex') {
    const wrong = [...value].find((each) => !/[0-9a-fA-F]/.test(each));
    if (wrong !== undefined) throw new MountError(`encoding/hex: invalid byte: ${codePoint(wrong)} '${wrong}'`);
    if (value.length % 2 === 1) throw new MountError('encoding/hex: odd length hex string');
    return Buffer.from(value, 'hex');
  }
  if (encoding === 'base64') {
    // Line breaks are passed over, as by the standard encoding there.
    const [text = ''] = /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*/.exec(value) ?? [];
    const whole = text.replaceAll(/[\r\n]/g, '');
    if (text.length < value.length || whole.length % 4 !== 0) {
      const at = text.length < value.length ? text.length : value.length - (whole.length % 4);
      throw new MountError(`illegal base64 data at input byte ${at}`);
    }
    return Buffer.from(whole, 'base64');
  }
  return Buffer.from(value);
}

/** As `%#U` prints it: `U+0020`. */
const codePoint = (letter: string): string =>
  `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
