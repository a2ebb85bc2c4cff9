/**
 * Some stories are told of every method and at every place. `npm test` tells them of the methods named, so that it is
 * quick; `npm run test:exhaustive` of all.
 */
export const EXHAUSTIVE = process.env.EXHAUSTIVE === '1';

export const orAll = <T>(all: readonly T[], some: (one: T) => boolean): readonly T[] =>
  EXHAUSTIVE ? all : all.filter(some);

/** Every `nth`, and the first. */
export const orAllOf = <T>(all: readonly T[], nth: number): readonly T[] =>
  orAll(all, (one) => all.indexOf(one) % nth === 0);

/** For tests that try hundreds of inputs each, on a machine that may have other things to do. Milliseconds. */
export const LONG = EXHAUSTIVE ? 3_600_000 : 120_000;
