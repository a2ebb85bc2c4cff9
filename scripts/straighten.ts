/** What a bundler leaves that costs time at every start, straightened in the chunks that it made. */
import { isBuiltin } from 'node:module';
import type { OutputChunk, Plugin } from 'rolldown';

/** Another chunk's exports under other names, and nothing else: what it takes to load it is a file more. */
const FACADE = /^export \{ ([^}]+) \} from "\.\/([^"]+)";\s*$/;

/**
 * 1. Of each of its own modules that is *imported*, Node makes an ES module, and reads every property for it: of
 *    `node:http` that loads a whole client (undici), of `node:process` it opens streams that nobody uses. So they are taken
 *    the direct way. Not `node:dns`, whose functions the sandbox's guard replaces while it is on: that is seen through
 *    imports only (sockets it guards in their prototype).
 * 2. A chunk that only renames what another one exports is left out, and whoever loads it lazily renames by himself.
 */
export const straighten: Plugin = {
  name: 'straighten',
  generateBundle(_options, bundle) {
    const chunks = Object.values(bundle).filter((item): item is OutputChunk => item.type === 'chunk');
    const facades = new Map<string, Facade>();
    for (const { fileName, code, isEntry } of chunks) {
      const [, names, of] = FACADE.exec(code) ?? [];
      if (names && of && !isEntry) facades.set(fileName, { of, names: names.split(', ') });
    }
    for (const chunk of chunks) {
      if (facades.has(chunk.fileName)) delete bundle[chunk.fileName];
      else {
        const code = withoutFacades(chunk.code, facades);
        // The first file must still tell an older Node, which knows no direct way, what is needed.
        chunk.code = chunk.isEntry ? code : directBuiltins(code);
      }
    }
  },
};

interface Facade {
  readonly of: string;
  /** `inside as outside`, or one name for both. */
  readonly names: readonly string[];
}

export function withoutFacades(code: string, facades: ReadonlyMap<string, Facade>): string {
  return code.replace(/import\("\.\/([^"]+)"\)/g, (whole, file: string) => {
    const facade = facades.get(file);
    if (!facade) return whole;
    const renamed = facade.names.map((name) => {
      const [inside, outside = inside] = name.split(' as ');
      return `${outside}: chunk.${inside}`;
    });
    return `import("./${facade.of}").then((chunk) => ({ ${renamed.join(', ')} }))`;
  });
}

/** Static imports of Node's modules, of which a chunk has one a line, as constants. */
export function directBuiltins(code: string): string {
  return code.replace(/^import (.+) from "([^".][^"]*)";$/gm, (line, what: string, from: string) => {
    const name = from.replace(/^node:/, '');
    if (!isBuiltin(`node:${name}`) || name.startsWith('dns')) return line;
    const [, whole, , named] = /^(\* as [\w$]+|[\w$]+)?(, )?(\{.*\})?$/.exec(what) ?? [];
    const own = whole?.replace('* as ', '');
    // A namespace has a `default` of its own, which the module itself has not.
    if (named?.includes('default as') || (whole !== own && code.includes(`${own}.default`))) return line;
    const module = `globalThis.process.getBuiltinModule("node:${name}")`;
    const names = named?.replaceAll(' as ', ': ');
    if (own && names) return `const ${own} = ${module}, ${names} = ${own};`;
    return `const ${own ?? names} = ${module};`;
  });
}
