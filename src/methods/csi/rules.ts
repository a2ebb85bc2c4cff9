import type { KubernetesObject } from '../../kubernetes/kubernetes.ts';
import { nearest } from '../../nearest.ts';
import type { Flaw } from '../method.ts';
import { type Carrier, carrierOf, type Volume } from '../wiring/carrier.ts';
import { flawIn, type Wrong } from '../wiring/finding.ts';
import { isObject } from '../wiring/shape.ts';
import { isClass, readClass } from './provider-class.ts';

export const DRIVER = 'secrets-store.csi.k8s.io';
const CLASS_ATTRIBUTE = 'secretProviderClass';
/** Providers of others, whose parameters are not ours to judge. */
const OTHERS = ['aws', 'gcp', 'vault', 'akeyless', 'conjur', 'openbao'];

/** Whether the driver is meant, however its name is spelt. */
const isMeant = ({ csi }: Volume): boolean =>
  csi !== undefined && (csi.driver === DRIVER || nearest(csi.driver, [DRIVER]) === DRIVER);

export const volumesOf = ({ spec }: Carrier): readonly Volume[] => spec.volumes.filter(isMeant);
export const mounts = (carrier: Carrier): boolean => volumesOf(carrier).length > 0;

/** Names of the classes that the volumes ask for. */
export const classesOf = (carrier: Carrier): readonly string[] =>
  volumesOf(carrier).flatMap(({ csi }) => csi?.attributes[CLASS_ATTRIBUTE] || []);

/** What kubelet and driver refuse of the volumes (sscsi, pkg/secrets-store/nodeserver.go). */
export function volumesWrong(carrier: Carrier): readonly Wrong[] {
  return volumesOf(carrier).flatMap(({ name, path, csi }): Wrong[] => {
    if (!csi) return [];
    if (csi.driver !== DRIVER)
      return [
        {
          failure: 'F087',
          observed: `the driver of the volume ${name} is called "${csi.driver}"`,
          expected: DRIVER,
          path: `${path}.csi.driver`,
        },
      ];
    const typo = Object.keys(csi.attributes).find((key) => key !== CLASS_ATTRIBUTE && nearest(key, [CLASS_ATTRIBUTE]));
    return [
      ...(csi.attributes[CLASS_ATTRIBUTE]
        ? []
        : [
            {
              failure: 'F102',
              observed: typo ? `the attribute is spelt ${typo}` : `the volume ${name} names no class`,
              expected: `volumeAttributes.${CLASS_ATTRIBUTE}`,
              path: `${path}.csi.volumeAttributes`,
            },
          ]),
      ...(csi.readOnly
        ? []
        : [
            {
              failure: 'F101',
              observed: `the volume ${name} is not read only`,
              expected: 'readOnly: true',
              path: `${path}.csi.readOnly`,
            },
          ]),
    ];
  });
}

const TITLES = {
  'AKS-CSI-VOLUME': 'mounts as the driver allows',
  'AKS-CSI-PARAMETERS': 'says all that the provider needs',
  'AKS-CSI-OBJECTS': 'lists objects that the provider can read',
  'AKS-CSI-SECRET': 'copies files that there are',
} as const;

/** What is wrong with classes and volumes in files. */
export function lint(given: readonly KubernetesObject[]): readonly Flaw[] {
  const objects = given.filter(isObject);
  const carriers = objects.flatMap((object) => carrierOf(object) ?? []);
  /** Classes whose volume brings a service principal: those need no client id. */
  const published = new Set(
    carriers.flatMap((carrier) =>
      volumesOf(carrier).flatMap(({ csi }) => (csi?.publishSecret ? (csi.attributes[CLASS_ATTRIBUTE] ?? []) : [])),
    ),
  );
  const said = (object: KubernetesObject, code: keyof typeof TITLES, wrongs: readonly Wrong[]): Flaw[] =>
    wrongs.map((wrong) => flawIn(object, code, TITLES[code], wrong));
  return [
    ...carriers.flatMap((carrier) => said(carrier.object, 'AKS-CSI-VOLUME', volumesWrong(carrier))),
    ...objects.filter(isClass).flatMap((object) => {
      const { provider, mode, wrong } = readClass(object);
      if (OTHERS.includes(provider.toLowerCase())) return [];
      const isPublished = mode === 'service principal' && published.has(String(object.metadata?.name));
      return [
        ...said(
          object,
          'AKS-CSI-PARAMETERS',
          wrong.parameters.filter(({ failure }) => !(isPublished && failure === 'F091')),
        ),
        ...said(object, 'AKS-CSI-OBJECTS', wrong.objects),
        ...said(object, 'AKS-CSI-SECRET', wrong.secrets),
      ];
    }),
  ];
}
