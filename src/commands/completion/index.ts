import { Complaints } from '../../complaint.ts';
import { entryOf } from '../../entry.ts';
import type { CommandModule } from '../command.ts';
import { SCRIPTS, SHELLS } from './scripts.ts';

export const command: CommandModule = {
  flags: async () => [],
  argument: { name: 'shell', choices: SHELLS },
  examples: [
    ['In this bash, now', 'source <(aks-secrets completion bash)'],
    [
      'In every bash from now on',
      'aks-secrets completion bash > ~/.local/share/bash-completion/completions/aks-secrets',
    ],
    ['zsh, in a folder of $fpath', 'aks-secrets completion zsh > ~/.zfunc/_aks-secrets'],
    ['fish', 'aks-secrets completion fish > ~/.config/fish/completions/aks-secrets.fish'],
    ['PowerShell, in $PROFILE', 'aks-secrets completion powershell | Out-String | Invoke-Expression'],
  ],
  async run(_answers, io, _flags, [shell]) {
    const script = entryOf(SCRIPTS, shell ?? '');
    if (!script)
      throw new Complaints([
        {
          message: `Which shell? ${SHELLS.slice(0, -1).join(', ')} or ${SHELLS.at(-1)}.`,
          fix: { say: 'For example:', run: 'aks-secrets completion bash' },
        },
      ]);
    io.stdout.write(script);
    return 0;
  },
};
