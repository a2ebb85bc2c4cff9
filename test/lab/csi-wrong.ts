import { DRIVER_SET, driverAnswers, PROVIDER_SET } from './harness/addons/csi.ts';
import { disableSecret, type Identity, takeRoles, trustOtherwise, type Undo, vault } from './harness/azure.ts';
import type { Lab, Live } from './harness/lab.ts';
import { until } from './harness/processes.ts';

/** Something that is wrong, what the cluster then says, and what `verify` must make of it. */
export interface Wrong {
  readonly title: string;
  /** Who says it, where it is not the provider. */
  readonly by?: 'csi-driver';
  readonly breaks: (place: Place) => Promise<Undo>;
  readonly says: RegExp;
  readonly failure: string;
  /** Of pods that run already: none is made anew. */
  readonly running?: true;
}

type Json = Readonly<Record<string, unknown>>;

interface Of {
  readonly namespace: string;
  readonly account: string;
  readonly app: string;
  readonly vault: string;
  /** Words of the program that make it all right again. */
  readonly wanted: string;
  readonly identity: Identity;
}

/** Where somebody does it: the cluster's administrator, and the subscription's owner. */
export interface Place extends Of {
  readonly lab: Lab;
  done(words: string): Promise<void>;
  /** Changes an object by a merge patch. */
  patch(what: string, change: Json): Promise<Undo>;
}

export function inDriversPlace(lab: Lab, of: Of): Place {
  const done = async (words: string) => {
    const { code, err } = await lab.kubectl(words);
    if (code !== 0) throw new Error(`kubectl ${words}: ${err}`);
  };
  return {
    ...of,
    lab,
    done,
    async patch(what, change) {
      const before = await lab.object<Live & { apiVersion: string; kind: string }>(what);
      if (!before) throw new Error(`there is no ${what}`);
      const words = (body: Json) =>
        `patch ${what} --type=merge -p '${JSON.stringify(body).replaceAll("'", '\\u0027')}'`;
      await done(words(change));
      return () => done(words(backTo(before as unknown as Json, change)));
    },
  };
}

/** The patch that takes another one back. */
function backTo(before: Json, change: Json): Json {
  return Object.fromEntries(
    Object.entries(change).map(([key, value]) => {
      const was = before[key];
      const goesOn = [value, was].every((each) => typeof each === 'object' && each !== null && !Array.isArray(each));
      return [key, goesOn ? backTo(was as Json, value as Json) : (was ?? null)];
    }),
  );
}

const parameters = (change: Json) => (place: Place) =>
  place.patch(`secretproviderclass/${place.account} -n ${place.namespace}`, { spec: { parameters: change } });

/** Of the volume of the application's pods. */
const volume = (change: Json) => async (place: Place) => {
  const what = `deployment/${place.app} -n ${place.namespace}`;
  const found = await place.lab.object<
    Live & { spec: { template: { spec: { volumes: readonly { name: string; csi?: Json }[] } } } }
  >(what);
  const volumes = (found?.spec.template.spec.volumes ?? []).map(({ csi, ...each }) =>
    csi ? { ...each, csi: { ...csi, ...change } } : each,
  );
  return place.patch(what, { spec: { template: { spec: { volumes } } } });
};

/** The DaemonSet runs on nodes of another pool alone. */
const elsewhere = (name: string) => async (place: Place) => {
  const label = name === DRIVER_SET ? 'secrets-store-csi-driver' : 'secrets-store-provider-azure';
  const back = await place.patch(`daemonset/${name} -n kube-system`, {
    spec: { template: { spec: { nodeSelector: { 'kubernetes.azure.com/agentpool': 'system' } } } },
  });
  await until('its pods are gone', async () => {
    const found = await place.lab.object<{ items: readonly Live[] } & Live>(`pods -n kube-system -l app=${label}`);
    return found?.items.length === 0;
  });
  return async () => {
    await back();
    await driverAnswers(place.lab);
  };
};

