import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { redact, Secret, whileKept } from '../src/secret.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const VALUE = 'of-which-nobody-keeps-hold';
/** Made and forgotten, as a value is that was written: what a service says of it comes later. */
const pass = (): string => new Secret(VALUE).reveal().slice(0, 3);
const turn = () => new Promise((done) => setImmediate(done));

describe('a value of which nobody keeps hold', () => {
  it('is hidden until the run ends', async () => {
    const said = await whileKept(async () => {
      pass();
      await turn();
      collect();
      return redact(`the value ${VALUE} was refused`);
    });
    expect(said).toBe('the value [secret] was refused');
    expect(redact(VALUE)).toBe(VALUE);
  });

  it('also when another run ends meanwhile', async () => {
    const said = await whileKept(async () => {
      pass();
      await whileKept(turn);
      return redact(VALUE);
    });
    expect(said).toBe('[secret]');
  });
});
