import type { Change, Proof, Result } from '../engine/events.ts';
import { clean, clip, duration } from './text.ts';

type Named = Pick<Change, 'kind' | 'subject'>;

/** How a thing is called wherever it is spoken of. */
export const nameOf = ({ kind, subject }: Named): string =>
  kind === 'proof' ? proofName({ title: subject }) : `${kind} ${subject}`;

export const proofName = ({ title }: Pick<Proof, 'title'>): string => `proof: ${title}`;

/** A name in a narrow column: without where it lies (`role X for a on b` → `role X for a`), as far as needed. */
export function shortName(name: string, width: number): string {
  let short = name;
  while (short.length > width) {
    const less = short.replace(/ (in|at|on|for) \S+$/, '');
    if (less === short) break;
    short = less;
  }
  return short;
}

const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const RESOURCE_ID = new RegExp(`/subscriptions/${GUID}(/[\\w.()/-]*[\\w)])?`, 'gi');
const KINDS: Readonly<Record<string, string>> = {
  ...{ managedclusters: 'cluster', vaults: 'vault', userassignedidentities: 'identity', secrets: 'secret' },
  ...{ resourcegroups: 'resource group', federatedidentitycredentials: 'credential', subnets: 'subnet' },
};

/** Names in place of the long ids of Azure Resource Manager: `vault demo-kv`. For sentences, never for a line to paste. */
export const named = (text: string): string =>
  text.replace(RESOURCE_ID, (id, below: string | undefined) => {
    if (below === undefined) return 'the subscription';
    const parts = id.split('/').filter(Boolean);
    const [kind = '', name = ''] = parts.slice(-2);
    return `${KINDS[kind.toLowerCase()] ?? kind} ${name}`;
  });

/** Words from elsewhere as a sentence under the title of what they speak about: it is not named again. */
export function plainly(text: string, about?: string): string {
  const words = named(clean(text)).trim();
  const bare = about !== undefined && words.startsWith(`${about}: `) ? words.slice(about.length + 2) : words;
  const [first = ''] = /^[a-z]+(?= )/.exec(bare) ?? [];
  // A name keeps its spelling, also at the beginning of a sentence.
  const isName = first === '' || (about ?? '').split(/[\s/]/).slice(1).includes(first);
  const begun = isName ? bare : bare[0]!.toUpperCase() + bare.slice(1);
  return begun === '' || /[.!?:]$/.test(begun) ? begun : `${begun}.`;
}

/** A reason for the line of progress: the whole of it comes with the error, if there is one. */
export const briefly = (text: string, about: string, width: number): string => {
  const words = named(clean(text)).trim().replace(/\.$/, '');
  return clip(words.startsWith(`${about}: `) ? words.slice(about.length + 2) : words, width);
};

/** Why something ended as it did. */
export const reasonOf = ({ problem, note }: Pick<Result, 'problem' | 'note'>): string => problem?.message ?? note ?? '';

/** How long it took, where that is worth a word. */
export const tookOf = (seconds: number): string => (seconds < 0.05 ? '' : duration(seconds));

/** The same command line with more consents. Quoted, for PowerShell takes a comma for a list. */
export function withConsent(again: string, missing: readonly string[]): string {
  const given = / --allow (['"]?)([\w,-]+)\1/.exec(again);
  const all = [...new Set([...(given?.[2]?.split(',') ?? []), ...missing])];
  if (all.length === 0) return again;
  const bare = given ? again.replace(given[0], '') : again;
  const consent = ` --allow ${all.length > 1 ? `'${all.join(',')}'` : all[0]}`;
  return / --yes$/.test(bare) ? `${bare.slice(0, -' --yes'.length)}${consent} --yes` : bare + consent;
}
