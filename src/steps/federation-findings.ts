import type { FederatedCredential } from '../azure/azure.ts';
import { isOurCredential } from '../ownership.ts';
import { command } from '../shell.ts';
import type { Compared, Finding, Judged } from '../step.ts';
import type { Holder } from './holder.ts';

/** What a token of a service account says of itself, and a credential must say byte for byte. */
export interface Presented {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
}

const checkOf = (identity: string, account: string) =>
  ({ check: 'AKS-FIC-TRUST', title: `${identity} trusts ${account}` }) as const;

/** What trusts it, by the name of the credential where it is not ours. */
export const trusted = (identity: string, account: string, match: FederatedCredential): Finding => ({
  ...checkOf(identity, account),
  verdict: 'pass',
  ...(!isOurCredential(match) && { observed: `by the credential ${match.name}` }),
});

export const limitReached = (
  identity: string,
  account: string,
  held: number,
  limit: number,
): Pick<Judged, 'failure' | 'findings'> => ({
  failure: 'F014',
  findings: [
    {
      ...checkOf(identity, account),
      ...{ verdict: 'fail', failure: 'F014' },
      observed: `none for ${account}, and ${held} others`,
      expected: `one for ${account}, of at most ${limit}`,
    },
  ],
});

/** No credential fits: the one that was probably meant, and where it differs. */
export function mismatch(
  found: readonly FederatedCredential[],
  wanted: Presented,
  holder: Pick<Holder, 'wish'>,
  account: string,
): Pick<Judged, 'failure' | 'findings'> {
  const near = nearestOf(found, wanted);
  const failure = near ? failureOf(near, wanted) : 'F049';
  const compared = near ? comparedWith(near, wanted) : [];
  const [first] = compared.filter((one) => one.registered !== one.presented);
  const run = near && lineFor(near, wanted, holder);
  const finding: Finding = {
    ...checkOf(holder.wish.name, account),
    ...{ verdict: 'fail', failure, compared },
    observed: first ? `${first.what} ${first.registered}` : noneOf(found),
    expected: first ? `${first.what} ${first.presented}` : `subject ${wanted.subject} from ${wanted.issuer}`,
    ...(run !== undefined && { fix: { say: `Correct the credential ${near?.name}.`, run } }),
  };
  return { failure, findings: [finding] };
}

const noneOf = (found: readonly FederatedCredential[]): string =>
  found.length === 0 ? 'it has no federated credential' : `none of its ${found.length} federated credentials`;

/** The three things that Entra compares, of a credential and of a token. */
export const comparedWith = (registered: FederatedCredential, presented: Presented): readonly Compared[] => [
  { what: 'issuer', registered: registered.issuer, presented: presented.issuer },
  { what: 'subject', registered: registered.subject, presented: presented.subject },
  {
    what: 'audience',
    registered: registered.audiences.includes(presented.audience)
      ? presented.audience
      : registered.audiences.join(', '),
    presented: presented.audience,
  },
];

const plain = (text: string): string => text.trim().toLowerCase().replace(/\/$/, '');

/** The credential that was probably meant: equal but for case or a slash at the end, or else in one of the two. */
export function nearestOf(
  found: readonly FederatedCredential[],
  { issuer, subject }: Presented,
): FederatedCredential | undefined {
  const tests: readonly ((one: FederatedCredential) => boolean)[] = [
    (one) => one.issuer === issuer && one.subject === subject,
    (one) => plain(one.issuer) === plain(issuer) && plain(one.subject) === plain(subject),
    (one) => one.subject === subject,
    (one) => plain(one.subject) === plain(subject),
    // Of the same cluster: one for another service account that serves it is no mistake.
    (one) => plain(one.issuer) === plain(issuer) && !isOurCredential(one),
  ];
  for (const test of tests) {
    const one = found.find(test);
    if (one) return one;
  }
  return undefined;
}

function failureOf(near: FederatedCredential, { issuer, subject }: Presented): string {
  if (near.issuer === issuer && near.subject === subject) return 'F051';
  const byCase = (one: string, other: string): boolean => one === other || one.toLowerCase() === other.toLowerCase();
  if (byCase(near.issuer, issuer) && byCase(near.subject, subject)) return 'F053';
  return near.issuer === issuer ? 'F052' : 'F050';
}

/**
 * The line that makes it fit, where nobody else can mean it: one for another service account or another cluster may serve
 * there.
 */
function lineFor(near: FederatedCredential, wanted: Presented, { wish }: Pick<Holder, 'wish'>): string | undefined {
  const { issuer, subject, audience } = wanted;
  if (wish.kind === 'app registration') return undefined;
  if (plain(near.issuer) !== plain(issuer) || plain(near.subject) !== plain(subject)) return undefined;
  return command('az identity federated-credential update', {
    ...{ 'resource-group': wish.resourceGroup, 'identity-name': wish.name, name: near.name },
    ...{ issuer, subject, audiences: audience },
  });
}
