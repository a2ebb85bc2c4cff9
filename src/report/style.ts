import type { ChalkInstance } from 'chalk';
import { Chalk } from 'chalk';
import { redact } from '../secret.ts';
import type { Line, Symbols, Tone } from './text.ts';
import { ASCII, UNICODE } from './text.ts';

type Env = Readonly<Record<string, string | undefined>>;
interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/**
 * Whether a stream gets colour. `--no-color` decides; then FORCE_COLOR (0 and false mean none); then NO_COLOR
 * (no-color.org: any value but the empty one), TERM=dumb, and whether somebody watches.
 */
export function wantsColour(stream: Stream, env: Env, noColor = false): boolean {
  if (noColor) return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  if (env.NO_COLOR || env.TERM === 'dumb') return false;
  return stream.isTTY === true;
}

/** True or false as text. */
const TRUTHS = ['TF_BUILD', 'GITHUB_ACTIONS', 'APPVEYOR', 'TRAVIS', 'CIRCLECI', 'GITLAB_CI'] as const;
/** Their presence is enough; the last are programs that read what we write. */
const PRESENCES = [
  ...['CI', 'BUILD_ID', 'CODEBUILD_BUILD_ID', 'JENKINS_URL', 'TEAMCITY_VERSION', 'BITBUCKET_BUILD_NUMBER'],
  ...['AI_AGENT', 'CLAUDE_CODE', 'GEMINI_CLI', 'COPILOT_CLI', 'OPENCODE'],
] as const;

/** Whether the output goes to a log or to a program, although it may look like a terminal. */
export const isAutomated = (env: Env): boolean =>
  TRUTHS.some((name) => env[name]?.toLowerCase() === 'true' || env[name] === '1') ||
  PRESENCES.some((name) => env[name] !== undefined && env[name] !== '' && env[name] !== 'false');

/** Whether lines may be drawn over. */
export const wantsLiveBlock = (stream: Stream, env: Env): boolean =>
  stream.isTTY === true && env.TERM !== 'dumb' && !isAutomated(env);

/** Symbols that the locale can show: the first of these variables that is set decides; none set means a modern system. */
export function symbolsFor(env: Env): Symbols {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG;
  return locale === undefined || locale === '' || /utf-?8/i.test(locale) ? UNICODE : ASCII;
}

/** Columns to lay out for: those of the terminal up to 120, and 80 where there is none. */
export const widthOf = (stream: Stream): number => Math.min(120, stream.columns || 80);

export type Paint = (line: Line) => string;

/** GitHub takes a line that begins so for a command, also behind blanks. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: our own colours may stand before it
const WORKFLOW_COMMAND = /^((?:\s|\u001b\[[\d;]*m)*:):/;

/** The only place where a line becomes text: coloured, or not, and through the last net for secret values. */
export function painter(colour: boolean): Paint {
  const chalk = new Chalk({ level: colour ? 1 : 0 });
  const tones: Readonly<Record<Tone, ChalkInstance>> = {
    ...{ good: chalk.green, bad: chalk.red, warn: chalk.yellow },
    ...{ dim: chalk.dim, strong: chalk.bold, asks: chalk.bold.blueBright },
  };
  return (line) => {
    const text = line.map(({ text, tone }) => (tone && text !== '' ? tones[tone](text) : text)).join('');
    return redact((colour ? text : text.trimEnd()).replace(WORKFLOW_COMMAND, '$1 :'));
  };
}
