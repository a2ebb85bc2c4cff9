import { Command, CommanderError, Help } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import type { CommandModule, Entry, Example } from './commands/command.ts';
import { type Flag, GLOBAL, withGlobal } from './commands/flags.ts';
import { COMMANDS, GROUPS } from './commands/index.ts';
import { addFlags, answersOf } from './commands/options.ts';
import { type Complaint, Complaints } from './complaint.ts';
import type { Io } from './io.ts';
import { nearest } from './nearest.ts';
import { whileKept } from './secret.ts';
import type { Answer } from './spec/answers.ts';

/** Runs the program and answers its exit code. Touches nothing of the process; whatever happens ends in a report. */
export const main = (argv: readonly string[], io: Io): Promise<number> => whileKept(() => runProgram(argv, io));

async function runProgram(argv: readonly string[], io: Io): Promise<number> {
  if (argv[0] === '__complete') return (await import('./commands/completion/complete.ts')).complete(argv.slice(1), io);
  const known: Flag[] = [...GLOBAL];
  let code = 0;
  let help = '';
  try {
    const program = await programFor(argv, io, {
      known: (flags) => known.push(...flags),
      ended: (ended) => (code = ended),
      unasked: (text) => (help += text),
    });
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) return fail(error, argv, io);
    if (error.exitCode === 0) return 0;
    // Called without a command: what it can do is the answer.
    if (error.code === 'commander.help' && !wantsJson(argv, io)) {
      io.stdout.write(help);
      return 0;
    }
    return fail(usage(error, argv, known), argv, io);
  }
}

/** Reports what went wrong before a command had its own reporter. */
async function fail(error: unknown, argv: readonly string[], io: Io): Promise<number> {
  const [{ told }, { reporterOf }, { realClock }] = await Promise.all([
    import('./commands/troubles.ts'),
    import('./commands/reporting.ts'),
    import('./commands/surroundings.ts'),
  ]);
  const has = (...flags: string[]) => flags.some((flag) => argv.includes(flag));
  const { complaints, exitCode } = await told(error, {
    interrupted: io.signal.aborted,
    verbose: has('-v', '--verbose'),
  });
  const answers = new Map<string, Answer>([
    ['output', { value: wantsJson(argv, io) ? 'json' : 'text', said: '--output' }],
    ['no-color', { value: has('--no-color'), said: '--no-color' }],
  ]);
  const reporter = await reporterOf(answers, io, realClock);
  reporter.failure(complaints, exitCode);
  reporter.close();
  return exitCode;
}

/** Whether JSON is asked for, also by arguments that the parser refuses. */
function wantsJson(argv: readonly string[], io: Io): boolean {
  const wishes = argv.flatMap((word, index) => {
    if (word === '-o' || word === '--output') return [argv[index + 1] ?? ''];
    return /^(?:--output=|-o=?)(.+)$/.exec(word)?.[1] ?? [];
  });
  return (wishes.at(-1) ?? io.env.AKS_SECRETS_OUTPUT) === 'json';
}

interface Listener {
  known(flags: readonly Flag[]): void;
  ended(code: number): void;
  /** Help that nobody asked for. */
  unasked(text: string): void;
}

