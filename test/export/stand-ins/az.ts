import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAz } from './az-lines.ts';
import { Ended, type Json, type Stage } from './stage.ts';

/**
 * Stands in for the Azure CLI: it understands exactly the lines of an exported script, and does with each what the real
 * one does, over HTTP. Answers what it prints.
 */
export async function az(words: readonly string[], stage: Stage): Promise<string> {
  const { command, flags } = parseAz(words);
  const of = (flag: string): string => flags.get(flag)?.[0] ?? '';
  const subscription = of('subscription');
  // Neither the directory nor az itself has a subscription.
  if (!subscription && !/^(ad|extension) /.test(command)) throw new Error('the script does not say which subscription');
  const ARM = 'https://management.azure.com';
  const within = (type: string, name = ''): string =>
    `/subscriptions/${subscription}/resourceGroups/${of('resource-group')}/providers/${type}${name && `/${name}`}`;

  const send = async (
    method: string,
    url: string,
    body?: unknown,
    to: Parameters<Stage['token']>[0] = 'management',
  ) => {
    const headers = {
      authorization: `Bearer ${await stage.token(to)}`,
      'content-type': 'application/json',
      'user-agent': 'AZURECLI/2.91',
    };
    const answer = await stage.ask(method, url, headers, body === undefined ? undefined : JSON.stringify(body));
    if (answer.ok) return answer;
    const { error } = JSON.parse(answer.text) as Json;
    // Of Graph the real one shows the sentence alone.
    if (to === 'graph') throw new Ended(1, `ERROR: ${error.message}`);
    const inner = error.innererror ? `\nInner error: ${JSON.stringify(error.innererror)}` : '';
    throw new Ended(answer.status === 404 ? 3 : 1, `ERROR: (${error.code}) ${error.message}${inner}`);
  };
  async function arm(method: string, path: string, version: string, body?: unknown): Promise<Json> {
    const answer = await send(method, `${ARM}${path}${path.includes('?') ? '&' : '?'}api-version=${version}`, body);
    const operation = answer.headers['azure-asyncoperation'] as string | undefined;
    for (let state = operation ? 'InProgress' : 'Succeeded'; state !== 'Succeeded'; ) {
      const { status, error } = JSON.parse((await send('GET', operation!)).text) as Json;
      state = status;
      if (state === 'Failed') throw new Error(`(${error.code}) ${error.message}`);
    }
    if (operation && method === 'PUT') return arm('GET', path, version);
    return answer.text ? JSON.parse(answer.text) : {};
  }
  const list = async (path: string, version: string): Promise<Json[]> => (await arm('GET', path, version)).value;

  const AKS = 'Microsoft.ContainerService/managedClusters';
  const [GROUPS, CLUSTERS, VAULTS, IDENTITIES] = ['2024-11-01', '2026-06-01', '2023-07-01', '2024-11-30'];
  const tags = (): Json =>
    Object.fromEntries((flags.get('tags') ?? []).map((pair) => pair.split(/=(.*)/s).slice(0, 2)));
  const vaultOf = (path: string): string => `https://${of('vault-name')}.vault.azure.net${path}api-version=7.5`;
  /** As the CLI shows them: what Resource Manager has under `properties`, beside the rest. */
  const flat = (resource: Json): Json => ({ ...resource, ...resource.properties });

  function switchOn(properties: Json): void {
    if (flags.has('enable-oidc-issuer'))
      properties.oidcIssuerProfile = { ...properties.oidcIssuerProfile, enabled: true };
    if (flags.has('enable-workload-identity'))
      properties.securityProfile = { ...properties.securityProfile, workloadIdentity: { enabled: true } };
    if (!flags.has('enable-secret-rotation')) return;
    const name = 'azureKeyvaultSecretsProvider';
    const addOn = properties.addonProfiles?.[name];
    const adds = (of('addons') || of('enable-addons')) === 'azure-keyvault-secrets-provider';
    if (!addOn?.enabled && !adds) throw new Error('the add-on is not enabled');
    const config = {
      ...addOn?.config,
      enableSecretRotation: 'true',
      ...(flags.has('rotation-poll-interval') && { rotationPollInterval: of('rotation-poll-interval') }),
    };
    properties.addonProfiles = { ...properties.addonProfiles, [name]: { ...addOn, enabled: true, config } };
  }
  async function changeCluster(): Promise<Json> {
    const path = within(AKS, of('name'));
    const cluster = await arm('GET', path, CLUSTERS);
    switchOn(cluster.properties);
    return arm('PUT', path, CLUSTERS, cluster);
  }

  const GRAPH = 'https://graph.microsoft.com/v1.0';
  const inDirectory = async (what: 'applications' | 'servicePrincipals'): Promise<Json[]> => {
    // As az does: by the beginning of the name.
    const filter = encodeURIComponent(`startswith(displayName,'${of('display-name')}')`);
    return JSON.parse((await send('GET', `${GRAPH}/${what}?$filter=${filter}`, undefined, 'graph')).text).value;
  };

  const extension = (name = ''): string =>
    `${within(AKS, of('cluster-name'))}/providers/Microsoft.KubernetesConfiguration/extensions${name && `/${name}`}`;

  const DOES: Readonly<Record<string, () => Promise<unknown>>> = {
    'account show': () => arm('GET', `/subscriptions/${subscription}`, '2022-12-01'),
    'ad app federated-credential create': async () => {
      const url = `${GRAPH}/applications/${of('id')}/federatedIdentityCredentials`;
      return JSON.parse((await send('POST', url, JSON.parse(of('parameters')), 'graph')).text);
    },
    'ad app federated-credential list': async () => {
      const url = `${GRAPH}/applications/${of('id')}/federatedIdentityCredentials`;
      return JSON.parse((await send('GET', url, undefined, 'graph')).text).value;
    },
    'ad app list': () => inDirectory('applications'),
    'ad sp list': () => inDirectory('servicePrincipals'),
    'extension add': async () => undefined,
    'aks create': () => {
      const properties: Json = {
        dnsPrefix: of('name'),
        enableRBAC: true,
        agentPoolProfiles: [
          {
            name: 'nodepool1',
            mode: 'System',
            osType: 'Linux',
            count: Number(of('node-count')),
            vmSize: of('node-vm-size'),
          },
        ],
      };
      switchOn(properties);
      return arm('PUT', within(AKS, of('name')), CLUSTERS, {
        location: of('location'),
        identity: { type: 'SystemAssigned' },
        properties,
      });
    },
    'aks enable-addons': changeCluster,
    'aks get-credentials': async () => {
      const { kubeconfigs } = await arm('POST', `${within(AKS, of('name'))}/listClusterUserCredential`, CLUSTERS);
      writeFileSync(of('file'), Buffer.from(kubeconfigs[0].value, 'base64'), { flag: 'wx', mode: 0o600 });
    },
    'aks list': () => list(within(AKS), CLUSTERS),
    'aks show': async () => {
      const shown = flat(await arm('GET', within(AKS, of('name')), CLUSTERS));
      return {
        ...shown,
        oidcIssuerProfile: { ...shown.oidcIssuerProfile, issuerUrl: shown.oidcIssuerProfile?.issuerURL },
      };
    },
    'aks update': changeCluster,
    'aks wait': async () => {
      while ((await arm('GET', within(AKS, of('name')), CLUSTERS)).properties.provisioningState !== 'Succeeded')
        await stage.sandbox.surroundings.clock.sleep(10_000);
    },
    'group create': () =>
      arm('PUT', `/subscriptions/${subscription}/resourcegroups/${of('name')}`, GROUPS, {
        location: of('location'),
        tags: tags(),
      }),
    'group list': () => list(`/subscriptions/${subscription}/resourcegroups`, GROUPS),
    'group show': () => arm('GET', `/subscriptions/${subscription}/resourcegroups/${of('name')}`, GROUPS),
    'identity create': () =>
      arm('PUT', within('Microsoft.ManagedIdentity/userAssignedIdentities', of('name')), IDENTITIES, {
        location: of('location'),
        tags: tags(),
      }),
    'identity federated-credential create': () =>
      arm(
        'PUT',
        within(
          'Microsoft.ManagedIdentity/userAssignedIdentities',
          `${of('identity-name')}/federatedIdentityCredentials/${of('name')}`,
        ),
        IDENTITIES,
        {
          properties: { issuer: of('issuer'), subject: of('subject'), audiences: flags.get('audiences') },
        },
      ),
    'identity federated-credential list': () =>
      list(
        within(
          'Microsoft.ManagedIdentity/userAssignedIdentities',
          `${of('identity-name')}/federatedIdentityCredentials`,
        ),
        IDENTITIES,
      ),
    'identity list': () => list(within('Microsoft.ManagedIdentity/userAssignedIdentities'), IDENTITIES),
    'identity show': async () =>
      flat(await arm('GET', within('Microsoft.ManagedIdentity/userAssignedIdentities', of('name')), IDENTITIES)),
    'k8s-extension create': () => {
      const settings = (flags.get('configuration-settings') ?? []).map((pair) => pair.split(/=(.*)/s).slice(0, 2));
      const properties = {
        extensionType: of('extension-type'),
        autoUpgradeMinorVersion: of('auto-upgrade-minor-version') === 'true',
        releaseTrain: of('release-train'),
        scope: { cluster: { releaseNamespace: of('release-namespace') } },
        configurationSettings: Object.fromEntries(settings),
      };
      return arm('PUT', extension(of('name')), '2025-03-01', { identity: { type: 'SystemAssigned' }, properties });
    },
    'k8s-extension list': async () => (await list(extension(), '2025-03-01')).map(flat),
    'keyvault create': () =>
      arm('PUT', within('Microsoft.KeyVault/vaults', of('name')), VAULTS, {
        location: of('location'),
        tags: tags(),
        properties: {
          tenantId: stage.sandbox.place.tenantId,
          sku: { family: 'A', name: 'standard' },
          accessPolicies: [],
          enableRbacAuthorization: of('enable-rbac-authorization') === 'true',
          ...(flags.has('enable-purge-protection') && { enablePurgeProtection: true }),
        },
      }),
    'keyvault list': () => list(within('Microsoft.KeyVault/vaults'), VAULTS),
    'keyvault secret list': async () => {
      const { value } = JSON.parse((await send('GET', vaultOf('/secrets?'), undefined, 'vault')).text) as Json;
      return value.map(({ id }: { id: string }) => ({ id, name: id.split('/').at(-1) }));
    },
    'keyvault secret set': async () => {
      const value = of('file') === '/dev/stdin' ? stage.stdin : readFileSync(join(stage.cwd, of('file')), 'utf8');
      await send(
        'PUT',
        vaultOf(`/secrets/${of('name')}?`),
        { value, tags: { 'file-encoding': of('encoding') } },
        'vault',
      );
    },
    'keyvault show': () => arm('GET', within('Microsoft.KeyVault/vaults', of('name')), VAULTS),
    'provider register': async () => {
      const path = `/subscriptions/${subscription}/providers/${of('namespace')}`;
      await arm('POST', `${path}/register`, GROUPS);
      while ((await arm('GET', path, GROUPS)).registrationState !== 'Registered')
        await stage.sandbox.surroundings.clock.sleep(10_000);
    },
    rest: async () => {
      const [url, to] = of('url').startsWith(GRAPH) ? [of('url'), 'graph' as const] : [`${ARM}${of('url')}`];
      const { text } = await send(of('method').toUpperCase(), url!, JSON.parse(of('body')), to);
      return text ? JSON.parse(text) : undefined;
    },
    'role assignment create': async () => {
      const filter = encodeURIComponent(`roleName eq '${of('role')}'`);
      const definitions = await list(
        `${of('scope')}/providers/Microsoft.Authorization/roleDefinitions?$filter=${filter}`,
        '2022-04-01',
      );
      const role = definitions.find(({ properties }) => properties.roleName === of('role'));
      if (!role) throw new Error(`Role '${of('role')}' doesn't exist.`);
      return arm(
        'PUT',
        `${of('scope')}/providers/Microsoft.Authorization/roleAssignments/${randomUUID()}`,
        '2022-04-01',
        {
          properties: {
            roleDefinitionId: role.id,
            principalId: of('assignee-object-id'),
            principalType: of('assignee-principal-type'),
            description: of('description'),
          },
        },
      ).catch((error: unknown) => {
        // The real one answers with the assignment that is there.
        if (error instanceof Ended && error.message.includes('RoleAssignmentExists')) return {};
        throw error;
      });
    },
  };

  /** The two shapes of a query that scripts use: what is equal to something, and a path. */
  function queried(result: Json): unknown {
    const [, condition, shown] = /^\[\?(.+)\]\.(\w+)$/.exec(of('query')) ?? [];
    if (condition && shown) {
      const wanted = condition.split(' || ').map((one) => /^(\w+)=='([^']*)'$/.exec(one) ?? []);
      return result
        .filter((one: Json) => wanted.some(([, field = '', value]) => one[field] === value))
        .map((one: Json) => one[shown]);
    }
    if (!/^\w+(\.\w+)*$/.test(of('query'))) throw new Error(`az: --query ${of('query')}`);
    return of('query')
      .split('.')
      .reduce((value: Json | undefined, key) => value?.[key], result);
  }

  const does = DOES[command];
  if (!does) throw new Error(`az ${command} is not acted out here`);
  const result = (await does()) as Json;
  if (of('output') === 'none' || result === undefined) return '';
  if (of('output') !== 'tsv') return `${JSON.stringify(result, null, 2)}\n`;
  const rows = [queried(result)].flat().filter((row) => row !== undefined && row !== null);
  return rows.length > 0 ? `${rows.join('\n')}\n` : '';
}
