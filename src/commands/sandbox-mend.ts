import { API_VERSION } from '../api-version.ts';
import { documentText } from '../report/document.ts';
import type { CannotBreak } from '../sandbox/break/index.ts';
import { textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';
import { reporterOf } from './reporting.ts';
import { openSandboxOf } from './sandbox.ts';
import { cannot } from './sandbox-break.ts';
import { realClock } from './surroundings.ts';

export const command: CommandModule = {
  flags: async () => [],
  examples: [
    ['As it was before the first break, whatever became of it since', 'aks-secrets sandbox mend'],
    ['What can be broken', 'aks-secrets sandbox break --list'],
    ['A new sandbox instead', 'aks-secrets sandbox reset'],
  ],
  async run(answers, io) {
    const reporter = await reporterOf(answers, io, realClock);
    const sandbox = await openSandboxOf(io, {});
    try {
      const mended = await sandbox.mend().catch((error: unknown) => {
        if ((error as Error)?.name !== 'CannotBreak') throw error;
        throw cannot('The sandbox cannot be mended', error as CannotBreak);
      });
      const ids = mended.map(({ id }) => id);
      if (textOf(answers, 'output') === 'json') {
        const document = { apiVersion: API_VERSION, kind: 'SandboxMended', simulated: true, mended: ids };
        io.stdout.write(documentText(document));
      } else if (ids.length === 0) reporter.note('Nothing is broken in the sandbox.');
      else reporter.note(`The sandbox is as it was before ${ids.join(', ')}; what was done since is undone too.`);
      return 0;
    } finally {
      reporter.close();
      await sandbox.close();
    }
  },
};
