import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { complete } from '../arm/operations.ts';
import { roleNamed } from '../arm/roles.ts';
import type { Json, PrincipalRecord, Slice } from '../arm/store.ts';

/** Where things are put into a world by hand, past all rights: the demo world, and tests. */
export interface Place {
  readonly slice: Slice;
  readonly tenantId: string;
  readonly subscriptionId: string;
  /** Simulated time, milliseconds; what is put has always been there. */
  readonly now: number;
}

export interface ClusterOptions {
  readonly location: string;
  readonly kubernetesVersion: string;
  /** Merged into `properties` as they are: foreign properties, a stopped `powerState`, `aadProfile`. */
  readonly properties?: Json;
  /** `{ name: 'Automatic', tier: 'Standard' }`; absent: an ordinary cluster. */
  readonly sku?: Json;
}

const id = (place: Place, group: string, type: string, name: string) =>
  `/subscriptions/${place.subscriptionId}/resourceGroups/${group}/providers/${type}/${name}`;

/** What is put by hand is as old as this: young things are treated otherwise. */
const AGE = 30 * 86_400_000;

const systemData = (place: Place): Json => {
  const at = new Date(place.now - AGE).toISOString();
  const by = { by: 'platform@sandbox.example', type: 'User' };
  return {
    createdBy: by.by,
    createdByType: by.type,
    createdAt: at,
    lastModifiedBy: by.by,
    lastModifiedByType: by.type,
    lastModifiedAt: at,
  };
};

export function putPrincipal(place: Place, objectId: string, kind: PrincipalRecord['kind'], name: string): void {
  place.slice.principals[objectId.toLowerCase()] = { kind, name, arrivesAt: 0 };
}

export function putGroup(place: Place, name: string, location: string): void {
  place.slice.groups[name.toLowerCase()] ??= {
    id: `/subscriptions/${place.subscriptionId}/resourceGroups/${name}`,
    name,
    type: 'Microsoft.Resources/resourceGroups',
    location,
    properties: { provisioningState: 'Succeeded' },
  };
}

/** Assigns a built-in role by its name. */
export function putAssignment(place: Place, role: string, principalId: string, scope: string): void {
  const { id: roleId } = roleNamed(role);
  // The same grant always has the same name, so that putting it twice is putting it once.
  const hash = createHash('sha1').update(`${scope.toLowerCase()}|${principalId}|${roleId}`).digest('hex');
  const name = [
    hash.slice(0, 8),
    hash.slice(8, 12),
    `5${hash.slice(13, 16)}`,
    `8${hash.slice(17, 20)}`,
    hash.slice(20, 32),
  ].join('-');
  const at = new Date(place.now - AGE).toISOString();
  const assignmentId = `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`;
  place.slice.assignments[assignmentId.toLowerCase()] = {
    arrivesAt: 0,
    resource: {
      id: assignmentId,
      name,
      type: 'Microsoft.Authorization/roleAssignments',
      properties: {
        roleDefinitionId: `/subscriptions/${place.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${roleId}`,
        principalId,
        principalType: place.slice.principals[principalId]?.kind ?? 'ServicePrincipal',
        scope,
        condition: null,
        conditionVersion: null,
        createdOn: at,
        updatedOn: at,
        createdBy: null,
        updatedBy: null,
        delegatedManagedIdentityResourceId: null,
        description: null,
      },
    },
  };
}

/** A vault as it has been for a while. Answers whether it is new. */
export function putVault(
  place: Place,
  group: string,
  name: string,
  options: { readonly location: string; readonly rbac: boolean | null; readonly properties?: Json },
): boolean {
  const vaultId = id(place, group, 'Microsoft.KeyVault/vaults', name);
  if (place.slice.vaults[vaultId.toLowerCase()]) return false;
  place.slice.vaults[vaultId.toLowerCase()] = {
    resource: {
      id: vaultId,
      name,
      type: 'Microsoft.KeyVault/vaults',
      location: options.location,
      tags: {},
      systemData: systemData(place),
      properties: {
        sku: { family: 'A', name: 'standard' },
        tenantId: place.tenantId,
        networkAcls: { bypass: 'AzureServices', defaultAction: 'Allow', ipRules: [], virtualNetworkRules: [] },
        accessPolicies: [],
        enabledForDeployment: false,
        enableSoftDelete: true,
        softDeleteRetentionInDays: 90,
        ...(options.rbac !== null && { enableRbacAuthorization: options.rbac }),
        vaultUri: `https://${name.toLowerCase()}.vault.azure.net/`,
        provisioningState: 'Succeeded',
        publicNetworkAccess: 'Enabled',
        ...options.properties,
      },
    },
  };
  return true;
}

