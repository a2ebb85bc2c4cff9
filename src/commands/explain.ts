import { resolve } from 'node:path';
import { Complaints } from '../complaint.ts';
import { EXIT } from '../exit.ts';
import type { Io } from '../io.ts';
import { type Answers, isOn, textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';
import { readUpTo, textOfBytes } from './reading.ts';

/** Bytes that are read of a log: what shows a failure is not further away, and a second is enough for it. */
const MOST = 16 * 1024 * 1024;

export const command: CommandModule = {
  argument: { name: 'text', many: true },
  flags: async () => [],
  examples: [
    ['What describe shows', 'kubectl describe pod orders-7d4c | aks-secrets explain'],
    ['One message', "aks-secrets explain 'AADSTS700213: No matching federated identity record'"],
    ['A file with a log', 'aks-secrets explain pod.log'],
    ['For a program; exit 0: something is known, 1: nothing', 'aks-secrets explain --output json pod.log'],
  ],
  async run(answers, io, _flags, words) {
    const text = await textFor(answers, io, words);
    if (text.trim() === '') throw nothingToRead();
    const [{ find }, { explanation, explanationText, nothingKnown }, { sheetOn }, { documentText }] = await Promise.all(
      [
        import('../failures/index.ts'),
        import('../report/explain-text.ts'),
        import('../report/sheet.ts'),
        import('../report/document.ts'),
      ],
    );
    const explained = explanation(text, find(text));
    if (textOf(answers, 'output') === 'json') {
      io.stdout.write(documentText(explained));
    } else {
      const sheet = sheetOn(io.stdout, io.env, isOn(answers, 'no-color'));
      const known = explained.matches.length > 0;
      sheet.write(known ? explanationText(explained, sheet.page) : nothingKnown(sheet.page));
    }
    return explained.matches.length > 0 ? EXIT.done : EXIT.failed;
  },
};

const nothingToRead = () =>
  new Complaints([
    {
      message: 'There is no text to explain.',
      fix: {
        say: 'Give it as words, as a file, or through a pipe:',
        run: 'kubectl describe pod POD | aks-secrets explain',
      },
    },
  ]);

/**
 * The words, or the file that a single word or `-f` names, or standard input.
 * @throws {Complaints} for a file that cannot be read, and where a terminal is all there is to read from
 */
async function textFor(answers: Answers, io: Io, words: readonly string[]): Promise<string> {
  const file = answers.get('file');
  // The variable names the file that describes the world, which is nothing to explain.
  const named = file?.said.startsWith('-') ? textOf(answers, 'file') : undefined;
  const [word] = words;
  if (named !== undefined && named !== '-') return (await fileText(named, io)) ?? noSuchFile(named);
  if (words.length === 1 && word !== '-') return (await fileText(word!, io)) ?? word!;
  if (words.length > 1) return words.join(' ');
  if (io.stdin.isTTY) throw nothingToRead();
  return textOfBytes(await inputOf(io));
}

const noSuchFile = (path: string): never => {
  throw new Complaints([{ message: 'There is no such file.', file: path }]);
};

/** Undefined: no file of that name. */
async function fileText(path: string, io: Io): Promise<string | undefined> {
  // A text is not a path: some systems refuse its length or its characters in other ways than by "not found".
  if (path.length > 1024 || /[\n\0]/.test(path)) return undefined;
  try {
    return textOfBytes((await readUpTo(resolve(io.cwd, path), MOST)).subarray(0, MOST));
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL'].includes(code)) return undefined;
    throw new Complaints([{ message: `This cannot be read (${code}).`, file: path }]);
  }
}

/** Standard input to its end, or as much as is looked at. */
async function inputOf(io: Io): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  const read = async () => {
    for await (const chunk of io.stdin) {
      chunks.push(Buffer.from(chunk));
      size += chunks.at(-1)!.length;
      if (size >= MOST) break;
    }
  };
  const stopped = new Promise<never>((_, reject) => {
    io.signal.addEventListener('abort', () => reject(io.signal.reason), { once: true });
  });
  await Promise.race([read(), stopped]);
  return Buffer.concat(chunks).subarray(0, MOST);
}
