import { stringify } from 'yaml';
import type { Workload } from '../../workload.ts';
import type { ExternalSecretsOptions } from './index.ts';

/** What Reloader (stakater/Reloader) looks for on a Deployment. */
export const RELOADER = 'secret.reloader.stakater.com/reload';

/** A name that every shell and every Kubernetes takes for a variable. */
const variableFor = (key: string): string =>
  key
    .toUpperCase()
    .replaceAll(/[^A-Z0-9_]/g, '_')
    .replace(/^(?=\d)/, '_');
const asVariable = (key: string): string => (/^[A-Za-z_]\w*$/.test(key) ? key : variableFor(key));

/** How a pod takes what the operator keeps in the Kubernetes Secret, and when it sees a new value. */
export function usage(
  { namespace, secrets, options }: Workload<ExternalSecretsOptions>,
  secretName: string,
  interval: string,
): readonly string[] {
  const { find, reloader } = options;
  const keys = [...secrets.map(({ as }) => as), ...(find === undefined ? [] : [`those that ${find} matches`])];
  const env = secrets.map(({ as: key }) => ({
    name: asVariable(key),
    valueFrom: { secretKeyRef: { name: secretName, key } },
  }));
  // Of what is found only the operator knows the names; the kubelet leaves out those that are no names of variables.
  const all = find !== undefined && { envFrom: [{ secretRef: { name: secretName } }] };
  const reload = stringify({ [RELOADER]: secretName }).trimEnd();
  return [
    `Secret    ${namespace}/${secretName}, read anew every ${interval}`,
    `Keys      ${keys.join(', ')}`,
    'Add to your pods (a Deployment: under spec.template.spec):',
    ...stringify({ containers: [{ name: '...', ...(env.length > 0 && { env }), ...all }] })
      .trimEnd()
      .split('\n')
      .map((line) => `  ${line}`),
    'Variables are read when a container starts; a new value takes a restart:',
    ...(reloader
      ? [
          'Reloader restarts them, where it runs (it is not installed here). For that:',
          `  metadata.annotations      ${reload}`,
        ]
      : [`  kubectl rollout restart deployment NAME --namespace ${namespace}`, '  (or by Reloader: --reloader)']),
  ];
}