/** A cluster that has run for a while: issuer, workload identity and add-on off unless `properties` say otherwise. */
export function putCluster(place: Place, group: string, name: string, options: ClusterOptions): boolean {
  const clusterId = id(place, group, 'Microsoft.ContainerService/managedClusters', name);
  if (place.slice.clusters[clusterId.toLowerCase()]) return false;
  const { location, kubernetesVersion } = options;
  const nodeGroup = `MC_${group}_${name}_${location}`;
  const fqdn = `${name.toLowerCase()}-dns-${randomBytes(4).toString('hex')}.hcp.${location}.azmk8s.io`;
  const kubelet = {
    resourceId: id(place, nodeGroup, 'Microsoft.ManagedIdentity/userAssignedIdentities', `${name}-agentpool`),
    clientId: randomUUID(),
    objectId: randomUUID(),
  };
  const record = {
    fqdn,
    issuerId: randomUUID(),
    resource: {
      id: clusterId,
      name,
      type: 'Microsoft.ContainerService/managedClusters',
      location,
      tags: {},
      kind: 'Base',
      eTag: randomUUID(),
      sku: options.sku ?? { name: 'Base', tier: 'Free' },
      identity: { type: 'SystemAssigned', principalId: randomUUID(), tenantId: place.tenantId },
      systemData: systemData(place),
      properties: {
        provisioningState: 'Succeeded',
        powerState: { code: 'Running' },
        kubernetesVersion,
        currentKubernetesVersion: kubernetesVersion,
        dnsPrefix: `${name.toLowerCase()}-dns`,
        servicePrincipalProfile: { clientId: 'msi' },
        fqdn,
        azurePortalFQDN: fqdn.replace('.hcp.', '.portal.hcp.'),
        agentPoolProfiles: [agentPool(kubernetesVersion)],
        addonProfiles: { azurepolicy: { enabled: false, config: null } },
        oidcIssuerProfile: { enabled: false },
        nodeResourceGroup: nodeGroup,
        enableRBAC: true,
        supportPlan: 'KubernetesOfficial',
        networkProfile: {
          networkPlugin: 'azure',
          networkPluginMode: 'overlay',
          networkDataplane: 'azure',
          loadBalancerSku: 'standard',
          podCidr: '10.244.0.0/16',
          serviceCidr: '10.0.0.0/16',
          dnsServiceIP: '10.0.0.10',
          outboundType: 'loadBalancer',
          ipFamilies: ['IPv4'],
        },
        maxAgentPools: 100,
        identityProfile: { kubeletidentity: kubelet },
        autoUpgradeProfile: { upgradeChannel: 'patch', nodeOSUpgradeChannel: 'NodeImage' },
        disableLocalAccounts: false,
        securityProfile: {},
        storageProfile: {
          diskCSIDriver: { enabled: true },
          fileCSIDriver: { enabled: true },
          snapshotController: { enabled: true },
        },
        resourceUID: randomBytes(12).toString('hex'),
        metricsProfile: { costAnalysis: { enabled: false } },
        ...options.properties,
      } as Json,
    },
  };
  place.slice.clusters[clusterId.toLowerCase()] = record;
  putGroup(place, nodeGroup, location);
  complete(record, place.tenantId);
  return true;
}

const agentPool = (version: string): Json => ({
  name: 'nodepool1',
  count: 2,
  vmSize: 'Standard_D4s_v5',
  osDiskSizeGB: 128,
  osDiskType: 'Managed',
  maxPods: 110,
  type: 'VirtualMachineScaleSets',
  enableAutoScaling: false,
  provisioningState: 'Succeeded',
  powerState: { code: 'Running' },
  orchestratorVersion: version,
  currentOrchestratorVersion: version,
  mode: 'System',
  osType: 'Linux',
  osSKU: 'Ubuntu',
  nodeImageVersion: 'AKSUbuntu-2204gen2containerd-202610.27.0',
  upgradeSettings: { maxSurge: '10%' },
});
