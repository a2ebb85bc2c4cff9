import type { Method, Traits } from './method.ts';

/** What somebody wants of the delivery; what is left out does not matter to them. */
export interface Wishes {
  readonly appCanChange?: boolean;
  /** How the application is to take the secret. */
  readonly needs?: 'files' | 'variables' | 'secret' | 'http' | 'code';
  readonly otherStores?: boolean;
  readonly freshWithoutRestart?: boolean;
}
export type Wish = keyof Wishes;

/** One thing to ask somebody who does not know the methods; `flag` is how `compare` is told the same. */
export interface WishQuestion {
  readonly wish: Wish;
  /** Without dashes. */
  readonly flag: string;
  readonly ask: string;
  /** What the answer is called afterwards. */
  readonly label: string;
  readonly options: readonly WishOption[];
}
export interface WishOption {
  readonly says: string;
  /** As the flag takes it; absent: the flag is left out. */
  readonly word?: string;
  /** Absent: it does not matter. */
  readonly value?: Wishes[Wish];
}

/** The method to take, and why not the others. */
export interface Recommendation {
  readonly method: Method;
  /** One sentence. */
  readonly because: string;
  /** In the order in which one would take them. */
  readonly instead: readonly { readonly method: Method; readonly whyNot: string }[];
}

/** More than this nobody is asked. */
const QUESTIONS = 3;

const QUESTION_LIST: readonly WishQuestion[] = [
  {
    wish: 'appCanChange',
    flag: 'app-can-change',
    ask: 'Can the code of the application change?',
    label: 'Code can change',
    options: [
      { says: 'no, it stays as it is', word: 'no', value: false },
      { says: 'yes', word: 'yes', value: true },
      { says: 'rather not, or not known' },
    ],
  },
  {
    wish: 'needs',
    flag: 'needs',
    ask: 'How does it take its secrets?',
    label: 'Takes them',
    options: [
      { says: 'as files', word: 'files', value: 'files' },
      { says: 'as environment variables', word: 'env', value: 'variables' },
      { says: 'as a Kubernetes Secret, for Helm or an ingress', word: 'secret', value: 'secret' },
      { says: 'by an HTTP call on localhost', word: 'http', value: 'http' },
      { says: 'it asks Key Vault itself', word: 'code', value: 'code' },
      { says: 'any of these' },
    ],
  },
  {
    wish: 'otherStores',
    flag: 'other-stores',
    ask: 'Does it also read stores other than Key Vault?',
    label: 'Other stores',
    options: [
      { says: 'no', word: 'no', value: false },
      { says: 'yes, in the same way', word: 'yes', value: true },
    ],
  },
  {
    wish: 'freshWithoutRestart',
    flag: 'fresh-without-restart',
    ask: 'Must a running pod see a new version without a restart?',
    label: 'Without restart',
    options: [
      { says: 'no, a restart is fine', word: 'no', value: false },
      { says: 'yes', word: 'yes', value: true },
    ],
  },
];

/** What a wish demands of a method; the heavier ones decide. */
interface Rule {
  readonly weight: number;
  readonly wanted: (wishes: Wishes) => boolean;
  readonly met: (traits: Traits) => boolean;
  /** Ends "because …". */
  readonly because: string;
  /** Ends "not …, because …". */
  readonly whyNot: string;
}

const TAKES: Readonly<Record<NonNullable<Wishes['needs']>, Omit<Rule, 'weight' | 'wanted'>>> = {
  files: {
    // A Kubernetes Secret can be mounted as well.
    met: ({ delivers }) => delivers === 'files' || delivers === 'secret',
    because: 'it brings files',
    whyNot: 'it brings no files',
  },
  variables: {
    met: ({ variables }) => variables,
    because: 'variables can be filled from it',
    whyNot: 'variables cannot be filled from it',
  },
  secret: {
    met: ({ delivers }) => delivers === 'secret',
    because: 'it keeps a Kubernetes Secret',
    whyNot: 'it keeps no Kubernetes Secret of its own',
  },
  http: {
    met: ({ delivers }) => delivers === 'http',
    because: 'one HTTP call gets the secret',
    whyNot: 'nothing answers an HTTP call',
  },
  code: {
    met: ({ delivers }) => delivers === 'code',
    because: 'the code asks Key Vault itself',
    whyNot: 'the code would not ask Key Vault itself',
  },
};

