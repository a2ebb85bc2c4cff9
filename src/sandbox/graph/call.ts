import type { Parts, Principal, Reply, Request } from '../parts.ts';
import { bad, denied } from './errors.ts';
import type { ApplicationRecord, Directory, Right } from './store.ts';

export type Json = Record<string, unknown>;

/** A request that a route has accepted. */
export interface Call {
  readonly request: Request;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** The JSON of the body, `{}` when there is none. */
  readonly body: Json;
  readonly caller: Principal;
  readonly parts: Parts;
  readonly directory: Directory;
  /** Simulated time, milliseconds. */
  readonly now: number;
}

/** One thing that Graph answers to. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Below `/v1.0`; groups are the call's `params`. */
  readonly path: RegExp;
  run(call: Call): Reply;
}

const RANK: readonly Right[] = ['none', 'read', 'owned', 'all'];

const rightOf = ({ caller, directory }: Call): Right =>
  directory.rights[caller.objectId.toLowerCase()] ?? (caller.appId ? 'none' : 'owned');

/** Throws Authorization_RequestDenied unless the caller has the right, or one that includes it. */
export function demand(call: Call, right: Right): void {
  if (RANK.indexOf(rightOf(call)) < RANK.indexOf(right)) throw denied();
}

/** Who may change a thing: its owner, and whoever may change all. */
export function demandOwn(call: Call, { owner }: Pick<ApplicationRecord, 'owner'>): void {
  demand(call, owner.toLowerCase() === call.caller.objectId.toLowerCase() ? 'owned' : 'all');
}

/** Refuses what the type does not know, so that a misspelt property does not pass for a working one. */
export function knownOnly(body: Json, known: readonly string[]): void {
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown) throw bad(`Property '${unknown}' does not exist as a declared property or extension property.`);
}

export const textOf = (body: Json, name: string): string | undefined => {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value === '') throw bad(`Invalid value specified for property '${name}'.`);
  return value;
};

/** `tags`: words, each of 1 to 256 characters. */
export function tagsOf(body: Json): string[] | undefined {
  const { tags } = body;
  if (tags === undefined) return undefined;
  const fit =
    Array.isArray(tags) && tags.every((tag) => typeof tag === 'string' && tag.length > 0 && tag.length <= 256);
  if (!fit) throw bad("Invalid value specified for property 'tags' of resource.");
  return tags as string[];
}

/** Small, so that a client that does not page is found out. */
const PAGE = 5;
const OPTIONS = ['$filter', '$select', '$top', '$count', '$skiptoken'];

/** What can be asked of one property, by the way in which it is written: is it, does it begin so, is it among them? */
const FILTERS: readonly (readonly [RegExp, (has: unknown, wanted: string) => boolean])[] = [
  [/^(?<property>\w+) eq '(?<value>(?:[^']|'')*)'$/, (has, wanted) => lower(has) === wanted],
  [/^startswith\((?<property>\w+), ?'(?<value>(?:[^']|'')*)'\)$/i, (has, wanted) => lower(has).startsWith(wanted)],
  [
    /^(?<property>\w+)\/any\((?<each>\w+): ?\k<each> eq '(?<value>(?:[^']|'')*)'\)$/i,
    (has, wanted) => Array.isArray(has) && has.some((one) => lower(one) === wanted),
  ],
];
const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');

/** What `$filter` asks: one question of one property. Others are refused. */
function filterOf({ query }: Call, filterable: readonly string[]): ((one: Json) => boolean) | undefined {
  const filter = query.get('$filter');
  if (filter === null) return undefined;
  for (const [form, holds] of FILTERS) {
    const { property, value } = form.exec(filter.trim())?.groups ?? {};
    if (!property || value === undefined || !filterable.includes(property)) continue;
    const wanted = value.replaceAll("''", "'").toLowerCase();
    return (one) => holds(one[property], wanted);
  }
  throw bad(`Unsupported or invalid query filter clause specified for property of resource: ${filter}`);
}

/** One page of a list, filtered and cut to what `$select` names. */
export function list(call: Call, all: readonly Json[], of: { readonly type: string; filterable: readonly string[] }) {
  const { query, request } = call;
  const strange = [...query.keys()].find((key) => !OPTIONS.includes(key));
  if (strange) throw bad(`The query parameter '${strange}' is not supported.`);
  const filter = filterOf(call, of.filterable);
  const fitting = filter ? all.filter(filter) : all;
  const top = Math.min(Number(query.get('$top') ?? PAGE) || PAGE, PAGE);
  const from = Number(query.get('$skiptoken') ?? 0);
  const next = new URLSearchParams(query);
  next.set('$skiptoken', String(from + top));
  return {
    status: 200,
    body: {
      '@odata.context': `https://graph.microsoft.com/v1.0/$metadata#${of.type}`,
      ...(from + top < fitting.length && { '@odata.nextLink': `https://${request.host}${request.path}?${next}` }),
      value: fitting.slice(from, from + top).map((one) => selected(call, one)),
    },
  };
}

/** The properties that `$select` names; all without it. */
export function selected({ query }: Call, one: Json): Json {
  const names = query.get('$select')?.split(',');
  if (!names) return one;
  const unknown = names.find((name) => !(name in one));
  if (unknown) throw bad(`Could not find a property named '${unknown}' on the type.`);
  return Object.fromEntries(names.map((name) => [name, one[name]]));
}
