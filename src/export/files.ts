import { createHash } from 'node:crypto';
import { isSeq } from 'yaml';
import type { Manifest } from '../step.ts';
import { parseText, write } from '../templates/yaml.ts';

/** How our files are told from others: the beginning of their first line, whatever the rest of it says. */
const MARK = '# Written by aks-secrets';
const HEADER = `${MARK}, which replaces this file when it differs: what it says comes from the templates.\n`;
const LIST_HEADER = `${MARK}, which adds what is missing in resources; the rest is yours.\n`;

export const isOurFile = (text: string): boolean => text.startsWith(MARK);

/** File systems take 255 bytes, and a file is written beside its place first, under a longer name. */
const LONGEST = 200;

/** The names that kustomize reads; of several in a folder it takes none. */
export const KUSTOMIZATIONS = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'] as const;

/** `shop.orders.serviceaccount.yaml`, `shop.namespace.yaml`: a namespace has no dot, so no two objects share one. */
export function fileName({ namespace, name, kind }: Pick<Manifest, 'namespace' | 'name' | 'kind'>): string {
  const whole = [...(namespace ? [namespace] : []), name, kind.toLowerCase()].join('.');
  const plain = whole.replaceAll(/[^A-Za-z0-9.-]/g, '-');
  if (plain.length <= LONGEST) return `${plain}.yaml`;
  // Six digits of its own hash keep it apart from its like.
  return `${plain.slice(0, LONGEST - 7)}-${createHash('sha256').update(whole).digest('hex').slice(0, 6)}.yaml`;
}

export const fileText = (manifest: string): string => HEADER + manifest;

/** What the list of a folder should say: the text, or a sentence for whom it belongs to. */
export type Listing = { readonly text: string } | { readonly blocked: string };

/**
 * The kustomization that lists these files besides what it lists already: runs for other workloads write into the same
 * folder. Of ours only `resources` is added to; one that is somebody else's is well when it lists them.
 */
export function listing(names: readonly string[], found: string | undefined): Listing {
  if (found === undefined) {
    const resources = names.map((name) => `  - ${name}\n`).join('');
    return {
      text: `${LIST_HEADER}apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n${resources}`,
    };
  }
  const document = documentOf(found);
  const resources = document?.get('resources', true);
  const listed = isSeq(resources) ? (resources.toJSON() as unknown[]) : [];
  const missing = names.filter((name) => !listed.includes(name) && !listed.includes(`./${name}`));
  if (missing.length === 0) return { text: found };
  const unfit = !document || (resources !== undefined && !isSeq(resources));
  if (!isOurFile(found) || unfit) return { blocked: `add to its resources: ${missing.join(', ')}` };
  if (isSeq(resources)) for (const name of missing) resources.add(document.createNode(name));
  else document.set('resources', document.createNode(missing));
  return { text: write(document) };
}

function documentOf(text: string) {
  try {
    return parseText({ text, file: 'kustomization.yaml' }).documents[0];
  } catch {
    return undefined;
  }
}
