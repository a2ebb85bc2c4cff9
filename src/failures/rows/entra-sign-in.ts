import type { Row } from '../row.ts';

/** Entra: which identity in which tenant, by which credential. */
export const ENTRA_SIGN_IN: readonly Row[] = [
  {
    id: 'F066',
    title: 'Entra cannot be reached from there',
    layer: 'network',
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: 'login.{microsoftonline.com|microsoftonline.us|partner.microsoftonline.cn|chinacloudapi.cn|windows.net}… {no such host|i/o timeout|context deadline exceeded|connection refused|connection reset|Name or service not known|Temporary failure in name resolution|getaddrinfo|server misbehaving|network is unreachable|Client.Timeout|TLS handshake timeout|no route to host|certificate signed by unknown authority|Connection timed out|Max retries exceeded|proxyconnect}',
        without: ['AADSTS'],
      },
      {
        says: '{getaddrinfo|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|UnknownHostException|Could not resolve host|Name or service not known|Failed to resolve|Failed to establish a new connection}… login.{microsoftonline|partner.microsoftonline|chinacloudapi}',
      },
    ],
    cause:
      'The pod or the driver has no way to login.microsoftonline.com: a firewall or route table without the rule, DNS, or a proxy it does not know.',
    fix: {
      say: 'Allow login.microsoftonline.com:443 (and *.vault.azure.net:443) for the cluster; where there is a proxy, set HTTPS_PROXY and NO_PROXY. The line tries it from inside.',
      run: 'aks-secrets verify --pod <namespace>/<pod> --probe',
    },
    risk: 'none',
  },
  {
    id: 'F055',
    title: 'Entra does not know the client id in this tenant',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [{ code: 'AADSTS700016' }, { says: 'Application with identifier … was not found in the directory' }],
    cause:
      'The client id is that of a deleted identity or no client id at all (an object id, a resource id), the tenant is another, or the identity is some seconds old.',
    fix: {
      say: "Use the identity's client id and its tenant; init writes both. The line says what they are.",
      run: 'az identity show --name <identity> --resource-group <resource group> --query "{clientId:clientId,tenantId:tenantId}"',
    },
    risk: 'none',
  },
  {
    id: 'F057',
    title: 'The identity was made again and has another client id',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{re-created|recreated|deleted and created|deleted and re-created|destroyed and created|new client id|new clientId}',
        with: ['{AADSTS700016|AADSTS70021|AADSTS700211|AADSTS700213}'],
        vague: true,
      },
      {
        says: '{annotation|service account|serviceaccount} … {still|stale|old} … {client-id|client id|clientId}',
        vague: true,
      },
    ],
    cause:
      'An identity that is deleted and made again under its name gets a new client id and a new principal id; annotations, classes, roles and policies still name the old ones.',
    fix: {
      say: 'Run init, which writes the new ids and grants anew, then restart the pods.',
      run: 'kubectl rollout restart deployment --namespace <namespace>',
    },
    risk: 'restarts',
    sameWorldAs: ['F022'],
  },
  {
    id: 'F022',
    title: 'Roles and annotations belong to an identity that no longer exists',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [
      {
        says: '{Identity not found|ObjectType: Unknown|principalType: Unknown|principalName: ,}',
        with: ['{roleAssignments|role assignment}', '{Key Vault|userAssignedIdentities|managed identity}'],
        vague: true,
      },
      {
        says: '{managed identity|identity|UAMI|user assigned identity|user-assigned identity} … {was|has been|been} {deleted and recreated|deleted and re-created|re-created|recreated}',
        vague: true,
      },
    ],
    cause:
      'The managed identity was deleted and made again: same name, other client id and principal id. Its old role assignments stay as "Identity not found" and open nothing.',
    fix: {
      say: 'Run init: it writes the new client id into annotation and class, and grants to the new principal. Then restart the pods.',
      run: 'az identity show --name <identity> --resource-group <resource group> --query "{clientId:clientId,principalId:principalId}"',
    },
    risk: 'restarts',
    sameWorldAs: ['F057'],
  },
  {
    id: 'F056',
    title: 'The tenant does not exist',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AADSTS90002' },
      { code: 'AADSTS900023' },
      { says: 'Invalid tenant id provided' },
      { says: 'Specified tenant identifier … is neither a valid DNS name' },
      { says: 'tenant … not found. Check to make sure you have the correct tenant ID' },
    ],
    cause:
      'The tenant id is mistyped, empty or still a placeholder, or belongs to another cloud than the one that is asked.',
    fix: {
      say: "Write the tenant of the vault's subscription: tenantID of the class, tenantId of the store, the annotation, or --tenant; and let the cloud be the same everywhere.",
      run: 'az account show --query tenantId',
    },
    risk: 'none',
  },
  {
    id: 'F058',
    title: 'You are signed in to another tenant',
    layer: 'entra',
    seenBy: ['init', 'explain'],
    match: [
      { code: 'AADSTS50020' },
      { code: 'InvalidAuthenticationTokenTenant' },
      { says: 'The access token is from the wrong issuer' },
    ],
    cause:
      'Your account does not belong to the tenant of the subscription. It concerns who runs the tool, not the pod.',
    fix: { say: 'Sign in to that tenant, and name it with --tenant.', run: 'az login --tenant <tenant>' },
    risk: 'none',
  },
  {
    id: 'F059',
    title: 'The scope of the token request is not valid',
    layer: 'entra',
    methods: ['workload-identity'],
    seenBy: ['explain'],
    match: [
      { code: 'AADSTS1002012' },
      { code: 'AADSTS70011' },
      { says: 'scope … is not valid. Client credential flows must have a scope value with /.default' },
    ],
    cause: 'With a service account only whole resources can be asked for: the scope must end in /.default.',
    fix: {
      say: 'Ask for https://vault.azure.net/.default. Code that names a resource (https://vault.azure.net) or a single permission must be changed.',
    },
    risk: 'none',
  },
  {
    id: 'F064',
    title: 'Conditional Access blocks the application',
    layer: 'entra',
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AADSTS53003' },
      { code: 'AADSTS50005' },
      { says: 'Access has been blocked by Conditional Access policies' },
    ],
    cause:
      'A Conditional Access policy for workload identities refuses this application, by the address it comes from or by its risk. Managed identities are not concerned by such policies.',
    fix: {
      say: "Have the cluster's outgoing address added to the named locations of the policy, or use a managed identity instead of the app registration.",
      run: 'az network public-ip list --resource-group <node resource group> --query "[].ipAddress"',
    },
    risk: 'widens',
  },
  {
    id: 'F065',
    title: 'A client secret is used, and it is wrong or has ended',
    layer: 'entra',
    methods: ['csi', 'dapr', 'external-secrets'],
    seenBy: ['verify', 'explain'],
    match: [
      { code: 'AADSTS7000215' },
      { code: 'AADSTS7000222' },
      { says: 'Invalid client secret {provided|is provided}' },
      { says: 'The provided client secret keys … are expired' },
    ],
    cause:
      'The sign-in is by an application and its secret (nodePublishSecretRef of a class, authSecretRef of a store, azureClientSecret of a component), and that secret is wrong or has ended.',
    fix: {
      say: 'Move to workload identity, which has no secret to end: init with the same method. Until then a new client secret helps.',
      run: 'az ad app credential list --id <client id> --output table',
    },
    risk: 'none',
  },
];
