import type { Complaint } from '../complaint.ts';
import { sentence } from '../complaint.ts';
import type { Result } from '../engine/events.ts';
import type { Problem, Said } from '../trouble.ts';
import type { Line, Page } from './text.ts';
import { BLANK, columns, command, line, paragraph, span, wrap } from './text.ts';
import { nameOf, plainly, withConsent } from './words.ts';

/** What the catalogue of failures knows about a problem. */
export type Explain = (problem: Problem) => Pick<Complaint, 'failure' | 'cause' | 'fix'> | undefined;

/** One error: what happened to which resource, why, who may, the one line, and what the service itself said. */
export interface Trouble extends Complaint {
  /** Another way out than `fix`, for somebody else. */
  readonly or?: Complaint['fix'];
  /** The service's own words, for the last line. */
  readonly said?: Said;
  /** The same command again, once the fix is done. */
  readonly again?: string;
  readonly exit?: number;
  /** How many others are not reported because they follow from it. */
  readonly followers?: number;
}

export function troubleText(told: Trouble, page: Page): Line[] {
  const trouble = lineApart(told);
  const { resource, message, cause, fix, or, again, failure, followers = 0 } = trouble;
  const title = resource ?? sentence(trouble);
  const mark = failure === undefined ? [] : ['  ', span(failure, 'dim')];
  const [head = '', ...more] = wrap(title, Math.max(20, page.width - 2 - (failure ? columns(failure) + 2 : 0)));
  const followed = followers > 0 ? ` ${followers} more ${followers === 1 ? 'follows' : 'follow'} from it.` : '';
  return [
    line(span(`${page.symbols.bad} `, 'bad'), span(head, 'strong'), ...mark),
    ...more.map((row) => line('  ', span(row, 'strong'))),
    ...(resource === undefined
      ? []
      : [BLANK, ...paragraph(plainly(messageOf(trouble, message), resource) + followed, page)]),
    ...(cause === undefined ? [] : [BLANK, ...paragraph(cause, page)]),
    ...wayOut(fix, page),
    ...wayOut(or, page),
    ...(again === undefined
      ? []
      : [...(fix ? [] : [BLANK]), ...paragraph(fix ? 'Then:' : 'The same again:', page), command(again)]),
    ...lastLine(trouble, page),
  ];
}

/** A message that ends with a line to paste (`... Sign in with: az login`) has that line on a row of its own. */
function lineApart(trouble: Trouble): Trouble {
  const [, message, say, run] =
    /^(.+[.!?]) ([A-Z][^.:]*:) ((?:az|kubectl|aks-secrets) .+)$/.exec(trouble.message) ?? [];
  if (trouble.fix || message === undefined || say === undefined || run === undefined) return trouble;
  return { ...trouble, message, fix: { say, run } };
}

const wayOut = (fix: Complaint['fix'], page: Page): Line[] =>
  fix ? [BLANK, ...paragraph(fix.say, page), ...(fix.run === undefined ? [] : [command(pasteable(fix.run))])] : [];

/** `<resource group>`, which we cannot know, as `RESOURCE_GROUP`: a shell would take the first for a redirection. */
export const pasteable = (run: string): string =>
  run.replace(/<([a-z][a-z ]*)>/g, (_, what: string) => what.toUpperCase().replaceAll(' ', '_'));

const messageOf = ({ file, line: number }: Trouble, message: string): string =>
  file === undefined ? message : sentence({ message, file, ...(number !== undefined && { line: number }) });

/** What the service said at the left, the exit code at the right. */
function lastLine({ said, azure, exit }: Trouble, page: Page): Line[] {
  const code = said?.code ?? azure?.code;
  const request = said?.requestId ?? azure?.requestId;
  // A connection that failed said nothing: its code is the machine's own.
  const lost = code !== undefined && said?.status === undefined && /^(E[A-Z]{4,}|UND_ERR_\w+|CERT_\w+)$/.test(code);
  const whole = [
    code &&
      (lost ? `Connection: ${code}` : `${said?.by ?? 'Azure'} said ${code}${said?.status ? ` (${said.status})` : ''}`),
    request && `request ${request}`,
  ]
    .filter(Boolean)
    .join(', ');
  const end = exit === undefined ? '' : `exit ${exit}`;
  if (whole === '' && end === '') return [];
  // The code needs its place at the end of the last row.
  const rows = wrap(whole, Math.max(20, page.width - 2 - (end === '' ? 0 : columns(end) + 2)));
  const last = rows.pop() ?? '';
  const gap = Math.max(2, page.width - 2 - columns(last) - columns(end));
  return [
    BLANK,
    ...rows.map((row) => line('  ', span(row, 'dim'))),
    line('  ', span(last, 'dim'), end === '' ? '' : ' '.repeat(gap), span(end, 'dim')),
  ];
}

