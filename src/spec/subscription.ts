import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Complaint } from '../complaint.ts';
import { nearest } from '../nearest.ts';
import { isGuid } from './names.ts';
import { at, type Place, show } from './validate.ts';

/** Turns what was said into the id of a subscription, and says one when nothing was. */
export interface Subscriptions {
  /** `undefined` with no complaint: nobody named one. */
  choose(said: string | undefined, complaints: Complaint[], place: Place): Promise<string | undefined>;
}

/** The sandbox has one subscription, and whatever a file calls its own lies there. */
export const only = (id: string): Subscriptions => ({ choose: async () => id });

/**
 * The id that was said; a name is looked up in the profile of the Azure CLI. Else `AZURE_SUBSCRIPTION_ID`, else the
 * default subscription of that profile. No program is run and nothing is asked of Azure.
 */
export function signedIn(env: NodeJS.ProcessEnv): Subscriptions {
  return {
    async choose(said, complaints, place) {
      const [wanted, where] =
        said !== undefined
          ? [said, place]
          : [env.AZURE_SUBSCRIPTION_ID || undefined, { said: 'AZURE_SUBSCRIPTION_ID' }];
      if (wanted !== undefined && isGuid(wanted)) return wanted.toLowerCase();
      const profile = await readProfile(env);
      if (wanted === undefined) return profile.find(({ isDefault }) => isDefault)?.id;
      const named = profile.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase());
      if (named.length === 1) return named[0]!.id;
      const like = nearest(
        wanted,
        profile.map(({ name }) => name),
      );
      complaints.push(
        at(where as Place, {
          message:
            named.length > 1
              ? `${show(wanted)} is the name of ${named.length} subscriptions; give the id.`
              : `${show(wanted)} is not a subscription id (8-4-4-4-12 hexadecimal digits), and the Azure CLI knows no subscription of that name.${like ? ` Did you mean "${like}"?` : ''}`,
          fix: { say: 'List the ids:', run: 'az account list --query "[].{name:name,id:id}" --output table' },
        }),
      );
      return undefined;
    },
  };
}

interface Profiled {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
}

/** `azureProfile.json` as `az login` writes it, with a byte-order mark; nothing when it is not there or not readable. */
async function readProfile(env: NodeJS.ProcessEnv): Promise<readonly Profiled[]> {
  const home = env.HOME ?? env.USERPROFILE;
  const folder = env.AZURE_CONFIG_DIR || (home && join(home, '.azure'));
  if (!folder) return [];
  try {
    const text = await readFile(join(folder, 'azureProfile.json'), 'utf8');
    const profile = JSON.parse(text.replace(/^\uFEFF/, '')) as { subscriptions?: unknown };
    if (!Array.isArray(profile?.subscriptions)) return [];
    return profile.subscriptions.flatMap((entry) => {
      const { id, name, isDefault } = Object(entry) as Partial<Record<keyof Profiled, unknown>>;
      if (typeof id !== 'string' || !isGuid(id)) return [];
      return [{ id: id.toLowerCase(), name: String(name), isDefault: isDefault === true }];
    });
  } catch {
    return [];
  }
}
