import { apiVersionOf, type Kind } from './kinds.ts';
import {
  type Deployment,
  equal,
  type Job,
  type Pod,
  type PodSpec,
  type PodTemplate,
  type Resource,
  type Secret,
} from './model.ts';
import { matches } from './selectors.ts';
import { badRequest, type Cause, invalid } from './status.ts';
import { faultsOf } from './structural.ts';

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const ENV_NAME = /^[ -<>-~]+$/;

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

const bad = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
});
const required = (field: string, why = ''): Cause => ({
  reason: 'FieldValueRequired',
  field,
  message: `Required value${why && `: ${why}`}`,
});
const duplicate = (field: string, value: unknown): Cause => ({
  reason: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${JSON.stringify(value)}`,
});
const unsupported = (field: string, value: unknown, supported: readonly string[]): Cause => ({
  reason: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${JSON.stringify(value)}: supported values: ${supported.map((each) => `"${each}"`).join(', ')}`,
});

/** What the API server checks beyond types, as far as a wrong manifest of ours would fail by it. Throws 422. */
export function validate(kind: Kind, object: Resource, live: Resource | undefined): void {
  const schema = kind.openApi ? faultsOf(object, kind.openApi) : [];
  const causes = [...metadata(kind, object), ...schema, ...(rules[object.kind]?.(object, live) ?? [])];
  if (causes.length > 0) throw invalid(kind, object.metadata.name, causes);
}

