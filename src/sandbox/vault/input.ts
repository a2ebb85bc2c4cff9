import type { Request } from '../parts.ts';
import { Refusal } from '../parts.ts';
import { badParameter, notSimulated } from './refusals.ts';

/** Of the data plane: every one since 7.0 that clients send. */
const API_VERSIONS = ['7.0', '7.1', '7.2', '7.3', '7.4', '7.5', '7.6-preview.2', '7.6', '2025-07-01', '2026-04-01'];
const QUERY = ['api-version', 'maxresults', '$skiptoken'];
const LARGEST_PAGE = 25;
/** Bytes. */
const LARGEST_VALUE = 25_600;
const MOST_TAGS = 15;

export function checkQuery(query: URLSearchParams): void {
  const version = query.get('api-version');
  if (version === null) badParameter('api-version must be specified');
  else if (!API_VERSIONS.includes(version)) {
    badParameter(
      `The specified version (${version}) is not recognized. Consider using the latest supported version ` +
        `(${API_VERSIONS.at(-1)}).`,
    );
  }
  for (const name of query.keys()) {
    if (!QUERY.includes(name)) throw new Refusal(notSimulated(`the query parameter ${name}`));
  }
}

export function checkName(name: string): void {
  if (!/^[0-9a-zA-Z-]{1,127}$/.test(name)) badParameter(`The request URI contains an invalid name: ${name}`);
}

export function checkVersion(version: string | undefined): void {
  if (version !== undefined && !/^[0-9a-f]{32}$/i.test(version)) {
    badParameter(`The request URI contains an invalid version: ${version}`);
  }
}

/** Page size of a list: 25 at most and by default. */
export function pageSize(query: URLSearchParams): number {
  const asked = query.get('maxresults');
  if (asked === null) return LARGEST_PAGE;
  const size = Number(asked);
  if (Number.isInteger(size) && size >= 1 && size <= LARGEST_PAGE) return size;
  return badParameter(`The maxresults parameter must be between 1 and ${LARGEST_PAGE}.`);
}

export interface SecretInput {
  value?: string;
  contentType?: string;
  tags?: Record<string, string>;
  enabled?: boolean;
  nbf?: number;
  exp?: number;
}

/** What the body of a set (with `value`) or of an update (without) says; a field that is not known is refused. */
export function secretIn(request: Request, fields: readonly string[]): SecretInput {
  const body = objectIn(parseJson(request.body), 'the request body');
  only(body, fields, '');
  const { value, contentType, tags, attributes } = body;
  const input: SecretInput = {};
  if (fields.includes('value')) {
    if (typeof value !== 'string') return badParameter('Property value is required and must be a string');
    if (Buffer.byteLength(value) > LARGEST_VALUE) badParameter(`Secret value exceeds ${LARGEST_VALUE} bytes`);
    input.value = value;
  }
  if (contentType !== undefined && contentType !== null)
    input.contentType = typed(contentType, 'string', 'contentType');
  if (tags !== undefined && tags !== null) {
    input.tags = objectIn(tags, 'tags') as Record<string, string>;
    for (const [name, tag] of Object.entries(input.tags)) typed(tag, 'string', `tags.${name}`);
    if (Object.keys(input.tags).length > MOST_TAGS) badParameter(`A secret can have at most ${MOST_TAGS} tags`);
  }
  if (attributes !== undefined && attributes !== null) {
    const given = objectIn(attributes, 'attributes');
    only(given, ['enabled', 'nbf', 'exp'], 'attributes.');
    if (given.enabled !== undefined) input.enabled = typed(given.enabled, 'boolean', 'attributes.enabled');
    if (given.nbf !== undefined) input.nbf = typed(given.nbf, 'number', 'attributes.nbf');
    if (given.exp !== undefined) input.exp = typed(given.exp, 'number', 'attributes.exp');
  }
  return input;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return badParameter('The request body is not valid JSON');
  }
}

function objectIn(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return badParameter(`${what} must be an object`);
}

function only(given: Record<string, unknown>, fields: readonly string[], prefix: string): void {
  for (const name of Object.keys(given)) {
    if (!fields.includes(name)) badParameter(`Property ${prefix}${name} is not known`);
  }
}

interface Typed {
  readonly string: string;
  readonly boolean: boolean;
  readonly number: number;
}
function typed<T extends keyof Typed>(value: unknown, type: T, what: string): Typed[T] {
  return typeof value === type ? (value as Typed[T]) : badParameter(`Property ${what} must be a ${type}`);
}
