import { type Call, demand, type Json, knownOnly, type Route } from './call.ts';
import { bad } from './errors.ts';
import { servicePrincipals } from './service-principals.ts';

/** The kinds that `types` names, each with the type that an object of it bears. */
const TYPES: Readonly<Record<string, string>> = {
  user: '#microsoft.graph.user',
  group: '#microsoft.graph.group',
  serviceprincipal: '#microsoft.graph.servicePrincipal',
};

/** Whoever of the directory can hold a role. */
function objects(call: Call): Json[] {
  const people = call.parts.arm.principals().flatMap(({ objectId, kind, name }): Json[] => {
    if (kind === 'Group') return [{ '@odata.type': TYPES.group, id: objectId, displayName: name }];
    if (kind !== 'User') return [];
    return [{ '@odata.type': TYPES.user, id: objectId, displayName: name, userPrincipalName: name }];
  });
  return [...people, ...servicePrincipals(call).map((one) => ({ '@odata.type': TYPES.serviceprincipal, ...one }))];
}

/** Those of the ids that there are; what is not there is left out, and so are kinds that were not asked for. */
function byIds(call: Call) {
  demand(call, 'read');
  knownOnly(call.body, ['ids', 'types']);
  const { ids, types } = call.body;
  if (!Array.isArray(ids) || ids.length > 1000) throw bad("Invalid value specified for property 'ids' of resource.");
  const wanted = new Set(ids.map((id) => String(id).toLowerCase()));
  const kinds = Array.isArray(types) && types.map((type) => TYPES[String(type).toLowerCase()]);
  const value = objects(call).filter(
    (one) => wanted.has(String(one.id).toLowerCase()) && (!kinds || kinds.includes(String(one['@odata.type']))),
  );
  return {
    status: 200,
    body: { '@odata.context': 'https://graph.microsoft.com/v1.0/$metadata#directoryObjects', value },
  };
}

/** What the Azure CLI asks to give names to the holders of role assignments. */
export const objectRoutes: readonly Route[] = [{ method: 'POST', path: /^\/directoryObjects\/getByIds$/, run: byIds }];
