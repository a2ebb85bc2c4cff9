import type { CommandModule } from './command.ts';
import { DESTROY_ONLY, NOT_FOR_DESTROY } from './flags.ts';
import { convergeFlags } from './init.ts';

export const command: CommandModule = {
  flags: async () => [
    ...(await convergeFlags()).filter(({ flag }) => !NOT_FOR_DESTROY.includes(flag)),
    ...DESTROY_ONLY,
  ],
  examples: [
    ['What would go, and what stays', 'aks-secrets destroy -f aks-secrets.yaml --dry-run'],
    ['One workload of a file of many', 'aks-secrets destroy -f aks-secrets.yaml --workload orders'],
    [
      'Without a file',
      'aks-secrets destroy --cluster shop-aks --resource-group shop-rg --vault shop-kv --workload orders --namespace shop --method csi',
    ],
    [
      'After a move to another cluster: the trust in the old one',
      'aks-secrets destroy -f aks-secrets.yaml --issuer https://westeurope.oic.prod-aks.azure.com/TENANT/OLD/',
    ],
    ['In CI', 'aks-secrets destroy -f aks-secrets.yaml --yes'],
  ],
  async run(answers, io, flags) {
    const { destroy } = await import('./removal.ts');
    return destroy({ command: 'destroy', answers, flags, io });
  },
};
