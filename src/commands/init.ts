import type { CommandModule } from './command.ts';
import { CONVERGE, type Flag, INIT_ONLY } from './flags.ts';

/** The flags that reach a world, with those that only the methods ask. */
export async function convergeFlags(): Promise<readonly Flag[]> {
  const { methods } = await import('../methods/index.ts');
  const asked = new Map<string, Flag>();
  for (const { name, questions } of methods) {
    for (const { flag, ask, value } of questions) {
      const known = asked.get(flag);
      // What two methods ask under one flag need not be the same.
      const help = known ? `${known.help}; ${name}: ${ask}` : `${name}: ${ask}`;
      asked.set(flag, { flag, group: 'Delivery', help, ...(value !== undefined && { value }) });
    }
  }
  const names = methods.map(({ name }) => name);
  return [
    ...CONVERGE.map((flag) => (flag.flag === 'method' ? { ...flag, help: `${flag.help}: ${names.join(', ')}` } : flag)),
    ...asked.values(),
  ];
}

export const command: CommandModule = {
  flags: async () => [...(await convergeFlags()), ...INIT_ONLY],
  examples: [
    ['Be asked for everything that is open', 'aks-secrets init'],
    ['Try it on a simulated Azure, no account needed', 'aks-secrets init --sandbox --method csi --yes'],
    [
      'Give a workload two secrets as files',
      'aks-secrets init --cluster shop-aks --resource-group shop-rg --vault shop-kv --workload orders --namespace shop --method csi --secret db-password=DB_PASSWORD --secret api-key',
    ],
    ['Reach what a file describes, in CI', 'aks-secrets init -f aks-secrets.yaml --yes --allow cluster'],
    ['One workload of a file of many', 'aks-secrets init -f aks-secrets.yaml --workload orders'],
    [
      'Write a value that is not in the vault yet',
      'aks-secrets init -f aks-secrets.yaml --workload orders --secret-value api-key=env:API_KEY --grant-self',
    ],
  ],
  async run(answers, io, flags) {
    const { converge } = await import('./converge.ts');
    return converge({ command: 'init', answers, flags, io });
  },
};
