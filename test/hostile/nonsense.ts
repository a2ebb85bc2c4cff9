import type { Answer } from '../azure/server.ts';

interface Nonsense {
  readonly name: string;
  readonly reply: Answer;
  /** Calls for which it is an answer all the same. */
  readonly fits?: readonly string[];
}

const LISTS = [
  ...['list of subscriptions', 'list of groups', 'list of vaults', 'list of identities', 'list of clusters'],
  ...[
    'extensions',
    'identities',
    'credentials of an identity',
    'applications of a name',
    'credentials of an application',
  ],
  ...['assignments', 'assignments held', 'secrets', 'keys', 'certificates', 'secret', 'versions', 'proof of a list'],
];
const html = '<!doctype html><html><body>Sign in to the guest network</body></html>';
const body = (name: string, text: unknown, fits: readonly string[] = []): Nonsense => ({
  name,
  reply: { body: text },
  fits,
});

/** Answers of status 200 that say nothing, or something else. */
export const NONSENSE: readonly Nonsense[] = [
  body('nothing', ''),
  { name: 'no content', reply: { status: 204 } },
  body('null', 'null'),
  body('a number', '5'),
  body('a text', '"text"'),
  body('a list', '[]'),
  body('a list of lists', '[[[]]]'),
  body('an empty object', '{}'),
  body('JSON that ends early', '{"id":"/subscriptions/x","properties":{"secret-part":"hunter2'),
  body('JSON twice', '{}{}'),
  { name: 'a page of a proxy', reply: { headers: { 'content-type': 'text/html' }, body: html } },
  body('a page of a proxy, called JSON', html),
  {
    name: 'bytes that are no UTF-8',
    reply: { headers: { 'content-type': 'application/octet-stream' }, body: '\u00ff\u00fe\u0000{' },
  },
  body('properties that are null', { id: '/x', name: 'x', properties: null }),
  body('an id that is none', { id: 5, name: [], properties: 'x' }),
  body('an error with status 200', { error: { code: 'AuthorizationFailed', message: 'no' } }),
  body('a list that is null', { value: null }),
  body('a list that is a number', { value: 5 }),
  body('a list that is a text', { value: 'abc' }),
  body('a list that is an object', { value: {} }),
  body('an empty list', { value: [] }, LISTS),
  body('a list of nulls', { value: [null] }, ['proof of a list']),
  body('a list of numbers', { value: [5] }, ['proof of a list']),
  body('a list of nothings', { value: [{}] }, ['proof of a list']),
  body('a list of wrong types', { value: [{ id: 5, name: {}, properties: 7, kid: [], tags: 'x' }] }, [
    'proof of a list',
  ]),
  body('credentials that are none', { kubeconfigs: 'x' }),
  body('credentials of nothing', { kubeconfigs: [{ value: 5 }] }),
  body('a token that is none', { access_token: 5, token_type: 'Bearer', expires_in: 'x' }),
];

/** Words that only a programmer reads. */
export const unreadable =
  /Cannot (?:read propert|destructure|convert)|is not (?:a function|iterable|a constructor)|undefined \(|\[object|call stack|not valid JSON|Unexpected (?:token|end)|Invalid (?:URL|time|array)|hunter2|\n\s+at (?:\S+ \(|file:|async )/;