/** The parser: every command by its name, and the flags of those that the arguments name. */
async function programFor(argv: readonly string[], io: Io, listener: Listener): Promise<Command> {
  const quiet = (command: Command) => quietly(command, io, listener);
  const program = quiet(new Command('aks-secrets'))
    .usage('<command> [flags]')
    .description('Gives pods on AKS the secrets they need from Azure Key Vault, and proves that they have them.')
    .version(manifest.version, '--version', 'print the version')
    .helpOption('-h, --help', 'print help');
  addFlags(program, GLOBAL);
  examplesFirst(program, FIRST, true);
  const groups = new Map<string, Command>();
  const groupOf = (name: string): Command => {
    const group = groups.get(name) ?? quiet(program.command(name)).usage('<command> [flags]');
    groups.set(name, group);
    const { summary, examples } = GROUPS[name] ?? { summary: name, examples: [] };
    examplesFirst(group, examples, false);
    return group.summary(summary).description(capital(summary));
  };
  for (const entry of COMMANDS) {
    const [last, group] = entry.name.split(' ').toReversed() as [string, string | undefined];
    const command = quiet((group === undefined ? program : groupOf(group)).command(last)).summary(entry.summary);
    command.description(capital(entry.summary)).usage('[flags]').allowExcessArguments(false);
    if (entry.alias) command.alias(entry.alias);
    if (!isNamed(entry, argv)) continue;
    const module = await entry.load();
    const own = await module.flags();
    listener.known(own);
    addFlags(command, own);
    const { argument } = module;
    if (argument)
      command
        .argument(`[${argument.name}${argument.many ? '...' : ''}]`)
        .usage(`${argument.name.toUpperCase()} [flags]`);
    examplesFirst(command, module.examples, group === undefined);
    command.action(async () => listener.ended(await run(module, command, own, io)));
  }
  return program;
}

async function run(module: CommandModule, command: Command, own: readonly Flag[], io: Io): Promise<number> {
  const flags = withGlobal(own);
  return module.run(answersOf(command, flags, io.env), io, flags, command.args);
}

const isNamed = ({ name, alias }: Entry, argv: readonly string[]): boolean =>
  name.split(' ').every((word) => argv.includes(word)) || (alias !== undefined && argv.includes(alias));

/** Writes to our streams, and throws instead of ending the process. */
const quietly = (command: Command, io: Io, { unasked }: Listener): Command =>
  command
    .exitOverride()
    .showSuggestionAfterError(false)
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => unasked(text),
      outputError: () => undefined,
      getOutHelpWidth: () => Math.min(120, io.stdout.columns ?? 80),
      getErrHelpWidth: () => Math.min(120, io.stdout.columns ?? 80),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });

const FIRST: readonly Example[] = [
  ['Try it on a simulated Azure, no account needed', 'aks-secrets init --sandbox --method csi --yes'],
  ['Show what would be done', 'aks-secrets plan -f aks-secrets.yaml'],
  ['Do it', 'aks-secrets init -f aks-secrets.yaml'],
  ['All flags of a command', 'aks-secrets init --help'],
];

const AFTERWORD = `Every flag has an environment variable: --resource-group is
AKS_SECRETS_RESOURCE_GROUP. A flag wins over it, and it over the file.

Exit codes:
  0  done, or nothing to do      5    sign-in needed
  1  failed, or not proven       6    a right or a consent is missing
  2  wrong flags or file         124  timed out, safe to run again
  3  verify found a broken link  130  interrupted
  4  changes wait for a yes`;

/** Help as people read it: how to call it, what it does, real lines to copy, and then every flag. */
function examplesFirst(command: Command, list: readonly Example[], showGlobalOptions: boolean): void {
  const examples = `Examples:\n${list.map(([says, line]) => `  ${says}\n    ${line}`).join('\n')}`;
  command.configureHelp({
    showGlobalOptions,
    // Long flags leave little room at 80 columns; what is narrower is still better than what the terminal breaks.
    minWidthToWrap: 24,
    // What the command knows more of is said there.
    visibleGlobalOptions: (of) =>
      new Help().visibleGlobalOptions
        .call(Object.assign(new Help(), { showGlobalOptions }), of)
        .filter(({ long }) => !of.options.some((own) => own.long === long)),
    formatHelp(of, helper) {
      const all = new Help().formatHelp.call(helper, of, helper).trimEnd().split('\n\n');
      const [usage = '', description = '', ...rest] = all;
      const alias = of.alias();
      const place = (section: string) => (section.startsWith('Commands:') ? 0 : section.startsWith('Options:') ? 2 : 1);
      return [
        usage.replace(`|${alias} `, ' '),
        alias ? `${description} Also called ${alias}.` : description,
        ...(list.length > 0 ? [examples] : []),
        ...rest.toSorted((a, b) => place(a) - place(b)),
        ...(showGlobalOptions ? [] : ['The flags of every command: aks-secrets --help']),
        ...(of.parent ? [] : [AFTERWORD]),
        '',
      ]
        .join('\n\n')
        .trimEnd()
        .concat('\n');
    },
  });
}
const capital = (text: string): string => `${text[0]!.toUpperCase()}${text.slice(1)}.`;

