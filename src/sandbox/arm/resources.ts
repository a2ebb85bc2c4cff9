import type { Principal } from '../parts.ts';
import { refusal } from './errors.ts';
import type { Call } from './routes.ts';
import { type Json, type Resource, record, type Slice, text } from './store.ts';

export const groupId = (subscription: string, name: string) => `/subscriptions/${subscription}/resourceGroups/${name}`;

/** The id of a resource in the canonical spelling of its type. */
export const idOf = (params: Readonly<Record<string, string>>, type: string, name: string) =>
  `${groupId(params.s ?? '', params.rg ?? '')}/providers/${type}/${name}`;

/** `systemData` as Azure keeps it: who made and last changed it, and when. */
export function systemData(call: Pick<Call, 'caller' | 'now'>, before?: Json): Json {
  const at = new Date(call.now).toISOString();
  const by = { by: nameOf(call.caller), type: call.caller.appId && !call.caller.name ? 'Application' : 'User' };
  return {
    createdBy: before?.createdBy ?? by.by,
    createdByType: before?.createdByType ?? by.type,
    createdAt: before?.createdAt ?? at,
    lastModifiedBy: by.by,
    lastModifiedByType: by.type,
    lastModifiedAt: at,
  };
}

const nameOf = (caller: Principal) => caller.name ?? caller.appId ?? caller.objectId;

/** Tags of a body: text by text, at most 50, as Resource Manager takes them. */
export function tagsOf(body: Json): Record<string, string> | undefined {
  if (body.tags === undefined || body.tags === null) return undefined;
  const tags = record(body.tags);
  const wrong = Object.entries(tags).find(([name, value]) => typeof value !== 'string' || name.length > 512);
  if (wrong) throw refusal(400, 'InvalidTagValue', `The tag '${wrong[0]}' has an invalid name or value.`);
  if (Object.keys(tags).length > 50) {
    throw refusal(400, 'TooManyTags', 'The number of tags exceeded the maximum allowed: 50.');
  }
  return tags as Record<string, string>;
}

/** The location of a body in its normal spelling (`West Europe` is `westeurope`). */
export function locationOf(body: Json): string {
  const location = text(body.location)?.toLowerCase().replaceAll(' ', '');
  if (!location) {
    throw refusal(400, 'LocationRequired', 'The location property is required for this definition.');
  }
  return location;
}

/** Refuses what the type does not know, so that a misspelt property does not pass for a working one. */
export function knownOnly(of: Json, known: readonly string[], where: string, held: Json = {}): void {
  for (const key of Object.keys(of)) {
    if (known.includes(key) || key in held) continue;
    throw refusal(
      400,
      'InvalidRequestContent',
      `The request content was invalid and could not be deserialized: 'Could not find member '${key}' on object of ` +
        `type '${where}'.'`,
    );
  }
}

/** Every tracked resource that is visible in Resource Manager. */
export function everything(slice: Slice): Resource[] {
  return [slice.clusters, slice.vaults, slice.identities].flatMap((shelf) =>
    Object.values(shelf as Record<string, { resource: Resource }>).map(({ resource }) => resource),
  );
}

/** Finds what a tag can hang on: a group, the subscription's tracked resources. */
export function tracked(slice: Slice, id: string): Resource | undefined {
  const key = id.toLowerCase();
  const group = /^\/subscriptions\/[^/]+\/resourcegroups\/([^/]+)$/.exec(key)?.[1];
  if (group) return slice.groups[group];
  return everything(slice).find((resource) => resource.id.toLowerCase() === key);
}
