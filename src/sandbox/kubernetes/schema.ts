import { customSchema } from './custom-schemas.ts';
import type { Kind } from './kinds.ts';

/** The shape of a value, as far as validation and server-side apply need it. */
export type Schema =
  | { readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'intOrString' | 'any' }
  | {
      readonly type: 'object';
      /** By name. */
      readonly fields: () => ReadonlyMap<string, Schema>;
      /** Has one owner as a whole (`x-kubernetes-map-type: atomic`). */
      readonly atomic: boolean;
      /** Name of the official OpenAPI's model, if it is one. */
      readonly model?: string;
    }
  | { readonly type: 'map'; readonly values: Schema; readonly atomic: boolean }
  | {
      readonly type: 'list';
      readonly items: Schema;
      /** `keys`: items are told apart by these fields. `set`: by their value. Neither: the list has one owner. */
      readonly keys?: readonly string[];
      readonly set?: boolean;
    };

/** The shape of a field of an object or map; anything below what is not described. */
export function fieldSchema(schema: Schema, name: string): Schema {
  if (schema.type === 'map') return schema.values;
  return (schema.type === 'object' && schema.fields().get(name)) || { type: 'any' };
}

/** Whether fields of it have owners of their own. */
export function isGranular(schema: Schema): boolean {
  return schema.type === 'any' || ((schema.type === 'object' || schema.type === 'map') && !schema.atomic);
}

interface Attribute {
  readonly baseName: string;
  readonly type: string;
  readonly format: string;
}
type Models = Readonly<Record<string, { readonly attributeTypeMap?: readonly Attribute[] } | undefined>>;

export interface Schemas {
  of(kind: Kind): Schema;
}

let loading: Promise<Schemas> | undefined;

/** The schemas of all kinds; loads the models that were generated from Kubernetes' own OpenAPI, once. */
export function loadSchemas(): Promise<Schemas> {
  loading ??= import('@kubernetes/client-node/dist/gen/models/all.js').then((models) => schemasOf(models as Models));
  return loading;
}

/**
 * How lists merge, by model and field. The generated models lack it, so it is transcribed from the OpenAPI
 * (`x-kubernetes-list-type`, `x-kubernetes-list-map-keys`). A list that is not here is atomic.
 */
const LISTS: Readonly<Record<string, readonly string[] | 'set'>> = {
  'V1ObjectMeta.ownerReferences': ['uid'],
  'V1ObjectMeta.finalizers': 'set',
  'V1ServiceAccount.secrets': ['name'],
  'V1PodSpec.containers': ['name'],
  'V1PodSpec.initContainers': ['name'],
  'V1PodSpec.ephemeralContainers': ['name'],
  'V1PodSpec.volumes': ['name'],
  'V1PodSpec.imagePullSecrets': ['name'],
  'V1PodSpec.hostAliases': ['ip'],
  'V1PodSpec.topologySpreadConstraints': ['topologyKey', 'whenUnsatisfiable'],
  'V1PodSpec.resourceClaims': ['name'],
  'V1PodSpec.schedulingGates': ['name'],
  'V1PodStatus.podIPs': ['ip'],
  'V1Container.env': ['name'],
  'V1Container.ports': ['containerPort', 'protocol'],
  'V1Container.volumeMounts': ['mountPath'],
  'V1Container.volumeDevices': ['devicePath'],
  'V1EphemeralContainer.env': ['name'],
  'V1EphemeralContainer.ports': ['containerPort', 'protocol'],
  'V1EphemeralContainer.volumeMounts': ['mountPath'],
  'V1EphemeralContainer.volumeDevices': ['devicePath'],
  'V1ResourceRequirements.claims': ['name'],
  'V1ServiceSpec.ports': ['port', 'protocol'],
  'V1NodeSpec.podCIDRs': 'set',
  'V1NodeStatus.addresses': ['type'],
  'V1CSINodeSpec.drivers': ['name'],
  'V1MutatingWebhookConfiguration.webhooks': ['name'],
  'V1MutatingWebhook.matchConditions': ['name'],
};

/** Objects that have one owner as a whole. */
const ATOMIC = new Set([
  'V1LabelSelector',
  'V1LocalObjectReference',
  'V1ObjectReference',
  'V1TypedLocalObjectReference',
  'V1SecretKeySelector',
  'V1ConfigMapKeySelector',
  'V1ObjectFieldSelector',
  'V1ResourceFieldSelector',
  'V1NodeSelector',
  'V1NodeSelectorTerm',
  'V1RoleRef',
  'RbacV1Subject',
  'V1SecretReference',
]);
const ATOMIC_MAPS = new Set(['V1PodSpec.nodeSelector', 'V1ServiceSpec.selector']);
/** Quantities: the models call them text, the API takes numbers too. */
const QUANTITIES = new Set([
  'V1ResourceRequirements.limits',
  'V1ResourceRequirements.requests',
  'V1PodSpec.overhead',
  'V1NodeStatus.capacity',
  'V1NodeStatus.allocatable',
]);

function schemasOf(models: Models): Schemas {
  const known = new Map<string, Schema>();

  const fieldsOf = (model: string): ReadonlyMap<string, Schema> =>
    new Map(
      (models[model]?.attributeTypeMap ?? []).map((attribute) => {
        const at = `${model}.${attribute.baseName}`;
        const integer = attribute.type === 'number' && /^int/.test(attribute.format);
        return [attribute.baseName, integer ? { type: 'integer' as const } : ofType(attribute.type, at)];
      }),
    );

  const ofModel = (model: string): Schema => {
    const found = known.get(model);
    if (found) return found;
    let fields: ReadonlyMap<string, Schema> | undefined;
    const fresh: Schema = {
      type: 'object',
      atomic: ATOMIC.has(model),
      model,
      fields: () => {
        fields ??= fieldsOf(model);
        return fields;
      },
    };
    known.set(model, fresh);
    return fresh;
  };

  const ofType = (type: string, at: string): Schema => {
    const list = /^Array<(.+)>$/.exec(type)?.[1];
    if (list) {
      const items = ofType(list, '');
      const merge = LISTS[at] ?? (/Status\.conditions$/.test(at) ? ['type'] : undefined);
      if (merge === 'set') return { type: 'list', items, set: true };
      return merge ? { type: 'list', items, keys: merge } : { type: 'list', items };
    }
    const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
    if (map) {
      const values: Schema = QUANTITIES.has(at) ? { type: 'intOrString' } : ofType(map, '');
      return { type: 'map', values, atomic: ATOMIC_MAPS.has(at) };
    }
    if (type === 'string' || type === 'number' || type === 'boolean') return { type };
    if (type === 'Date') return { type: 'string' };
    if (type === 'IntOrString') return { type: 'intOrString' };
    return models[type]?.attributeTypeMap ? ofModel(type) : { type: 'any' };
  };

  return {
    of(kind) {
      if (kind.model) {
        if (!models[kind.model]?.attributeTypeMap) throw new Error(`the client library has no model ${kind.model}`);
        return ofModel(kind.model);
      }
      return customSchema(kind, ofModel('V1ObjectMeta'));
    },
  };
}
