import { describe, expect, it } from 'vitest';
import { directly } from '../src/direct.ts';

/** Takes so many bytes at a time, then what `then` does; the stream that may take over keeps its pieces. */
function tried(takes: readonly number[], then: () => number) {
  const direct: Buffer[] = [];
  const instead: Buffer[] = [];
  let opened = 0;
  const left = [...takes];
  const out = directly(
    (bytes) => {
      const taken = Math.min(left.shift() ?? then(), bytes.length);
      direct.push(Buffer.from(bytes.subarray(0, taken)));
      return taken;
    },
    () => {
      opened += 1;
      return { write: (piece) => instead.push(Buffer.from(piece)) };
    },
  );
  const text = () => Buffer.concat([...direct, ...instead]).toString();
  return { out, text, direct: () => Buffer.concat(direct).length, opened: () => opened };
}

const failing = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

describe('writing directly', () => {
  it('goes on until all is written, and opens no stream', () => {
    const { out, text, opened } = tried([3, 1, 2], () => 100);
    out.write('across ünïcödé');
    out.write(', and more');
    expect(text()).toBe('across ünïcödé, and more');
    expect(opened()).toBe(0);
  });

  it('leaves the rest to one stream where it would have to wait, also in the middle of a character', () => {
    const { out, text, direct, opened } = tried([1], failing('EAGAIN'));
    out.write('ünïcödé');
    out.write(' and more');
    expect(direct()).toBe(1);
    expect(text()).toBe('ünïcödé and more');
    expect(opened()).toBe(1);
  });

  it('is content when nobody reads any further', () => {
    const { out, text } = tried([4], failing('EPIPE'));
    out.write('some of it');
    out.write('none of this');
    expect(text()).toBe('some');
  });

  it('tells of a full disk', () => {
    const { out } = tried([], failing('ENOSPC'));
    expect(() => out.write('x')).toThrow('ENOSPC');
  });
});
