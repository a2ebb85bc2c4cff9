import { textOf } from '../spec/answers.ts';
import type { CommandModule } from './command.ts';
import { NOT_FOR_VERIFY, VERIFY_ONLY } from './flags.ts';
import { convergeFlags } from './init.ts';

export const command: CommandModule = {
  flags: async () => {
    const own = new Set([...NOT_FOR_VERIFY, ...VERIFY_ONLY.map(({ flag }) => flag)]);
    return [...(await convergeFlags()).filter(({ flag }) => !own.has(flag)), ...VERIFY_ONLY];
  },
  examples: [
    ['What a file describes', 'aks-secrets verify -f aks-secrets.yaml'],
    ['A pod, without any file', 'aks-secrets verify --pod shop/orders-7d4c9f8b6d-x2x4z'],
    ['After a change: until it has arrived everywhere', 'aks-secrets verify -f aks-secrets.yaml --wait 10m'],
    ['In GitHub Actions: annotations and a summary', 'aks-secrets verify -f aks-secrets.yaml -o github'],
    ['What is known and accepted', 'aks-secrets verify -f aks-secrets.yaml --suppress F080=shop/orders'],
    ['Manifests in a repository, offline', 'aks-secrets verify --manifests deploy/'],
    ['On a simulated Azure', 'aks-secrets verify --sandbox --method csi'],
  ],
  async run(answers, io, flags) {
    if (textOf(answers, 'manifests') !== undefined) {
      const { lintManifests } = await import('./lint-manifests.ts');
      return lintManifests(answers, io);
    }
    const { verify } = await import('./verifying.ts');
    return verify({ command: 'verify', answers, flags, io });
  },
};
