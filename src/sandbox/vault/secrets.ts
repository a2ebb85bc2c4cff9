import type { ArmVault, Parts, Reply, Request } from '../parts.ts';
import { type SecretInput, secretIn } from './input.ts';
import { page } from './list.ts';
import { notFound, refuse } from './refusals.ts';
import {
  addVersion,
  attributesOf,
  type Contents,
  contentsOf,
  type Entry,
  entryOf,
  RECOVERABLE_DAYS,
  type SecretVersion,
  secondsOf,
  versionId,
  versionOf,
} from './store.ts';

/** One request, understood: which vault, which name and version of the path. */
export interface Call {
  readonly vault: ArmVault;
  readonly request: Request;
  readonly parts: Parts;
  readonly name: string;
  readonly version: string | undefined;
}

const base = (vault: ArmVault): string => `https://${vault.name.toLowerCase()}.vault.azure.net`;
const contents = ({ vault, parts }: Call): Contents => contentsOf(vault.name, parts);
const ok = (body: unknown): Reply => ({ status: 200, body });

/** The entry that is there and not deleted. */
function present(call: Call): Entry<SecretVersion> {
  const entry = entryOf(contents(call).secrets, call.name);
  return entry && !entry.deleted ? entry : notFound('secret', call.name, call.version);
}

function deletedEntry(call: Call): Entry<SecretVersion> & { deleted: NonNullable<Entry<SecretVersion>['deleted']> } {
  const entry = entryOf(contents(call).secrets, call.name);
  if (entry?.deleted) return { ...entry, deleted: entry.deleted };
  return refuse(404, 'SecretNotFound', `Deleted Secret not found: ${call.name}`);
}

function metadata(vault: ArmVault, entry: Entry<SecretVersion>, version: SecretVersion, withVersion = true) {
  return {
    ...(version.contentType !== undefined && { contentType: version.contentType }),
    id: `${base(vault)}/secrets/${entry.name}${withVersion ? `/${version.id}` : ''}`,
    ...(entry.managed && { managed: true }),
    attributes: attributesOf(version),
    tags: version.tags ?? {},
  };
}

const deletion = (vault: ArmVault, { name, deleted }: Entry<SecretVersion>) => ({
  recoveryId: `${base(vault)}/deletedsecrets/${name}`,
  deletedDate: deleted?.at,
  scheduledPurgeDate: deleted?.purgeAt,
});

const latest = (entry: Entry<SecretVersion>): SecretVersion => entry.versions.at(-1) as SecretVersion;

const byName = (shelf: Contents['secrets'], deleted: boolean): Entry<SecretVersion>[] =>
  Object.keys(shelf)
    .sort()
    .map((name) => shelf[name] as Entry<SecretVersion>)
    .filter((entry) => (entry.deleted !== undefined) === deleted);

export const secrets = {
  get(call: Call): Reply {
    const entry = present(call);
    const version = versionOf(entry, call.version) ?? notFound('secret', call.name, call.version);
    if (!version.enabled) {
      refuse(403, 'Forbidden', 'Operation get is not allowed on a disabled secret.', 'SecretDisabled');
    }
    return ok({ value: version.value, ...metadata(call.vault, entry, version) });
  },

  list(call: Call): Reply {
    const entries = byName(contents(call).secrets, false);
    return page(call.request, entries, (entry) => metadata(call.vault, entry, latest(entry), false));
  },

  versions(call: Call): Reply {
    const entry = present(call);
    return page(call.request, entry.versions, (version) => metadata(call.vault, entry, version));
  },

  set(call: Call): Reply {
    const input = secretIn(call.request, ['value', 'contentType', 'tags', 'attributes']);
    const shelf = contents(call).secrets;
    const entry = entryOf(shelf, call.name);
    if (entry?.deleted) {
      refuse(
        409,
        'Conflict',
        `Secret ${call.name} is currently in a deleted but recoverable state, and its name cannot be reused; in this ` +
          'state, the secret can only be recovered or purged.',
        'ObjectIsDeletedButRecoverable',
      );
    }
    if (entry?.managed) refuse(403, 'Forbidden', 'Operation set is not allowed on a managed secret.', 'SecretManaged');
    const now = secondsOf(call.parts);
    const version = { id: versionId(), value: input.value as string, enabled: true, created: now, updated: now };
    const written = addVersion(shelf, call.name, apply(version, input, now));
    call.parts.save();
    return ok({ value: version.value, ...metadata(call.vault, written, latest(written)) });
  },

  update(call: Call): Reply {
    const input = secretIn(call.request, ['contentType', 'tags', 'attributes']);
    const entry = present(call);
    const version = versionOf(entry, call.version) ?? notFound('secret', call.name, call.version);
    apply(version, input, secondsOf(call.parts));
    call.parts.save();
    return ok(metadata(call.vault, entry, version));
  },

  delete(call: Call): Reply {
    const entry = present(call);
    const now = secondsOf(call.parts);
    entry.deleted = { at: now, purgeAt: now + RECOVERABLE_DAYS * 86_400 };
    call.parts.save();
    return ok({ ...deletion(call.vault, entry), ...metadata(call.vault, entry, latest(entry)) });
  },

  getDeleted(call: Call): Reply {
    const entry = deletedEntry(call);
    return ok({ ...deletion(call.vault, entry), ...metadata(call.vault, entry, latest(entry)) });
  },

  listDeleted(call: Call): Reply {
    const entries = byName(contents(call).secrets, true);
    return page(call.request, entries, (entry) => ({
      ...deletion(call.vault, entry),
      ...metadata(call.vault, entry, latest(entry), false),
    }));
  },

  recover(call: Call): Reply {
    deletedEntry(call);
    const entry = entryOf(contents(call).secrets, call.name) as Entry<SecretVersion>;
    delete entry.deleted;
    call.parts.save();
    return ok(metadata(call.vault, entry, latest(entry)));
  },

  purge(call: Call): Reply {
    deletedEntry(call);
    delete contents(call).secrets[call.name.toLowerCase()];
    call.parts.save();
    return { status: 204 };
  },
} as const;

/** What the input says takes the place of what the version had; what it does not say stays. */
function apply(version: SecretVersion, { contentType, tags, enabled, nbf, exp }: SecretInput, now: number) {
  if (contentType !== undefined) version.contentType = contentType;
  if (tags !== undefined) version.tags = tags;
  if (enabled !== undefined) version.enabled = enabled;
  if (nbf !== undefined) version.nbf = nbf;
  if (exp !== undefined) version.exp = exp;
  version.updated = now;
  return version;
}