/** All that is wrong with what was asked for, at once; the exit code once, at the end. */
export function complaintsText(complaints: readonly Complaint[], exit: number, page: Page): Line[] {
  const isShort = (complaint: Complaint | undefined) =>
    complaint !== undefined && !complaint.resource && !complaint.cause && !complaint.fix;
  return complaints.flatMap((complaint, index) => [
    // What is one sentence each makes a list.
    ...(index === 0 || (isShort(complaint) && isShort(complaints[index - 1])) ? [] : [BLANK]),
    ...troubleText({ ...complaint, ...(index === complaints.length - 1 && { exit }) }, page),
  ]);
}

/** A result that did not end well, in the form of a complaint. `again`: the same command as one line. */
export function troubleOf(result: Result, explain: Explain | undefined, again?: string): Trouble {
  const { change, problem, note, run, outcome } = result;
  const resource = nameOf(change);
  const known = problem && explain?.(problem);
  const said = problem?.said && { said: problem.said };
  if (change.missing.length > 0 && outcome === 'blocked') {
    const theirs = run === undefined ? undefined : { say: 'Whoever runs the cluster runs:', run };
    const ours = again && { say: 'To consent to it:', run: withConsent(again, change.missing) };
    return {
      resource,
      message: `This reaches further than this workload, so --yes does not cover it: it needs --allow ${change.missing.join(',')}.`,
      ...(ours ? { fix: ours } : theirs && { fix: theirs }),
      ...(ours &&
        theirs && { or: { ...theirs, say: `Or whoever runs the cluster runs this, and you the same again:` } }),
    };
  }
  const right = problem?.right && !problem.message.includes(problem.right) ? ` ${problem.right} is missing.` : '';
  const words = [problem?.message, note !== problem?.message ? note : undefined, problem?.detail]
    .flatMap((text) => (text ? [plainly(text, resource)] : []))
    .join(' ');
  const fix = fixOf(result, known);
  return {
    resource,
    message: [HOW[outcome], words].filter(Boolean).join(' ') + right,
    ...(known?.failure !== undefined && { failure: known.failure }),
    ...(known?.cause !== undefined && { cause: known.cause }),
    ...(fix && { fix }),
    ...said,
  };
}

/** The line that the step gives, where it can help; else what the catalogue knows; else what holds of every such trouble. */
function fixOf({ change, problem, run }: Result, known: ReturnType<Explain>): Complaint['fix'] {
  if (problem && UNREACHED.has(problem.trouble)) return known?.fix ?? fixOfLost(problem);
  const unseen = change.action === 'blocked' && problem !== undefined;
  // What may not even be looked at is not put right by the line that would make it.
  if (run === undefined || (unseen && known?.fix)) return known?.fix;
  const say = !problem ? 'Next:' : problem.trouble === 'denied' ? 'Somebody who may runs:' : 'By hand:';
  return { say, run };
}

const UNREACHED: ReadonlySet<Problem['trouble']> = new Set(['broken', 'busy', 'not yet', 'unsigned']);

function fixOfLost({ trouble, said }: Problem): Complaint['fix'] {
  if (trouble !== 'broken' || !said) return undefined;
  return said.status === undefined
    ? { say: 'Check the way from here to there (network, VPN, proxy, firewall). It is safe to run the same again.' }
    : undefined;
}

const HOW: Readonly<Partial<Record<Result['outcome'], string>>> = {
  'timed out': 'It took longer than expected; it is safe to run the same again. The last state:',
  interrupted: 'Interrupted.',
};
