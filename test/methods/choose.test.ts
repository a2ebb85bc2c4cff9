import { describe, expect, it } from 'vitest';
import { nextQuestion, questionsFor, recommend, type Wish, type Wishes, withAnswer } from '../../src/methods/choose.ts';
import { methods } from '../../src/methods/index.ts';

const best = (wishes: Wishes): string => recommend(wishes, methods).method.name;

describe('the recommendation', () => {
  it.each<[wishes: Wishes, method: string, because: RegExp]>([
    [{}, 'csi', /^The code stays as it is/],
    [{ appCanChange: true }, 'workload-identity', /^Each read is current/],
    [{ appCanChange: false }, 'csi', /^The code stays as it is/],
    [{ needs: 'files' }, 'csi', /^It brings files/],
    [{ needs: 'variables' }, 'external-secrets', /^Variables can be filled from it/],
    [{ needs: 'secret' }, 'external-secrets', /^It keeps a Kubernetes Secret/],
    [{ needs: 'http' }, 'dapr', /^One HTTP call gets the secret/],
    [{ needs: 'code', appCanChange: true }, 'workload-identity', /^The code asks Key Vault itself/],
    [{ otherStores: true, appCanChange: false }, 'external-secrets', /other stores are read in the same way/],
    [{ otherStores: true, appCanChange: true }, 'dapr', /^Other stores are read in the same way/],
    [{ appCanChange: false, freshWithoutRestart: true }, 'csi', /a running pod sees a new version/],
    // What cannot be had together is said, and what was wanted more decides.
    [
      { needs: 'variables', freshWithoutRestart: true },
      'external-secrets',
      /; still, a pod sees .* after a restart\.$/,
    ],
    [{ needs: 'http', appCanChange: false }, 'dapr', /; still, the code would have to change\.$/],
  ])('%j: %s', (wishes, method, because) => {
    const { because: said } = recommend(wishes, methods);
    expect({ method: best(wishes), said }).toEqual({ method, said: expect.stringMatching(because) });
    expect(said).toMatch(/^[A-Z][^.]*\.$/);
  });

  it('names every other method, and why not', () => {
    const { method, instead } = recommend({ needs: 'variables' }, methods);
    expect([method, ...instead.map((other) => other.method)].toSorted()).toHaveLength(methods.length);
    expect(instead.map(({ whyNot }) => whyNot)).toEqual(
      instead.map(() => expect.stringMatching(/variables cannot be filled/)),
    );
  });

  it('is for no method of its own: of two it takes one of two', () => {
    const two = methods.filter(({ name }) => name === 'csi' || name === 'workload-identity');
    expect(recommend({ needs: 'variables' }, two).instead).toHaveLength(1);
  });
});

describe('the questions', () => {
  /** All ways to answer, and how many questions each took. */
  function* ways(
    wishes: Wishes = {},
    asked: readonly Wish[] = [],
  ): Iterable<{ wishes: Wishes; asked: readonly Wish[] }> {
    const question = nextQuestion(wishes, asked, methods);
    if (!question) {
      yield { wishes, asked };
      return;
    }
    for (const option of question.options) {
      yield* ways(withAnswer(wishes, question.wish, option), [...asked, question.wish]);
    }
  }

  it('are three at most, none twice, and lead to every method', () => {
    const all = [...ways()];
    for (const { asked } of all) {
      expect(asked.length).toBeLessThanOrEqual(3);
      expect(new Set(asked).size).toBe(asked.length);
    }
    expect(new Set(all.map(({ wishes }) => best(wishes)))).toEqual(new Set(methods.map(({ name }) => name)));
  });

  it('are not put when the answer would change nothing', () => {
    expect(nextQuestion({ appCanChange: false, needs: 'http' }, ['appCanChange', 'needs'], methods)).toBeUndefined();
    expect(nextQuestion({}, [], methods.slice(0, 1))).toBeUndefined();
  });

  it('offer only what some method can serve', () => {
    const withoutDapr = methods.filter(({ name }) => name !== 'dapr');
    const words = questionsFor(withoutDapr).flatMap(({ options }) => options.map(({ word }) => word));
    expect(words).not.toContain('http');
    expect(words).toContain('files');
  });
});
