import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** The templates that came with the program: beside the sources, and beside the bundle. */
export function templatesFolder(): string {
  const places = ['..', join('..', '..')].map((up) => join(import.meta.dirname, up, 'templates'));
  const found = places.find((place) => existsSync(join(place, 'namespace.yaml')));
  if (!found) throw new Error('the templates are missing from this installation');
  return found;
}