/** A complaint with the line that shows what there is. */
const sayer = (argv: readonly string[]) => {
  const named = COMMANDS.find((entry) => isNamed(entry, argv))?.name;
  const fix = named
    ? { say: 'All its flags:', run: `aks-secrets ${named} --help` }
    : { say: 'All commands:', run: 'aks-secrets --help' };
  return (message: string, other: Complaint['fix'] = fix) => new Complaints([{ message, fix: other! }]);
};
type Say = ReturnType<typeof sayer>;

/** What commander found wrong, in our words: of what was typed only names of flags and commands are repeated. */
function usage(error: CommanderError, argv: readonly string[], known: readonly Flag[]): Complaints {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const say = sayer(argv);
  switch (error.code) {
    case 'commander.unknownOption':
      return argv[0]?.startsWith('-') && !isKnown(argv[0], known)
        ? tooEarly(argv[0], say)
        : unknownFlag(quoted, known, say);
    case 'commander.optionMissingArgument':
      return say(
        `${(/--[a-z-]+ <[^>]*>/.exec(error.message)?.[0] ?? 'A flag').replace(/[<>]/g, '')}: the value is missing.`,
      );
    case 'commander.unknownCommand':
      return unknownCommand(quoted, argv, known, say);
    case 'commander.excessArguments':
      return say('There is a word too many: every value follows its flag.');
    case 'commander.help':
      return say('Which command?');
    default:
      return say('The command line cannot be read.');
  }
}

function unknownFlag(word: string, known: readonly Flag[], say: Say): Complaints {
  const flag = /^--?[a-z][a-z-]*/i.exec(word)?.[0] ?? 'flag';
  const name = flag.replace(/^-+/, '');
  if (known.some((one) => one.flag === name)) return say(`${flag} takes no value.`);
  const names = known.map((one) => one.flag);
  const like = nearest(name, names);
  return say(`Unknown flag ${flag}.${like ? ` Did you mean --${like}?` : ''}`);
}

/** A word behind a flag that is not known may be that flag's value: then the flag is named, and not the word. */
function unknownCommand(word: string, argv: readonly string[], known: readonly Flag[], say: Say): Complaints {
  const before = argv.slice(0, argv.indexOf(word)).find((one) => one.startsWith('-') && !isKnown(one, known));
  if (before) return tooEarly(before, say);
  const shown = /^[a-z-]{1,40}$/i.test(word) ? ` ${word}` : '';
  const names = COMMANDS.flatMap(({ name, alias }) => [...name.split(' '), ...(alias ? [alias] : [])]);
  const like = shown && nearest(word, names);
  return say(`Unknown command${shown}.${like ? ` Did you mean ${like}?` : ''}`);
}

const tooEarly = (word: string, say: Say): Complaints =>
  say(`${/^--?[a-z][a-z-]*/i.exec(word)?.[0] ?? 'A flag'} stands before the command, or is not known.`, {
    say: 'The command comes first:',
    run: 'aks-secrets init --help',
  });

const isKnown = (word: string, known: readonly Flag[]): boolean =>
  known.some(
    ({ flag, short }) =>
      word === `--${flag}` || word.startsWith(`--${flag}=`) || (short !== undefined && word.startsWith(`-${short}`)),
  );
