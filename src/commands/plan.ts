import type { CommandModule } from './command.ts';
import { PLAN_ONLY } from './flags.ts';
import { convergeFlags } from './init.ts';

export const command: CommandModule = {
  flags: async () => [...(await convergeFlags()), ...PLAN_ONLY],
  examples: [
    ['What init would do', 'aks-secrets plan -f aks-secrets.yaml'],
    ['In CI: exit 4 when something is to do', 'aks-secrets plan -f aks-secrets.yaml --exit-code'],
    ['For a program', 'aks-secrets plan -f aks-secrets.yaml --output json'],
    ['On a simulated Azure', 'aks-secrets plan --sandbox --method workload-identity'],
  ],
  async run(answers, io, flags) {
    const { converge } = await import('./converge.ts');
    return converge({ command: 'plan', answers, flags, io });
  },
};