const RULES: readonly Rule[] = [
  ...Object.entries(TAKES).map(([needs, rule]) => ({
    weight: 8,
    wanted: (wishes: Wishes) => wishes.needs === needs,
    ...rule,
  })),
  {
    weight: 4,
    wanted: ({ appCanChange }) => appCanChange === false,
    met: ({ codeChange }) => !codeChange,
    because: 'the code stays as it is',
    whyNot: 'the code would have to change',
  },
  {
    weight: 2,
    wanted: ({ otherStores }) => otherStores === true,
    met: ({ otherStores }) => otherStores,
    because: 'other stores are read in the same way',
    whyNot: 'it reads Key Vault only',
  },
  {
    weight: 1,
    wanted: ({ freshWithoutRestart }) => freshWithoutRestart === true,
    met: ({ freshWithoutRestart }) => freshWithoutRestart,
    because: 'a running pod sees a new version',
    whyNot: 'a pod sees a new version only after a restart',
  },
];

/** What decides where the wishes do not, the first that tells two methods apart. */
const LEANINGS: readonly Omit<Rule, 'weight'>[] = [
  {
    wanted: ({ appCanChange }) => appCanChange === true,
    met: ({ delivers }) => delivers === 'code',
    because: 'each read is current and nothing stands between',
    whyNot: 'the code can do without something in between',
  },
  {
    wanted: ({ appCanChange }) => appCanChange !== true,
    met: ({ codeChange }) => !codeChange,
    because: 'the code stays as it is',
    whyNot: 'the code would have to change',
  },
  {
    wanted: () => true,
    met: ({ valueInCluster }) => !valueInCluster,
    because: "no value lies in the cluster's store",
    whyNot: "the values would also lie in the cluster's store",
  },
  {
    wanted: () => true,
    met: ({ otherStores }) => !otherStores,
    because: 'it is made for Key Vault and AKS alone',
    whyNot: 'it brings more than Key Vault needs',
  },
];

/**
 * The method that fits the wishes best: by the weight of the wishes that it misses, then by the leanings, then by the
 * order of the list.
 * @throws where there is no method
 */
export function recommend(wishes: Wishes, methods: readonly Method[]): Recommendation {
  const rules = RULES.filter(({ wanted }) => wanted(wishes));
  const leanings = LEANINGS.filter(({ wanted }) => wanted(wishes));
  const missed = ({ traits }: Method) => rules.filter(({ met }) => !met(traits));
  const weight = (method: Method) => missed(method).reduce((sum, rule) => sum + rule.weight, 0);
  const lean = (a: Method, b: Method): number => {
    const deciding = leanings.find(({ met }) => met(a.traits) !== met(b.traits));
    return deciding ? (deciding.met(a.traits) ? -1 : 1) : 0;
  };
  const [first, ...others] = methods.toSorted((a, b) => weight(a) - weight(b) || lean(a, b));
  if (!first) throw new Error('there is no method');

  const met = rules.filter((rule) => rule.met(first.traits));
  const leans = leanings.filter((leaning) => leaning.met(first.traits) && !met.some(sameReason(leaning)));
  const reasons = [...met, ...leans].slice(0, Math.max(met.length, 2)).map(({ because }) => because);
  const still = missed(first).map(({ whyNot }) => whyNot);
  return {
    method: first,
    because: `${capital(and(reasons))}${still.length > 0 ? `; still, ${and(still)}` : ''}.`,
    instead: others.map((method) => {
      const misses = missed(method).filter((rule) => rule.met(first.traits));
      const deciding = leanings.find(({ met: holds }) => holds(first.traits) && !holds(method.traits));
      const whyNot = misses.length > 0 ? and(misses.map((rule) => rule.whyNot)) : deciding?.whyNot;
      return { method, whyNot: whyNot ?? 'it does no better' };
    }),
  };
}

/**
 * The next question whose answer still matters, or none: then the recommendation stands. `asked` are those that were
 * put, also those answered with "it does not matter".
 */
export function nextQuestion(
  wishes: Wishes,
  asked: readonly Wish[],
  methods: readonly Method[],
): WishQuestion | undefined {
  if (asked.length >= QUESTIONS) return undefined;
  return questionsFor(methods).find(({ wish, options }) => {
    if (asked.includes(wish) || wishes[wish] !== undefined) return false;
    return new Set(options.map((option) => recommend(withAnswer(wishes, wish, option), methods).method)).size > 1;
  });
}

/** All questions, with the options that some method can serve. */
export function questionsFor(methods: readonly Method[]): readonly WishQuestion[] {
  const served = (option: WishOption, wish: Wish): boolean =>
    RULES.filter(({ wanted }) => wanted(withAnswer({}, wish, option))).every(({ met }) =>
      methods.some(({ traits }) => met(traits)),
    );
  return QUESTION_LIST.map((question) => ({
    ...question,
    options: question.options.filter((option) => served(option, question.wish)),
  }));
}

/** The wishes with one more answer. */
export const withAnswer = (wishes: Wishes, wish: Wish, { value }: WishOption): Wishes =>
  value === undefined ? wishes : { ...wishes, [wish]: value };

const sameReason =
  (one: { readonly because: string }) =>
  (other: { readonly because: string }): boolean =>
    one.because === other.because;

const and = (parts: readonly string[]): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
