import { randomUUID } from 'node:crypto';
import { application, KEY } from './applications.ts';
import { type Call, demand, demandOwn, type Json, knownOnly, list, type Route, selected, textOf } from './call.ts';
import { bad, notFound, taken } from './errors.ts';
import type { ApplicationRecord, CredentialRecord, Trust } from './store.ts';

/** Entra's limit per application. */
const LIMIT = 20;

/** An application that has not arrived has no collection yet. */
function owner(call: Call): ApplicationRecord {
  const found = application(call);
  if (found.arrivesAt > call.now) throw notFound(found.id);
  return found;
}

const shown = ({ id, name, issuer, subject, audiences, description }: CredentialRecord): Json => ({
  ...{ id, name, issuer, subject, audiences },
  description: description ?? null,
});

/** By its id, or by its name. */
function credential(of: ApplicationRecord, { params }: Call): CredentialRecord {
  const wanted = (params.f ?? '').toLowerCase();
  const found = of.credentials.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted);
  if (!found) throw notFound(params.f ?? '');
  return found;
}

/** Name and properties by Entra's rules (considerations for workload identity federation). */
function trustOf(body: Json, before?: Trust): Trust {
  knownOnly(body, ['name', 'issuer', 'subject', 'audiences', 'description']);
  const name = before?.name ?? textOf(body, 'name');
  const issuer = textOf(body, 'issuer') ?? before?.issuer;
  const subject = textOf(body, 'subject') ?? before?.subject;
  const description = textOf(body, 'description') ?? before?.description;
  const audiences = body.audiences ?? before?.audiences;
  if (!name || !issuer || !subject || !Array.isArray(audiences)) {
    throw bad('The properties name, issuer, subject and audiences are required for a FederatedIdentityCredential.');
  }
  if (before && body.name !== undefined && body.name !== before.name) throw bad("Property 'name' is read-only.");
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}$/.test(name)) {
    throw bad(
      `FederatedIdentityCredential name '${name}' is invalid: 3 to 120 letters, digits, hyphens and underscores.`,
    );
  }
  if (audiences.length !== 1 || typeof audiences[0] !== 'string' || audiences[0] === '') {
    throw bad('FederatedIdentityCredential must have exactly one audience.');
  }
  if ([issuer, subject, audiences[0], description ?? ''].some((one) => one.length > 600)) {
    throw bad(
      'Issuer, subject, audience and description of a FederatedIdentityCredential are limited to 600 characters.',
    );
  }
  if (URL.parse(issuer)?.protocol !== 'https:') throw bad(`The issuer '${issuer}' is not a valid HTTPS URL.`);
  return { name, issuer, subject, audiences: [audiences[0]], ...(description && { description }) };
}

function demandUnique(of: ApplicationRecord, trust: Trust, but?: CredentialRecord): void {
  const others = of.credentials.filter((each) => each !== but);
  if (others.some(({ name }) => name.toLowerCase() === trust.name.toLowerCase())) {
    throw taken(`FederatedIdentityCredential with name ${trust.name} already exists.`);
  }
  if (others.some(({ issuer, subject }) => issuer === trust.issuer && subject === trust.subject)) {
    throw bad('Issuer and subject combination already exists for this Application.');
  }
}

function create(call: Call) {
  const of = owner(call);
  demandOwn(call, of);
  const trust = trustOf(call.body);
  demandUnique(of, trust);
  if (of.credentials.length >= LIMIT) {
    throw bad(`The application has reached the limit of ${LIMIT} federated identity credentials.`);
  }
  const made = { id: randomUUID(), ...trust, arrivesAt: call.now + call.parts.settings.replication };
  of.credentials.push(made);
  return { status: 201, body: shown(made) };
}

function update(call: Call) {
  const of = owner(call);
  demandOwn(call, of);
  const found = credential(of, call);
  const { id, arrivesAt, before, ...had } = found;
  const trust = trustOf(call.body, had);
  demandUnique(of, trust, found);
  const arrived = arrivesAt <= call.now ? had : before;
  of.credentials[of.credentials.indexOf(found)] = {
    ...{ id, ...trust, arrivesAt: call.now + call.parts.settings.replication },
    ...(arrived && { before: arrived }),
  };
  return { status: 204 };
}

function remove(call: Call) {
  const of = owner(call);
  demandOwn(call, of);
  const found = credential(of, call);
  of.credentials = of.credentials.filter((each) => each !== found);
  return { status: 204 };
}

const all = new RegExp(`^/applications${KEY}/federatedIdentityCredentials$`);
const one = new RegExp(`^/applications${KEY}/federatedIdentityCredentials/(?<f>[^/]+)$`);

export const federationRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: all,
    run(call) {
      demand(call, 'read');
      const type = 'applications/federatedIdentityCredentials';
      return list(call, owner(call).credentials.map(shown), { type, filterable: ['subject'] });
    },
  },
  { method: 'POST', path: all, run: create },
  {
    method: 'GET',
    path: one,
    run(call) {
      demand(call, 'read');
      return { status: 200, body: selected(call, shown(credential(owner(call), call))) };
    },
  },
  { method: 'PATCH', path: one, run: update },
  { method: 'DELETE', path: one, run: remove },
];
