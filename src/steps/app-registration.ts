import type { Application, Azure } from '../azure/azure.ts';
import { isForSameWorkload, tagIn } from '../ownership.ts';
import type { AppRegistrationWish } from '../workload.ts';

/** Names are not unique in a directory; a client id is. */
export const isClientId = (name: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name);

export const findApplications = (azure: Azure, { name }: AppRegistrationWish): Promise<readonly Application[]> =>
  azure.applications.find(isClientId(name) ? { clientId: name } : { name });

export const isOurs = (tags: readonly string[], marks: readonly string[]): boolean =>
  marks.some((mark) => isForSameWorkload(tagIn(tags), mark));

/** Of several of one name the one that we made (the oldest, should two runs have made one each), or else the only one. */
export function meant(found: readonly Application[], marks: readonly string[]): Application | undefined {
  const age = ({ created }: Application): number => created?.getTime() ?? 0;
  const [ours] = found.filter(({ tags }) => isOurs(tags, marks)).toSorted((a, b) => age(a) - age(b));
  return ours ?? (found.length === 1 ? found[0] : undefined);
}
