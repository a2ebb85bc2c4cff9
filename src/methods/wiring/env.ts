import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { type Carrier, type Container, called } from './carrier.ts';
import type { Wrong } from './finding.ts';
import { isSameId } from './identity.ts';
import { CLIENT_ID, SKIP, TENANT_ID, USE } from './keys.ts';
import { type Member, restartOf, writtenAt } from './live.ts';
import { OLD_TOKEN_FILE, oldTokenFileIn } from './rules.ts';

const TOKEN_FILE = 'AZURE_FEDERATED_TOKEN_FILE';
/** What the webhook puts in, and the annotation that each comes from. */
const FROM = { AZURE_CLIENT_ID: CLIENT_ID, AZURE_TENANT_ID: TENANT_ID } as const;

/** Containers that the webhook gives the variables to. */
function served({ annotations, spec }: Carrier): readonly Container[] {
  const skipped = (annotations[SKIP] ?? '').split(';').map((each) => each.trim());
  return spec.containers.filter(({ name }) => !skipped.includes(name) && !name.startsWith('azwi-proxy'));
}

/** Volumes whose token is for an exchange at Entra. */
const tokenVolumes = ({ spec }: Carrier) =>
  spec.volumes.filter(({ audiences }) =>
    audiences.some((each) => /^api:\/\/(AzureADTokenExchange|AKSIdentityBinding)/.test(each)),
  );

/** Whether the webhook acted on the pod; one whose containers are all left out is as it should be. */
export const isInjected = (carrier: Carrier): boolean =>
  served(carrier).length === 0 ||
  (tokenVolumes(carrier).length > 0 && served(carrier).some(({ env }) => env.some(({ name }) => name === TOKEN_FILE)));

/**
 * What a pod got from the webhook, against what its service account says now. The webhook acts once, when a pod is made,
 * and leaves a variable alone that is there already.
 */
export function environmentWrong({ pod, carrier, maker }: Member, account: KubernetesObject): Wrong | undefined {
  const { name, creationTimestamp = '' } = pod.metadata;
  const written = maker ?? carrier;
  const again = restartOf(written);
  const old = (observed: string, expected: string): Wrong => ({
    failure: 'F029',
    observed,
    expected,
    fix: {
      say: `Restart the pods of ${called(written.object)}: the webhook acts when a pod is made.`,
      ...(again && { run: again }),
    },
  });
  const made = creationTimestamp && ` of ${creationTimestamp}`;
  if (carrier.labels[USE] !== 'true')
    return old(`${name}${made} was made without the label that ${called(written.object)} has now`, `${USE}: "true"`);
  if (!isInjected(carrier))
    return old(`${name}${made} was made before the webhook acted: it has no token`, `${TOKEN_FILE} and its volume`);

  for (const container of served(carrier)) {
    const own = maker?.spec.containers.find((each) => each.name === container.name)?.env;
    for (const [variable, annotation] of Object.entries(FROM)) {
      const wanted = account.metadata.annotations?.[annotation];
      if (!wanted) continue;
      const found = container.env.find((each) => each.name === variable);
      // Taken from elsewhere (a Secret, a ConfigMap): what it says cannot be seen here.
      if (found && found.value === undefined) continue;
      if (found?.value !== undefined && isSameId(found.value, wanted)) continue;
      const expected = `${variable}=${wanted}, as the service account says`;
      if (!found) return old(`${name}${made} has no ${variable}: the account had no such annotation then`, expected);
      const isByHand = own ? own.some((each) => each.name === variable) : !isNewer(account, annotation, pod);
      if (!isByHand) return old(`${name}${made} has ${variable}=${found.value}`, expected);
      return {
        failure: 'F027',
        observed: `${called(written.object)} sets ${variable}=${found.value} itself`,
        expected,
        path: `${container.path} env ${variable}`,
        fix: { say: `Take ${variable} out of the container's env: the webhook leaves it alone when it is there.` },
      };
    }
  }
  return tokenFileWrong(carrier, written);
}

const isNewer = (account: KubernetesObject, annotation: string, pod: KubernetesObject): boolean => {
  const at = writtenAt(account, annotation);
  return at !== undefined && at.getTime() > Date.parse(pod.metadata.creationTimestamp ?? '');
};

/** A path of the token that was written down somewhere, and where no token is. */
function tokenFileWrong(carrier: Carrier, written: Carrier): Wrong | undefined {
  const volumes = new Set(tokenVolumes(carrier).map(({ name }) => name));
  const mounts = served(carrier).flatMap((each) => each.mounts.filter(({ volume }) => volumes.has(volume)));
  const isThere = (file: string) => mounts.some(({ path }) => file.startsWith(`${path}/`));
  const hint = {
    say: `Read the path from ${TOKEN_FILE}, which the webhook sets; the clients of Azure do so by themselves.`,
  };
  const at = oldTokenFileIn(written);
  if (at && !isThere(OLD_TOKEN_FILE))
    return {
      failure: 'F042',
      observed: `${called(written.object)} names ${OLD_TOKEN_FILE}, where the token was up to version 1.5 of the webhook`,
      expected: firstFile(carrier) ?? TOKEN_FILE,
      path: at,
      fix: hint,
    };
  for (const { env, path, mounts: all } of served(carrier)) {
    const file = env.find(({ name }) => name === TOKEN_FILE)?.value;
    // What lies in another volume may be a token that somebody puts there.
    const isSomewhere = all.some((mount) => file?.startsWith(`${mount.path}/`));
    if (file !== undefined && !isThere(file) && !isSomewhere)
      return {
        failure: 'F042',
        observed: `${TOKEN_FILE}=${file}, and no token is mounted there`,
        expected: mounts[0] ? `a file below ${mounts[0].path}` : 'the path that the webhook sets',
        path,
        fix: hint,
      };
  }
  return undefined;
}

const firstFile = (carrier: Carrier): string | undefined => {
  const file = served(carrier).flatMap(({ env }) => env.find(({ name }) => name === TOKEN_FILE)?.value ?? [])[0];
  return file === OLD_TOKEN_FILE ? undefined : file;
};
