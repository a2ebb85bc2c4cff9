import type { Complaint } from '../complaint.ts';
import { sentence } from '../complaint.ts';
import type { Result } from '../engine/events.ts';
import type { Problem, Said } from '../trouble.ts';
import type { Line, Page } from './text.ts';
import { BLANK, columns, command, line, paragraph, span, wrap } from './text.ts';

/** What the catalogue of failures knows about a problem. */
export type Explain = (problem: Problem) => Pick<Complaint, 'failure' | 'cause' | 'fix'> | undefined;

/** One error: what happened to which resource, why, who may, the one line, and what the service itself said. */
export interface Trouble extends Complaint {
  /** The service's own words, for the last line. */
  readonly said?: Said;
  /** The same command again, once the fix is done. */
  readonly again?: string;
  readonly exit?: number;
  /** How many others are not reported because they follow from it. */
  readonly followers?: number;
}

export function troubleText(trouble: Trouble, page: Page): Line[] {
  const { resource, message, cause, fix, again, failure, followers = 0 } = trouble;
  const title = resource ?? sentence(trouble);
  const mark = failure === undefined ? [] : ['  ', span(failure, 'dim')];
  const [head = '', ...more] = wrap(title, Math.max(20, page.width - 2 - (failure ? columns(failure) + 2 : 0)));
  return [
    line(span(`${page.symbols.bad} `, 'bad'), span(head, 'strong'), ...mark),
    ...more.map((row) => line('  ', span(row, 'strong'))),
    ...(resource === undefined ? [] : [BLANK, ...paragraph(messageOf(trouble, message), page)]),
    ...(cause === undefined ? [] : [BLANK, ...paragraph(cause, page)]),
    ...(fix ? [BLANK, ...paragraph(fix.say, page), ...(fix.run === undefined ? [] : [command(fix.run)])] : []),
    ...(again === undefined
      ? []
      : [...(fix ? [] : [BLANK]), ...paragraph(fix ? 'Then:' : 'The same again:', page), command(again)]),
    ...(followers > 0
      ? [BLANK, ...paragraph(`${followers} more ${followers === 1 ? 'follows' : 'follow'} from it.`, page)]
      : []),
    ...lastLine(trouble, page),
  ];
}

const messageOf = ({ file, line: number }: Trouble, message: string): string =>
  file === undefined ? message : sentence({ message, file, ...(number !== undefined && { line: number }) });

/** What the service said at the left, the exit code at the right. */
function lastLine({ said, azure, exit }: Trouble, page: Page): Line[] {
  const code = said?.code ?? azure?.code;
  const request = said?.requestId ?? azure?.requestId;
  const whole = [
    code && `${said?.by ?? 'Azure'} said ${code}${said?.status ? ` (${said.status})` : ''}`,
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
  return complaints.flatMap((complaint, index) => [
    ...(index === 0 ? [] : [BLANK]),
    ...troubleText({ ...complaint, ...(index === complaints.length - 1 && { exit }) }, page),
  ]);
}

/** A result that did not end well, in the form of a complaint. */
export function troubleOf(result: Result, explain: Explain | undefined): Trouble {
  const { change, problem, note, run, outcome } = result;
  const known = problem && explain?.(problem);
  const right = problem?.right && !problem.message.includes(problem.right) ? ` ${problem.right} is missing.` : '';
  const missing = change.missing.length > 0 && outcome === 'blocked';
  const words = missing
    ? `This needs a consent of its own: ${change.missing.map((consent) => `--allow ${consent}`).join(' ')}.`
    : [stop(problem?.message), note && note !== problem?.message ? stop(note) : '', stop(problem?.detail)]
        .filter(Boolean)
        .join(' ') + right;
  const say = missing
    ? 'Whoever runs the cluster runs this, or the same command is run again with the consent:'
    : problem?.trouble === 'denied'
      ? 'Somebody who may runs:'
      : 'By hand:';
  const fix = run === undefined ? known?.fix : { say, run };
  return {
    resource: `${change.kind} ${change.subject}`,
    message: HOW[outcome] ? `${HOW[outcome]} ${words}` : words,
    ...(known?.failure !== undefined && { failure: known.failure }),
    ...(known?.cause !== undefined && { cause: known.cause }),
    ...(fix && { fix }),
    ...(problem?.said && { said: problem.said }),
  };
}

const HOW: Readonly<Partial<Record<Result['outcome'], string>>> = {
  'timed out': 'It took longer than expected; it is safe to run the same again. The last state:',
  interrupted: 'Interrupted:',
};

/** A sentence with its full stop. */
const stop = (text: string | undefined): string =>
  text === undefined || text === '' ? '' : /[.!?:]$/.test(text) ? text : `${text}.`;
