import type { Entry, Example } from './command.ts';

/** The commands. Each file is loaded when it is called for. */
export const COMMANDS: readonly Entry[] = [
  {
    name: 'init',
    alias: 'apply',
    summary: 'give a pod its secrets: look, plan, ask, apply, prove',
    load: async () => (await import('./init.ts')).command,
  },
  {
    name: 'plan',
    summary: 'what init would do, and nothing else',
    load: async () => (await import('./plan.ts')).command,
  },
  {
    name: 'verify',
    summary: 'why a pod cannot read its secret: the first broken link, its cause and its fix',
    load: async () => (await import('./verify.ts')).command,
  },
  {
    name: 'explain',
    summary: 'an error text, a log or kubectl describe: its cause and its fix',
    load: async () => (await import('./explain.ts')).command,
  },
  {
    name: 'compare',
    summary: 'the methods side by side, and which to take',
    load: async () => (await import('./compare.ts')).command,
  },
  {
    name: 'completion',
    summary: 'completion for bash, zsh, fish or powershell',
    load: async () => (await import('./completion/index.ts')).command,
  },
  {
    name: 'export',
    summary: 'the same plan as filled manifests, or as a bash script',
    load: async () => (await import('./export.ts')).command,
  },
  {
    name: 'destroy',
    summary: "take a workload's access away again; vaults, secrets and clusters stay",
    load: async () => (await import('./destroy.ts')).command,
  },
  {
    name: 'sandbox start',
    summary: 'serve a simulated Azure and cluster on this machine until Ctrl-C',
    load: async () => (await import('./sandbox-start.ts')).command,
  },
  {
    name: 'sandbox reset',
    summary: 'start the sandbox anew',
    load: async () => (await import('./sandbox-reset.ts')).command,
  },
  {
    name: 'sandbox break',
    summary: 'break the sandbox in the way a failure arises, to see what verify says',
    load: async () => (await import('./sandbox-break.ts')).command,
  },
  {
    name: 'sandbox mend',
    summary: 'undo what sandbox break did',
    load: async () => (await import('./sandbox-mend.ts')).command,
  },
];

/** Groups of commands that have no action of their own. */
export const GROUPS: Readonly<Record<string, { readonly summary: string; readonly examples: readonly Example[] }>> = {
  sandbox: {
    summary: 'a simulated Azure and cluster on this machine',
    examples: [
      ['Any command can use it, and starts it', 'aks-secrets init --sandbox --method csi --yes'],
      ['Serve it for other programs too', 'aks-secrets sandbox start'],
      ['Begin anew', 'aks-secrets sandbox reset'],
      ['Break it in one of many ways', 'aks-secrets sandbox break --list'],
    ],
  },
};
