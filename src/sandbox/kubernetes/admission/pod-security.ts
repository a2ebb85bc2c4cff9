import { kindNamed } from '../kinds.ts';
import type { Container, Pod, SecurityContext } from '../model.ts';
import { forbidden } from '../status.ts';
import type { Store } from '../store.ts';

/*
 * Pod Security Standards, levels baseline and restricted, enforced by the namespace's label.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
const LABEL = 'pod-security.kubernetes.io/enforce';

/** Refuses a pod that breaks the level its namespace enforces, with every violation in one message. */
export function enforcePodSecurity(store: Store, pod: Pod): void {
  const namespace = store.get(kindNamed('Namespace'), undefined, pod.metadata.namespace ?? '');
  const level = namespace?.metadata.labels?.[LABEL];
  if (level !== 'baseline' && level !== 'restricted') return;
  const version = namespace?.metadata.labels?.[`${LABEL}-version`] ?? 'latest';
  const broken = [...baseline(pod), ...(level === 'restricted' ? restricted(pod) : [])];
  if (broken.length === 0) return;
  throw forbidden(
    kindNamed('Pod'),
    pod.metadata.name,
    `violates PodSecurity "${level}:${version}": ${broken.join(', ')}`,
  );
}

const containersOf = (pod: Pod) => [...(pod.spec.initContainers ?? []), ...pod.spec.containers];

/** `container "a"` or `containers "a", "b"` */
function named(containers: readonly Container[]): string {
  const names = containers.map((container) => `"${container.name}"`).join(', ');
  return `${containers.length === 1 ? 'container' : 'containers'} ${names}`;
}

const BASELINE_CAPABILITIES = new Set(
  'AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(
    ' ',
  ),
);

function baseline(pod: Pod): string[] {
  const broken: string[] = [];
  const containers = containersOf(pod);
  const host = (['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((each) => pod.spec[each] === true);
  if (host.length > 0) broken.push(`host namespaces (${host.map((each) => `${each}=true`).join(', ')})`);
  const privileged = containers.filter((each) => each.securityContext?.privileged === true);
  if (privileged.length > 0) {
    broken.push(`privileged (${named(privileged)} must not set securityContext.privileged=true)`);
  }
  const capable = containers.filter((each) =>
    (each.securityContext?.capabilities?.add ?? []).some((capability) => !BASELINE_CAPABILITIES.has(capability)),
  );
  if (capable.length > 0) {
    broken.push(
      `non-default capabilities (${named(capable)} must not include extra capabilities in securityContext.capabilities.add)`,
    );
  }
  const paths = (pod.spec.volumes ?? []).filter((volume) => volume.hostPath !== undefined);
  if (paths.length > 0) {
    broken.push(
      `hostPath volumes (${paths.length === 1 ? 'volume' : 'volumes'} ${paths.map((each) => `"${each.name}"`).join(', ')})`,
    );
  }
  const ports = containers.filter((each) => (each.ports ?? []).some((port) => (port.hostPort ?? 0) > 0));
  if (ports.length > 0) broken.push(`hostPort (${named(ports)} uses hostPorts)`);
  const unconfined = containers.filter((each) => each.securityContext?.seccompProfile?.type === 'Unconfined');
  if (unconfined.length > 0 || pod.spec.securityContext?.seccompProfile?.type === 'Unconfined') {
    broken.push('seccompProfile (pod or containers must not set securityContext.seccompProfile.type to "Unconfined")');
  }
  return broken;
}

const VOLUMES = new Set(
  'configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret'.split(' '),
);

function restricted(pod: Pod): string[] {
  const broken: string[] = [];
  const containers = containersOf(pod);
  const whole = pod.spec.securityContext;
  const lacking = (fits: (context: SecurityContext | undefined) => boolean) =>
    containers.filter((each) => !fits(each.securityContext));

  const volumes = (pod.spec.volumes ?? []).flatMap((volume) => {
    const type = Object.keys(volume).find((key) => key !== 'name');
    return type && !VOLUMES.has(type) && type !== 'hostPath' ? [{ name: volume.name, type }] : [];
  });
  if (volumes.length > 0) {
    const list = volumes.map((each) => `"${each.name}"`).join(', ');
    broken.push(
      `restricted volume types (volumes ${list} use restricted volume types ${volumes.map((each) => `"${each.type}"`).join(', ')})`,
    );
  }
  const escalating = lacking((context) => context?.allowPrivilegeEscalation === false);
  if (escalating.length > 0) {
    broken.push(
      `allowPrivilegeEscalation != false (${named(escalating)} must set securityContext.allowPrivilegeEscalation=false)`,
    );
  }
  const capable = lacking((context) => {
    const { add = [], drop = [] } = context?.capabilities ?? {};
    return drop.includes('ALL') && add.every((capability) => capability === 'NET_BIND_SERVICE');
  });
  if (capable.length > 0) {
    broken.push(`unrestricted capabilities (${named(capable)} must set securityContext.capabilities.drop=["ALL"])`);
  }
  const root = lacking((context) => (context?.runAsNonRoot ?? whole?.runAsNonRoot) === true);
  if (root.length > 0) {
    broken.push(`runAsNonRoot != true (pod or ${named(root)} must set securityContext.runAsNonRoot=true)`);
  }
  const zero = containers.filter((each) => each.securityContext?.runAsUser === 0);
  if (whole?.runAsUser === 0 || zero.length > 0) {
    broken.push(`runAsUser=0 (${zero.length > 0 ? named(zero) : 'pod'} must not set runAsUser=0)`);
  }
  const allowed = ['RuntimeDefault', 'Localhost'];
  const unconfined = lacking((context) =>
    allowed.includes(context?.seccompProfile?.type ?? whole?.seccompProfile?.type ?? ''),
  );
  if (unconfined.length > 0) {
    broken.push(
      `seccompProfile (pod or ${named(unconfined)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
    );
  }
  return broken;
}
