import { NEWEST } from '../arm/extensionModel.ts';
import { EXTENSION } from '../arm/extensions.ts';
import type { ClusterRecord } from '../arm/store.ts';
import type { Parts } from '../parts.ts';
import type { Place } from './put.ts';

export interface HelmDapr {
  /** `1.16.4` */
  readonly version?: string;
  readonly namespace?: string;
  /** Values of the chart: `dapr_sidecar_injector.sidecarDropALLCapabilities`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface ExtensionDapr {
  /** `Creating` never ends. Only `Succeeded` installs Dapr. */
  readonly state?: 'Succeeded' | 'Failed' | 'Creating';
  /** Of a failed one. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly version?: string;
  readonly settings?: Readonly<Record<string, string>>;
}

/** Dapr that is there already, in one of the ways in which it comes into a cluster. */
export interface DaprWorld {
  /** Somebody installed it with Helm: no extension is in Resource Manager, whose provider needs no registration. */
  daprByHelm(cluster: string, options?: HelmDapr): Promise<void>;
  /** The extension `dapr` as somebody left it, its provider registered. */
  daprExtension(cluster: string, options?: ExtensionDapr): Promise<void>;
}

/** Nobody set more than this; the words are those of an installation that somebody else's Dapr stood in the way of. */
const FAILURE = {
  code: 'ExtensionOperationFailed',
  message:
    'The extension operation failed with the following error:  Helm installation failed : rendered manifests contain a ' +
    'resource that already exists. Unable to continue with install: ServiceAccount "dapr-operator" in namespace ' +
    '"dapr-system" exists and cannot be imported into the current release: invalid ownership metadata',
} as const;

export function daprWorld(place: () => Place, parts: () => Parts, cluster: (name: string) => ClusterRecord): DaprWorld {
  const armOf = (name: string) => {
    const { id } = cluster(name).resource;
    const found = parts()
      .arm.clusters()
      .find((each) => each.id === id);
    if (!found) throw new Error(`the cluster ${name} is not there yet`);
    return found;
  };
  const install = async (name: string, release: Parameters<Parts['kubernetes']['installDapr']>[1]) => {
    const error = await parts().kubernetes.installDapr(armOf(name), release);
    if (error) throw new Error(error.message);
  };
  return {
    async daprByHelm(name, { version = '1.16.4', namespace = 'dapr-system', settings = {} } = {}) {
      await install(name, { by: 'helm', name: 'dapr', namespace, version, settings });
    },
    async daprExtension(name, { state = 'Succeeded', error = FAILURE, version = NEWEST, settings = {} } = {}) {
      const release = { version, namespace: 'dapr-system', settings: { ...settings } };
      if (state === 'Succeeded') await install(name, { by: 'extension', name: 'dapr', ...release });
      const { slice, now } = place();
      const id = `${cluster(name).resource.id}/providers/${EXTENSION}/dapr`;
      slice.providers['microsoft.kubernetesconfiguration'] ??= now;
      slice.extensions[id.toLowerCase()] = {
        ...(state === 'Succeeded' && { installed: release }),
        resource: {
          id,
          name: 'dapr',
          type: EXTENSION,
          identity: null,
          properties: {
            extensionType: 'microsoft.dapr',
            autoUpgradeMinorVersion: false,
            releaseTrain: 'stable',
            version,
            currentVersion: version,
            scope: { cluster: { releaseNamespace: release.namespace } },
            configurationSettings: release.settings,
            configurationProtectedSettings: {},
            provisioningState: state,
            statuses: state === 'Failed' ? [{ ...error, displayStatus: 'Failed', level: 'Error', time: null }] : [],
            errorInfo: state === 'Failed' ? error : null,
            isSystemExtension: false,
          },
        },
      };
    },
  };
}