const removed =
  (what: string) =>
  async (place: Place): Promise<Undo> => {
    const found = await place.lab.object<Live & { apiVersion: string; kind: string }>(what);
    if (!found) throw new Error(`there is no ${what}`);
    await place.done(`delete ${what}`);
    const { name, labels, annotations, ...rest } = found.metadata;
    const { namespace } = rest as { namespace?: string };
    const { status, ...own } = found;
    return () => place.lab.apply({ ...own, metadata: { name, namespace, labels, annotations } });
  };

/** A Secret that the class is to make as well, and never was made. */
const alsoSecret = (more: Json) => async (place: Place) => {
  const what = `secretproviderclass/${place.account} -n ${place.namespace}`;
  const found = await place.lab.object<Live & { spec: { secretObjects: readonly Json[] } }>(what);
  const one = {
    ...{ secretName: 'files-other', type: 'Opaque', data: [{ objectName: 'csi-password', key: 'password' }] },
    ...more,
  };
  return place.patch(what, { spec: { secretObjects: [...(found?.spec.secretObjects ?? []), one] } });
};

const NOBODY = '11111111-2222-4333-8444-555555555555';
const DRIVER = 'csidriver/secrets-store.csi.k8s.io';

export const WRONG: readonly Wrong[] = [
  {
    title: 'the credential names another subject',
    breaks: ({ lab, identity }) => trustOtherwise(lab, identity, ({ subject }) => ({ subject: `${subject}-v2` })),
    says: /AADSTS700213: No matching federated identity record found for presented assertion subject/,
    failure: 'F052',
  },
  {
    title: 'the credential names the issuer without its slash',
    breaks: ({ lab, identity }) =>
      trustOtherwise(lab, identity, ({ issuer }) => ({ issuer: String(issuer).replace(/\/$/, '') })),
    says: /AADSTS700211: No matching federated identity record found for presented assertion issuer/,
    failure: 'F050',
  },
  {
    title: 'the credential wants another audience',
    breaks: ({ lab, identity }) =>
      trustOtherwise(lab, identity, () => ({ audiences: ['api://AzureADTokenExchangeUSGov'] })),
    says: /AADSTS700212: No matching federated identity record found for presented assertion audience/,
    failure: 'F051',
  },
  {
    title: 'the identity has no role at the vault',
    breaks: ({ lab, identity }) => takeRoles(lab, identity.principalId),
    says: /403 Forbidden[\s\S]*ForbiddenByRbac/,
    failure: 'F067',
  },
  {
    title: 'the class names a tenant that there is not',
    breaks: parameters({ tenantID: NOBODY }),
    says: /AADSTS90002: Tenant '.*' not found/,
    failure: 'F056',
  },
  {
    title: 'the class names a client id that nobody has',
    breaks: parameters({ clientID: NOBODY }),
    says: /AADSTS700016: Application with identifier '.*' was not found in the directory/,
    failure: 'F057',
  },
  {
    title: 'the class names the principal id instead',
    breaks: (place) => parameters({ clientID: place.identity.principalId })(place),
    says: /AADSTS700016/,
    failure: 'F055',
  },
  {
    title: 'the class spells clientId',
    breaks: (place) => parameters({ clientID: null, clientId: String(place.identity.properties.clientId) })(place),
    says: /failed to get credentials, nodePublishSecretRef secret is not set/,
    failure: 'F091',
  },
  {
    title: 'the class names the vault by its address',
    breaks: (place) => parameters({ keyvaultName: `https://${place.vault}.vault.azure.net` })(place),
    says: /Invalid vault name: "https:.*", must be between 3 and 24 chars/,
    failure: 'F097',
  },
  {
    title: 'the class names a vault that there is not',
    breaks: parameters({ keyvaultName: 'lab-nowhere-kv' }),
    says: /lookup lab-nowhere-kv.vault.azure.net on .*: no such host/,
    failure: 'F075',
  },
  {
    title: 'objects is a list of maps',
    breaks: parameters({ objects: 'array:\n  - objectName: csi-password\n    objectType: secret\n' }),
    says: /cannot unmarshal !!map into string/,
    failure: 'F095',
  },
  {
    title: 'an object of the type certificate',
    breaks: parameters({ objects: 'array:\n  - |\n    objectName: csi-cert\n    objectType: certificate\n' }),
    says: /Invalid vaultObjectTypes. Should be secret, key, or cert/,
    failure: 'F096',
  },
  {
    title: 'the secret is disabled',
    breaks: ({ lab, vault: name }) => disableSecret(lab, name, 'csi-password'),
    says: /Operation get is not allowed on a disabled secret[\s\S]*SecretDisabled/,
    failure: 'F079',
  },
  {
    title: 'the secret was deleted',
    async breaks({ lab, vault: name }) {
      await vault(lab, name, 'DELETE', '/secrets/csi-password');
      return async () => {
        await vault(lab, name, 'POST', '/deletedsecrets/csi-password/recover');
      };
    },
    says: /404 Not Found[\s\S]*SecretNotFound/,
    failure: 'F077',
  },
  {
    title: 'there is no such class',
    by: 'csi-driver',
    async breaks({ done, lab, account, namespace, wanted }) {
      await done(`delete secretproviderclass ${account} -n ${namespace}`);
      return async () => {
        const { code, err } = await lab.aksSecrets(`init ${wanted} --sample --yes`);
        if (code !== 0) throw new Error(err);
      };
    },
    says: /failed to get secretproviderclass csi\/files, error: .* not found/,
    failure: 'F089',
  },
  {
    title: 'the volume is not read-only',
    by: 'csi-driver',
    breaks: volume({ readOnly: null }),
    says: /Readonly is not true in request/,
    failure: 'F101',
  },
  {
    title: 'the volume wants credentials that are not there',
    by: 'csi-driver',
    breaks: volume({ nodePublishSecretRef: { name: 'secrets-store-creds' } }),
    says: /fetching NodePublishSecretRef csi\/secrets-store-creds failed/,
    failure: 'F146',
  },
  {
    title: 'the CSIDriver asks for no tokens',
    by: 'csi-driver',
    breaks: ({ patch }) => patch(DRIVER, { spec: { tokenRequests: null } }),
    says: /service account tokens not found/,
    failure: 'F092',
  },
  {
    title: 'the CSIDriver asks for tokens of another audience',
    by: 'csi-driver',
    breaks: ({ patch }) => patch(DRIVER, { spec: { tokenRequests: [{ audience: 'api://Other' }] } }),
    says: /token for audience api:\/\/AzureADTokenExchange not found/,
    failure: 'F093',
  },
  {
    title: 'the CSIDriver was deleted',
    by: 'csi-driver',
    breaks: removed(DRIVER),
    says: /volume mode "Ephemeral" not supported by driver .* \(no CSIDriver object\)/,
    failure: 'F088',
  },
  {
    title: 'the driver does not run on the node',
    by: 'csi-driver',
    breaks: elsewhere(DRIVER_SET),
    says: /driver name secrets-store.csi.k8s.io not found in the list of registered CSI drivers/,
    failure: 'F087',
  },
  {
    // A driver that has spoken to a provider waits for it to come back, for longer than anybody waits here.
    title: 'the provider does not run on the node, and the driver is new there',
    by: 'csi-driver',
    async breaks(place) {
      const undo = await elsewhere(PROVIDER_SET)(place);
      await place.done('delete pods -n kube-system -l app=secrets-store-csi-driver');
      await driverAnswers(place.lab, [DRIVER_SET]);
      return undo;
    },
    says: /error connecting to provider "azure"/,
    failure: 'F090',
  },
  {
    title: 'a synchronized Secret of a file that is not mounted',
    by: 'csi-driver',
    breaks: alsoSecret({ data: [{ objectName: 'password', key: 'password' }] }),
    says: /failed to get data in spc csi\/files for secret files-other, err: file matching objectName password not found/,
    failure: 'F104',
  },
  {
    title: 'the driver may make no Secrets',
    by: 'csi-driver',
    async breaks(place) {
      const [back, unmake] = [
        await removed('clusterrolebinding/aks-secretprovidersyncing-rolebinding')(place),
        await alsoSecret({})(place),
      ];
      return async () => {
        await unmake();
        await back();
      };
    },
    says: /^timed out waiting for the condition$/,
    failure: 'F105',
  },
];