function metadata(kind: Kind, object: Resource): Cause[] {
  const { name, labels, annotations } = object.metadata;
  const causes: Cause[] = [];
  const label = kind.kind === 'Namespace' || kind.kind === 'Service';
  const rbac = kind.group === 'rbac.authorization.k8s.io';
  const pattern = label ? LABEL : rbac ? /^[^/%]+$/ : SUBDOMAIN;
  if (!pattern.test(name)) causes.push(bad('metadata.name', name, label ? labelText : subdomainText));
  if (name.length > (label ? 63 : 253)) {
    causes.push({
      reason: 'FieldValueTooLong',
      field: 'metadata.name',
      message: `Too long: may not be more than ${label ? 63 : 253} bytes`,
    });
  }
  for (const [key, value] of Object.entries(labels ?? {})) {
    const why =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    if (!QUALIFIED.test(key))
      causes.push(
        bad(
          'metadata.labels',
          key,
          "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ),
      );
    if (value.length > 63) causes.push(bad('metadata.labels', value, 'must be no more than 63 bytes'));
    else if (!LABEL_VALUE.test(value)) causes.push(bad('metadata.labels', value, why));
  }
  for (const key of Object.keys(annotations ?? {})) {
    if (!QUALIFIED.test(key))
      causes.push(
        bad(
          'metadata.annotations',
          key,
          "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
        ),
      );
  }
  return causes;
}

type Rule = (object: Resource, live: Resource | undefined) => Cause[];
const rules: Readonly<Record<string, Rule>> = {
  Deployment: (object, live) => workload(object as Deployment, live as Deployment | undefined),
  ReplicaSet: (object, live) => workload(object as Deployment, live as Deployment | undefined),
  DaemonSet: (object, live) => workload(object as Deployment, live as Deployment | undefined),
  Job(object, live) {
    const { spec } = object as Job;
    if (!spec?.template?.spec) return [required('spec.template.spec')];
    const causes = podSpec(spec.template.spec, 'spec.template.spec');
    const policy = spec.template.spec.restartPolicy;
    if (policy === undefined || policy === 'Always') {
      causes.push(required('spec.template.spec.restartPolicy', 'valid values: "OnFailure", "Never"'));
    }
    if (live && !equal((live as Job).spec.template, spec.template)) {
      causes.push(bad('spec.template', spec.template, 'field is immutable'));
    }
    return causes;
  },
  Pod: (object, live) => (live ? [] : podSpec((object as Pod).spec, 'spec')),
  Secret(object, live) {
    const { data, type } = object as Secret;
    for (const [key, value] of Object.entries(data ?? {})) {
      if (typeof value !== 'string' || !/^[A-Za-z0-9+/\s]*={0,2}$/.test(value)) {
        throw badRequest(
          `Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0 (data.${key})`,
        );
      }
    }
    const causes = Object.keys(data ?? {}).flatMap((key) =>
      /^[-._a-zA-Z0-9]{1,253}$/.test(key)
        ? []
        : [bad(`data[${key}]`, key, "a valid config key must consist of alphanumeric characters, '-', '_' or '.'")],
    );
    if (type === 'kubernetes.io/dockerconfigjson') causes.push(...dockerConfig(data));
    if (type === 'kubernetes.io/tls') {
      for (const key of ['tls.crt', 'tls.key']) if (data?.[key] === undefined) causes.push(required(`data[${key}]`));
    }
    if (live && (live as Secret).type !== type) causes.push(bad('type', type, 'field is immutable'));
    if (live?.immutable === true && !equal(live.data, data)) {
      causes.push({
        reason: 'FieldValueForbidden',
        field: 'data',
        message: 'Forbidden: field is immutable when `immutable` is set',
      });
    }
    return causes;
  },
};

function dockerConfig(data: Secret['data']): Cause[] {
  try {
    JSON.parse(Buffer.from(data?.['.dockerconfigjson'] ?? '', 'base64').toString());
    return [];
  } catch {
    return [bad('data[.dockerconfigjson]', '<secret contents redacted>', 'unexpected end of JSON input')];
  }
}

function workload(object: Deployment, live: Deployment | undefined): Cause[] {
  const { spec } = object;
  if (!spec) return [required('spec.selector'), required('spec.template')];
  const causes: Cause[] = [];
  const labels = spec.template?.metadata?.labels;
  if (!spec.selector) causes.push(required('spec.selector'));
  else if (!matches(labels, spec.selector) || Object.keys(spec.selector).length === 0) {
    causes.push(bad('spec.template.metadata.labels', labels ?? null, '`selector` does not match template `labels`'));
  }
  if (live && !equal(live.spec.selector, spec.selector)) {
    causes.push(bad('spec.selector', spec.selector, 'field is immutable'));
  }
  if ((spec.replicas ?? 0) < 0) causes.push(bad('spec.replicas', spec.replicas, 'must be greater than or equal to 0'));
  const inner: PodTemplate | undefined = spec.template;
  if (!inner?.spec) return [...causes, required('spec.template.spec.containers')];
  const policy = inner.spec.restartPolicy;
  if (policy !== undefined && policy !== 'Always') {
    causes.push(unsupported('spec.template.spec.restartPolicy', policy, ['Always']));
  }
  return [...causes, ...podSpec(inner.spec, 'spec.template.spec')];
}

function podSpec(spec: PodSpec, at: string): Cause[] {
  if (!spec?.containers?.length) return [required(`${at}.containers`)];
  const causes: Cause[] = [];
  const volumes = new Set<string>();
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const field = `${at}.volumes[${index}].name`;
    if (!volume.name) causes.push(required(field));
    else if (!LABEL.test(volume.name)) causes.push(bad(field, volume.name, labelText));
    if (volumes.has(volume.name)) causes.push(duplicate(field, volume.name));
    volumes.add(volume.name);
  }
  const names = new Set<string>();
  for (const list of ['initContainers', 'containers'] as const) {
    for (const [index, container] of (spec[list] ?? []).entries()) {
      const field = `${at}.${list}[${index}]`;
      if (!container.name) causes.push(required(`${field}.name`));
      else if (!LABEL.test(container.name)) causes.push(bad(`${field}.name`, container.name, labelText));
      if (names.has(container.name)) causes.push(duplicate(`${field}.name`, container.name));
      names.add(container.name);
      if (!container.image) causes.push(required(`${field}.image`));
      const paths = new Set<string>();
      for (const [mountIndex, mount] of (container.volumeMounts ?? []).entries()) {
        const where = `${field}.volumeMounts[${mountIndex}]`;
        if (!volumes.has(mount.name)) {
          causes.push({
            reason: 'FieldValueNotFound',
            field: `${where}.name`,
            message: `Not found: ${JSON.stringify(mount.name)}`,
          });
        }
        if (!mount.mountPath) causes.push(required(`${where}.mountPath`));
        if (paths.has(mount.mountPath)) causes.push(bad(`${where}.mountPath`, mount.mountPath, 'must be unique'));
        paths.add(mount.mountPath);
      }
      for (const [envIndex, variable] of (container.env ?? []).entries()) {
        const where = `${field}.env[${envIndex}]`;
        if (!variable.name) causes.push(required(`${where}.name`));
        else if (!ENV_NAME.test(variable.name)) {
          causes.push(
            bad(
              `${where}.name`,
              variable.name,
              "a valid environment variable name must consist only of printable ASCII characters other than '='",
            ),
          );
        }
        if (variable.value && variable.valueFrom) {
          causes.push(bad(`${where}.valueFrom`, '', 'may not be specified when `value` is not empty'));
        }
      }
    }
  }
  return causes;
}

/** The body's own kind must be the path's. Throws 400. */
export function checkIdentity(kind: Kind, body: Partial<Resource>, namespace: string | undefined, name?: string): void {
  if (body.kind !== undefined && body.kind !== kind.kind) {
    throw badRequest(
      `${body.kind} in version ${JSON.stringify(body.apiVersion)} cannot be handled as a ${kind.kind}: no kind ${JSON.stringify(body.kind)} is registered for version ${JSON.stringify(body.apiVersion)}`,
    );
  }
  if (body.apiVersion !== undefined && body.apiVersion !== apiVersionOf(kind)) {
    throw badRequest(
      `the API version in the data (${body.apiVersion}) does not match the expected API version (${apiVersionOf(kind)})`,
    );
  }
  const given = body.metadata?.namespace;
  if (namespace !== undefined && given && given !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  if (name !== undefined && body.metadata?.name && body.metadata.name !== name) {
    throw badRequest(`the name of the object (${body.metadata.name}) does not match the name on the URL (${name})`);
  }
}
