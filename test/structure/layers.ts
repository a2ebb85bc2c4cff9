/** One source file: its path from the repository's root, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** From the top down. A file imports from its own layer and from those below; types from anywhere but the sandbox. */
const LAYERS: readonly (readonly string[])[] = [
  ['cli', 'main'],
  ['commands'],
  ['prompt', 'spec', 'engine', 'verify', 'report', 'export'],
  ['methods'],
  ['steps'],
  ['step', 'world', 'ownership'],
  ['azure', 'kubernetes', 'helm', 'templates', 'failures'],
  [
    'answer',
    'api-version',
    'claims',
    'facts',
    'secret',
    'shape',
    'trouble',
    'workload',
    'complaint',
    'direct',
    'entry',
    'exit',
    'expression',
    'gate',
    'grace',
    'io',
    'memory',
    'nearest',
    'shell',
    'sparing',
    'surroundings',
  ],
];

/** Who may import a package; a name that ends in `/` is a scope. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  '@azure/': ['src/azure/'],
  '@kubernetes/client-node': ['src/kubernetes/', 'src/sandbox/kubernetes/'],
  chalk: ['src/report/'],
  inquirer: ['src/prompt.ts', 'src/prompt/'],
  '@inquirer/': ['src/prompt/'],
  '@peculiar/x509': ['src/sandbox/'],
  'reflect-metadata': ['src/sandbox/'],
  jose: ['src/sandbox/'],
};

/** Where a name of the process may be said: the program's own file, the sandbox's guard and child processes. */
const PROCESS = ['src/cli.ts', 'src/sandbox/'];

/** Where a secret's value leaves for the service it is meant for; the proof also reads what a token claims. */
const REVEAL = ['src/azure/', 'src/kubernetes/', 'src/helm/', 'src/secret.ts', 'src/steps/proof.ts'];

const LINES = 400;

/** All that is wrong with the sources, one sentence each. */
export function complaints(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    const code = text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '');
    const said = [...(path.startsWith('src/') ? complaintsOfSource(path, code) : [])];
    if (text.split('\n').length > LINES + 1) said.push(`has more than ${LINES} lines`);
    if (path.startsWith('test/') && /^\s*(?:describe|it|test)\.(?:only|skip|todo|fails)\b/m.test(code)) {
      said.push('leaves tests out');
    }
    return said.map((sentence) => `${path} ${sentence}`);
  });
}

function complaintsOfSource(path: string, code: string): string[] {
  const said: string[] = [];
  const own = layerOf(path);
  if (own === undefined) said.push('has no layer');
  for (const { target, type } of importsOf(code)) {
    const file = target.startsWith('.') ? new URL(target, `file:///${path}`).pathname.slice(1) : undefined;
    if (file === undefined) {
      const rule = Object.entries(PACKAGES).find(([name]) => target === name || target.startsWith(withSlash(name)));
      if (rule && !type && !allowed(path, rule[1])) said.push(`may not import ${target}`);
    } else if (inSandbox(path) !== inSandbox(file)) {
      if (inSandbox(path)) said.push(`is the sandbox's and may not import ${file}`);
      else if (!['src/commands/', 'src/cli.ts', 'src/main.ts'].some((place) => path.startsWith(place))) {
        said.push(`may not import the sandbox (${file})`);
      }
    } else if (!type && file.startsWith('src/') && (layerOf(file) ?? -1) < (own ?? 0)) {
      said.push(`imports upward: ${file}`);
    }
  }
  if (/\bconsole\s*\./.test(code)) said.push('uses the console');
  if (/\bprocess\s*\.|['"](?:node:)?process['"]/.test(code) && !allowed(path, PROCESS)) said.push('touches process');
  if (/\.reveal\s*\(/.test(code) && !allowed(path, REVEAL)) said.push('reveals a secret');
  return said;
}

/** What a file imports, also lazily; `type` when nothing of it is left at run time. */
export function importsOf(code: string): { target: string; type: boolean }[] {
  const pattern =
    /(?:^|;)\s*(?:import|export)\s+(?<type>type\s)?(?:[^;'"]*?\sfrom\s+)?['"](?<from>[^'"]+)['"]|(?<typeof>typeof\s+)?\bimport\(\s*['"](?<lazy>[^'"]+)['"]/gm;
  return [...code.matchAll(pattern)].map(({ groups }) => ({
    target: (groups?.from ?? groups?.lazy)!,
    type: (groups?.type ?? groups?.typeof) !== undefined,
  }));
}

const allowed = (path: string, places: readonly string[]) => places.some((place) => path.startsWith(place));
const withSlash = (name: string) => (name.endsWith('/') ? name : `${name}/`);
const inSandbox = (path: string) => path.startsWith('src/sandbox/');

/** The number of a file's layer, counted from the top; the sandbox stands beside them all. */
function layerOf(path: string): number | undefined {
  if (inSandbox(path)) return 0;
  const name = path.split('/')[1]?.replace(/\.ts$/, '') ?? '';
  const layer = LAYERS.findIndex((names) => names.includes(name));
  return layer < 0 ? undefined : layer;
}
