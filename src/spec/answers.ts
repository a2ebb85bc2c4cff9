import type { Complaint } from '../complaint.ts';
import type { ValueSource } from '../workload.ts';
import { NAMES } from './names.ts';

/** What a flag or its environment variable said. */
export interface Answer {
  readonly value: string | boolean | readonly string[];
  /** `--vault` or `AKS_SECRETS_VAULT`: how a complaint names it. */
  readonly said: string;
}
/** What was answered to a question counts as if its flag had said it. */
export const YOUR_ANSWER = 'your answer';
/** By the name of the flag, without dashes. */
export type Answers = ReadonlyMap<string, Answer>;

export const textOf = (answers: Answers, flag: string): string | undefined => {
  const value = answers.get(flag)?.value;
  return typeof value === 'string' ? value : undefined;
};
export const listOf = (answers: Answers, flag: string): readonly string[] => {
  const value = answers.get(flag)?.value;
  return typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
};
export const isOn = (answers: Answers, flag: string): boolean => answers.get(flag)?.value === true;

/** `NAME` or `NAME=ALIAS`, as an item of the file. */
export function itemOf(text: string): { name: string; as?: string } {
  const split = text.indexOf('=');
  return split < 0 ? { name: text } : { name: text.slice(0, split), as: text.slice(split + 1) };
}

/**
 * Where values come from, by the name of the secret: `NAME=env:VAR`, `NAME=file:PATH`, `NAME=stdin`. No flag takes the
 * value itself, and what was given in its place is not repeated: it may be one.
 */
export function valuesOf(answers: Answers): { values: ReadonlyMap<string, ValueSource>; complaints: Complaint[] } {
  const said = answers.get('secret-value')?.said ?? '--secret-value';
  const values = new Map<string, ValueSource>();
  const complaints: Complaint[] = [];
  for (const text of listOf(answers, 'secret-value')) {
    const { name, as: source } = itemOf(text);
    const value = source === undefined ? undefined : sourceOf(source);
    if (!value) {
      const whose = source !== undefined && NAMES.secret.pattern.test(name) ? ` for ${name}` : '';
      complaints.push({
        message: `${said}${whose}: no flag takes the value itself. Say where it comes from: NAME=env:VARIABLE, NAME=file:PATH or NAME=stdin.`,
        ...(whose && {
          fix: {
            say: 'A value typed on a command line stays in its history and shows in the list of processes; if it was real, change it.',
          },
        }),
      });
    } else if (values.has(name)) complaints.push({ message: `${said}: ${name} is given two values; keep one.` });
    else values.set(name, value);
  }
  const fromStdin = [...values].filter(([, value]) => 'stdin' in value).map(([name]) => name);
  if (fromStdin.length > 1) {
    complaints.push({
      message: `${said}: standard input holds one value, and ${fromStdin.join(' and ')} both want it.`,
    });
  }
  return { values, complaints };
}

function sourceOf(text: string): ValueSource | undefined {
  if (text === 'stdin') return { stdin: true };
  const [, kind, rest] = /^(env|file):(.+)$/s.exec(text) ?? [];
  if (kind === 'file') return { file: rest! };
  return kind === 'env' && NAMES.variable.pattern.test(rest!) ? { env: rest! } : undefined;
}
