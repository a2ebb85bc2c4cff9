import { Refusal, type Reply } from '../parts.ts';

export interface Cause {
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
}

interface Details {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly causes?: readonly Cause[];
}

/** A refusal as the API server gives it: an object of kind Status. */
export function refuse(code: number, reason: string, message: string, details?: Details): Refusal {
  return new Refusal(statusReply(code, reason, message, details));
}

export function statusReply(code: number, reason: string, message: string, details?: Details): Reply {
  return {
    status: code,
    body: {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message,
      ...(reason && { reason }),
      ...(details && { details }),
      code,
    },
  };
}

interface Resourceful {
  readonly group: string;
  readonly plural: string;
  readonly kind: string;
}

/** `secrets` or `deployments.apps`. */
export function qualified(kind: Resourceful): string {
  return kind.group ? `${kind.plural}.${kind.group}` : kind.plural;
}

export function notFound(kind: Resourceful, name: string): Refusal {
  return refuse(404, 'NotFound', `${qualified(kind)} "${name}" not found`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.plural,
  });
}

/** The path leads nowhere: no such group, version or resource. */
export function noSuchPath(): Refusal {
  return refuse(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(kind: Resourceful, name: string): Refusal {
  return refuse(409, 'AlreadyExists', `${qualified(kind)} "${name}" already exists`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.plural,
  });
}

export function forbidden(kind: Resourceful, name: string, why: string): Refusal {
  return refuse(403, 'Forbidden', `${qualified(kind)} "${name}" is forbidden: ${why}`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.plural,
  });
}

export function badRequest(message: string): Refusal {
  return refuse(400, 'BadRequest', message);
}

/** 422 with its causes, worded as `apimachinery/pkg/util/validation/field` words them. */
export function invalid(kind: Resourceful, name: string, causes: readonly Cause[]): Refusal {
  const each = causes.map((cause) => `${cause.field}: ${cause.message}`);
  const text = each.length === 1 ? each[0] : `[${each.join(', ')}]`;
  const gk = kind.group ? `${kind.kind}.${kind.group}` : kind.kind;
  return refuse(422, 'Invalid', `${gk} "${name}" is invalid: ${text}`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.kind,
    causes,
  });
}

/** The message inside a refusal's Status, for events that quote it. */
export function messageOf(error: unknown): string {
  if (error instanceof Refusal) {
    const body = error.reply.body as { message?: string } | undefined;
    if (body?.message) return body.message;
  }
  return error instanceof Error ? error.message : String(error);
}
