import type { Complaint } from '../complaint.ts';
import type { Plan, Tell } from '../engine/events.ts';
import type { Evidence } from '../engine/evidence.ts';
import type { Output } from '../io.ts';
import type { Clock } from '../world.ts';
import { complaintsText } from './complaint-text.ts';
import { jsonReporter } from './json.ts';
import { plainProgress } from './plain.ts';
import type { Header } from './plan-text.ts';
import { planText } from './plan-text.ts';
import type { RemovalSummary } from './removal-text.ts';
import { removalPlanText, removalResultText, removalTroublesText } from './removal-text.ts';
import type { Summary } from './result-text.ts';
import { resultText, troublesText } from './result-text.ts';
import { type Sheet, sheetOn } from './sheet.ts';
import type { Paint } from './style.ts';
import { painter, symbolsFor, wantsColour, wantsLiveBlock } from './style.ts';
import { liveProgress } from './terminal.ts';
import type { Line, Page } from './text.ts';
import { BLANK, command, paragraph } from './text.ts';

/** What becomes of what a command has to say. Results go to standard output, everything else to standard error. */
export interface Reporter {
  readonly tell: Tell;
  /** One sentence on the way; `run` is a line to paste, shown whole on a row of its own. */
  note(text: string, run?: string): void;
  /** `result` when the plan is what was asked for; `preview` when a question or its application follows. */
  plan(plan: Plan, header: Header, as: 'result' | 'preview'): void;
  result(summary: Summary, evidence: Evidence): void;
  /** How a removal ended. */
  removed(summary: RemovalSummary, evidence: Evidence): void;
  /** What `verify` found: the document itself, lines for a person, or a text in the format that was asked for. */
  verified(form: VerifyForm): void;
  failure(complaints: readonly Complaint[], exitCode: number): void;
  /** Ends progress, and writes the document of `-o json`. Nothing may be reported after it. */
  close(): void;
}

export interface VerifyForm {
  readonly document: unknown;
  lines(page: Page): readonly Line[];
  /** Written as it is, in place of the lines. */
  readonly text?: string;
}

/** How a run is followed while it lasts. */
export interface Progress {
  readonly tell: Tell;
  /** Makes room for other text: the live block is drawn no more until the next event. */
  pause(): void;
  close(): void;
}

/** Calls back about every so many milliseconds of real time, until the answer is called. */
export type Ticker = (milliseconds: number, tick: () => void) => () => void;

const realTicker: Ticker = (milliseconds, tick) => {
  const timer = setInterval(tick, milliseconds);
  timer.unref();
  return () => clearInterval(timer);
};

export interface ReportOptions {
  /** `json`: one document, whatever it is printed as. */
  readonly output: 'text' | 'json';
  /** How a document is printed; absent: as JSON. */
  readonly print?: ((document: unknown) => string) | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Elapsed time is the world's. */
  readonly clock: Pick<Clock, 'now'>;
  readonly quiet?: boolean;
  /** Also says what was kept. */
  readonly verbose?: boolean;
  readonly noColor?: boolean;
  readonly ticker?: Ticker;
}

/** The reporter for these streams and wishes. */
export function reporterFor(options: ReportOptions): Reporter {
  return options.output === 'json' ? jsonReporter(options.stdout, options.print) : textReporter(options);
}

function textReporter(options: ReportOptions): Reporter {
  const { stdout, stderr, env, quiet = false } = options;
  const sheet = (stream: Output): Sheet => {
    const { page, write } = sheetOn(stream, env, options.noColor);
    return {
      page,
      write: (lines) => {
        progress.pause();
        write(lines);
      },
    };
  };
  const progress = progressFor(options, painter(wantsColour(stderr, env, options.noColor)));
  const out = sheet(stdout);
  const err = sheet(stderr);
  /** What follows is an afterword, and stands apart. */
  let afterResult = false;
  return {
    tell: progress.tell,
    note: (text, run) => {
      if (quiet) return;
      err.write([
        ...(afterResult ? [BLANK] : []),
        ...paragraph(text, err.page, 0),
        ...(run === undefined ? [] : [command(run)]),
      ]);
      afterResult = false;
    },
    plan(plan, header, as) {
      const text = header.removes ? removalPlanText : planText;
      if (as === 'result') out.write(text(plan.changes, header, out.page));
      else if (!quiet) err.write([...text(plan.changes, header, err.page), BLANK]);
      afterResult = as === 'result';
    },
    result(summary) {
      // The line between progress and result belongs to neither file, when they go to two.
      if (!quiet) err.write([BLANK]);
      out.write(resultText(summary, out.page));
      const troubles = troublesText(summary, err.page);
      if (troubles.length > 0) err.write([BLANK, ...troubles]);
      afterResult = true;
    },
    removed(summary) {
      // Where nothing was removed there was no progress, and the plan stands apart by itself.
      if (!quiet && summary.results.some(({ outcome }) => outcome !== 'left')) err.write([BLANK]);
      out.write(removalResultText(summary, out.page));
      const troubles = removalTroublesText(summary, err.page);
      if (troubles.length > 0) err.write([BLANK, ...troubles]);
      afterResult = true;
    },
    verified({ lines, text }) {
      progress.pause();
      if (text === undefined) out.write(lines(out.page));
      else stdout.write(text);
      afterResult = true;
    },
    failure(complaints, exitCode) {
      err.write(complaintsText(complaints, exitCode, err.page));
      afterResult = true;
    },
    close: () => progress.close(),
  };
}

const SILENT: Progress = { tell: () => undefined, pause: () => undefined, close: () => undefined };

function progressFor(options: ReportOptions, paint: Paint): Progress {
  const { stderr, env, clock, quiet, verbose = false, ticker = realTicker } = options;
  if (quiet) return SILENT;
  const symbols = symbolsFor(env);
  const common = { write: (text: string) => void stderr.write(text), paint, symbols, clock, verbose, ticker };
  return wantsLiveBlock(stderr, env)
    ? liveProgress({ ...common, width: () => stderr.columns || 80 })
    : plainProgress(common);
}
