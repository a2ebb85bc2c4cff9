import { API_VERSION } from '../api-version.ts';
import { documentText } from '../report/document.ts';
import { listOf, textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';
import { sandboxFolder } from './place.ts';
import { reporterOf } from './reporting.ts';
import { openSandboxOf } from './sandbox.ts';
import { realClock } from './surroundings.ts';

export const command: CommandModule = {
  flags: async () => [
    {
      flag: 'without',
      value: 'PART',
      list: true,
      choices: ['external-secrets'],
      group: 'Sandbox',
      help: 'leave out of the new one: external-secrets',
    },
    {
      flag: 'with',
      value: 'PART',
      list: true,
      choices: ['old-eso'],
      group: 'Sandbox',
      help: 'have otherwise in the new one: old-eso (an operator that serves v1beta1 alone)',
    },
  ],
  examples: [
    ['A new sandbox, as at the first use', 'aks-secrets sandbox reset'],
    ['One whose cluster has no External Secrets Operator', 'aks-secrets sandbox reset --without external-secrets'],
    ['One whose operator serves external-secrets.io/v1beta1 alone', 'aks-secrets sandbox reset --with old-eso'],
    ['One in another folder', 'AKS_SECRETS_SANDBOX_DIR=/tmp/sandbox aks-secrets sandbox reset'],
  ],
  async run(answers, io) {
    const dir = sandboxFolder(io);
    const reporter = await reporterOf(answers, io, realClock);
    try {
      // Anew while it opens: a state that cannot be read is no hindrance. A server that runs is told to.
      const sandbox = await openSandboxOf(io, {
        anew: true,
        without: listOf(answers, 'without'),
        with: listOf(answers, 'with'),
      });
      await sandbox.close();
      if (textOf(answers, 'output') === 'json') {
        const document = { apiVersion: API_VERSION, kind: 'SandboxReset', simulated: true, folder: dir };
        io.stdout.write(documentText(document));
      } else reporter.note(`The sandbox in ${dir} is new: demo-rg, demo-aks, demo-kv.`);
      return 0;
    } finally {
      reporter.close();
    }
  },
};
