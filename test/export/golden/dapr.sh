#!/usr/bin/env bash
# Gives demo/demo the secrets it needs from Azure Key Vault: the plan of aks-secrets as lines for az, kubectl, curl.
# Made from the world as it was then, by
#   aks-secrets export --method dapr --format script
# For bash (on Windows: WSL) and whoever is signed in by 'az login'. Every line can be run again: what is there already
# stays as it is, and nothing is deleted. What needs no change stands here as a comment.
set -euo pipefail

subscription=5ab5c000-0000-4000-8000-000000000001
authority=https://login.microsoftonline.com
vault_scope=https://vault.azure.net/.default
audience=api://AzureADTokenExchange

for tool in az kubectl curl; do
  command -v "$tool" >/dev/null || { printf '%s is not on the PATH\n' "$tool" >&2; exit 127; }
done
# Never the subscription that happens to be chosen; what is Entra's has none, and what is az's own.
az() {
  case "$1" in
    ad | extension) set -- "$@" --only-show-errors ;;
    *) set -- "$@" --subscription "$subscription" --only-show-errors ;;
  esac
  command az "$@"
}

# What was made a moment ago may not be known everywhere yet. Only a refusal of that kind is tried again, and not for
# ever; every other one ends the script.
retry() { # PATTERN COMMAND...
  local said deadline=$((SECONDS + 600))
  until said="$("${@:2}" 2>&1)"; do
    if [[ ! "$said" =~ $1 ]] || ((SECONDS >= deadline)); then
      printf '%s\n' "$said" >&2
      return 1
    fi
    printf 'not yet: %s\n' "${BASH_REMATCH[0]}" >&2
    sleep 5
  done
  if [ -n "$said" ]; then printf '%s\n' "$said" >&2; fi
}

# Applies what comes by standard input, as aks-secrets does: what another manager has set is never forced.
apply() {
  local manifest
  manifest="$(cat)"
  retry 'no matches for kind|failed calling webhook' apply_text "$manifest"
}
apply_text() {
  kubectl apply --server-side --field-manager=aks-secrets --filename - <<<"$1"
}

# The name of the federated credential that aks-secrets makes for an issuer and a subject.
credential_name() { # ISSUER SUBJECT
  printf 'aks-secrets-'
  printf '%s\n%s' "$1" "$2" | if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-16
}

# The proof that 'aks-secrets init' ends with: a token of the service account, exchanged at Entra for the identity, asks
# the vault for a version that cannot exist. "Not found" is said only to whoever may read; no value leaves the vault.
prove() { # NAMESPACE SERVICE_ACCOUNT TENANT CLIENT_ID THING...
  local thing
  for thing in "${@:5}"; do
    retry 'AADSTS(70021[123]?|7002138|700016|7000229|90061|50166)|ForbiddenByRbac|AccessDenied' may_read "${@:1:4}" "$thing"
    printf '%s/%s can read %s\n' "$1" "$2" "$thing"
  done
}
may_read() { # NAMESPACE SERVICE_ACCOUNT TENANT CLIENT_ID THING
  local assertion answer token
  assertion="$(kubectl create token "$2" --namespace "$1" --audience "$audience" --duration 10m)" || return
  # Tokens go by standard input: what stands on a command line, every process list shows.
  answer="$(
    printf '%s' "$assertion" | curl --silent --show-error \
      --data-urlencode grant_type=client_credentials \
      --data-urlencode client_id="$4" \
      --data-urlencode scope="$vault_scope" \
      --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
      --data-urlencode client_assertion@- \
      "$authority/$3/oauth2/v2.0/token"
  )" || return
  token="$(sed -n 's/.*"access_token" *: *"\([^"]*\)".*/\1/p' <<<"$answer")"
  if [ -z "$token" ]; then
    printf '%s\n' "$answer"
    return 1
  fi
  answer="$(
    printf 'authorization: Bearer %s' "$token" |
      curl --silent --show-error --header @- "$5/00000000000000000000000000000000?api-version=7.4"
  )" || return
  case "$answer" in
    *SecretNotFound* | *KeyNotFound* | *CertificateNotFound*) ;;
    *)
      printf '%s\n' "$answer"
      return 1
      ;;
  esac
}

# Ends here when nobody is signed in, or to another tenant or cloud.
az account show --output none

# cluster demo-aks
#  OIDC issuer: off -> on (cannot be undone, restarts the API server; pods may need a restart)
#  workload identity: off -> on
az aks update --resource-group demo-rg --name demo-aks --enable-oidc-issuer --enable-workload-identity --output none
oidc_issuer="$(az aks show --resource-group demo-rg --name demo-aks --query oidcIssuerProfile.issuerUrl --output tsv)"
: "${oidc_issuer:?is not there}"

# vault demo-kv: as wanted

# identity demo-demo-f33f1c
found="$(az identity list --resource-group demo-rg --query "[?name=='demo-demo-f33f1c'].name" --output tsv)"
if [ -z "$found" ]; then
  az identity create --resource-group demo-rg --name demo-demo-f33f1c --location westeurope --tags aks-secrets=f33f1c/demo/demo --output none
fi
client_id="$(az identity show --resource-group demo-rg --name demo-demo-f33f1c --query clientId --output tsv)"
: "${client_id:?is not there}"
principal_id="$(az identity show --resource-group demo-rg --name demo-demo-f33f1c --query principalId --output tsv)"
: "${principal_id:?is not there}"
tenant_id="$(az identity show --resource-group demo-rg --name demo-demo-f33f1c --query tenantId --output tsv)"
: "${tenant_id:?is not there}"

# credential demo/demo at demo-demo-f33f1c
credential="$(credential_name "$oidc_issuer" system:serviceaccount:demo:demo)"
found="$(az identity federated-credential list --resource-group demo-rg --identity-name demo-demo-f33f1c --query "[?name=='${credential}'].name" --output tsv)"
if [ -z "$found" ]; then
  az identity federated-credential create --resource-group demo-rg --identity-name demo-demo-f33f1c --name "$credential" --issuer "$oidc_issuer" --subject system:serviceaccount:demo:demo --audiences api://AzureADTokenExchange --output none
fi

# access Key Vault Secrets User for demo-demo-f33f1c on demo-kv
retry PrincipalNotFound az role assignment create --assignee-object-id "$principal_id" --assignee-principal-type ServicePrincipal --role 'Key Vault Secrets User' --scope /subscriptions/5ab5c000-0000-4000-8000-000000000001/resourceGroups/demo-rg/providers/Microsoft.KeyVault/vaults/demo-kv --description 'aks-secrets f33f1c/demo/demo' --output none

# secret demo-kv/db-password: as wanted
# secret demo-kv/api-key: as wanted

# To the cluster named, whatever the current context is.
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
export KUBECONFIG="$folder/kubeconfig"
az aks get-credentials --resource-group demo-rg --name demo-aks --file "$KUBECONFIG"
# A cluster that signs people in by Entra: as az is signed in.
if grep -q kubelogin "$KUBECONFIG"; then kubelogin convert-kubeconfig --login azurecli; fi

# Namespace demo
apply <<'YAML'
apiVersion: v1
kind: Namespace
metadata:
  name: demo
  labels:
    app.kubernetes.io/managed-by: aks-secrets
YAML

# provider Microsoft.KubernetesConfiguration
#  registration: NotRegistered -> Registered
az provider register --namespace Microsoft.KubernetesConfiguration --wait --output none

# extension dapr (pods that run already get no sidecar until they are restarted)
#  Dapr: - -> stable, highly available (for the whole cluster; about ten pods, which take room on its nodes)
az extension add --name k8s-extension
found="$(az k8s-extension list --cluster-type managedClusters --cluster-name demo-aks --resource-group demo-rg --query "[?extensionType=='microsoft.dapr' || extensionType=='Microsoft.Dapr'].name" --output tsv)"
if [ -z "$found" ]; then
  az k8s-extension create --cluster-type managedClusters --cluster-name demo-aks --resource-group demo-rg --name dapr --extension-type microsoft.dapr --auto-upgrade-minor-version false --release-train stable --scope cluster --release-namespace dapr-system --configuration-settings global.clusterType=managedclusters global.ha.enabled=true dapr_operator.replicaCount=2 dapr_sidecar_injector.sidecarDropALLCapabilities=true --output none
fi

# Dapr sidecar injector (the cluster does not serve Component (dapr.io) yet)
kubectl wait mutatingwebhookconfiguration/dapr-sidecar-injector --for create --timeout 10m
kubectl wait crd/components.dapr.io --for condition=established --timeout 10m
kubectl wait deployment --selector app=dapr-sidecar-injector --all-namespaces --for condition=available --timeout 10m

# ServiceAccount demo/demo
apply <<YAML
# The pod's identity. The webhook of Entra Workload ID reads the annotations when a pod is created, and gives them to the
# sidecar of Dapr as well: pods that exist already must be restarted to see a change.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: demo
  namespace: demo
  labels:
    app.kubernetes.io/managed-by: aks-secrets
  annotations:
    azure.workload.identity/client-id: "${client_id}"
    azure.workload.identity/tenant-id: "${tenant_id}"
YAML

# Component demo/demo
apply <<'YAML'
# A secret store of Dapr: the Key Vault, read as the identity of the pod's service account. Up to Dapr 1.17 a sidecar reads
# this when it starts: pods that run already must be restarted to see a change.
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  # The name of the store in the application's calls.
  name: demo
  namespace: demo
  labels:
    app.kubernetes.io/managed-by: aks-secrets
spec:
  type: secretstores.azure.keyvault
  version: v1
  metadata:
    # The vault's bare name, not its address.
    - name: vaultName
      value: demo-kv
    - name: azureEnvironment
      value: AZUREPUBLICCLOUD
    # Workload identity and nothing else: a sidecar that lacks it says so, instead of trying the node's identity. Whose
    # it is, the service account says; an azureClientId here would be ignored.
    - name: azureAuthMethods
      value: wi
# Only these applications load it, by their dapr.io/app-id. The sample has an id of its own, since an id is an address:
# calls to the application must not end at the sample.
scopes:
  - demo
  - demo-sample
YAML

# webhook azure-wi-webhook-mutating-webhook-configuration (the cluster has no webhook yet)
kubectl wait mutatingwebhookconfiguration/azure-wi-webhook-mutating-webhook-configuration --for create --timeout 10m

# ConfigMap demo/demo-sample
apply <<'YAML'
# The script that the sample workload runs.
apiVersion: v1
kind: ConfigMap
metadata:
  name: demo-sample
  namespace: demo
  labels:
    app.kubernetes.io/managed-by: aks-secrets
data:
  read.mjs: |
    // Reads the secrets as an application with Dapr does: asks the sidecar in its pod. Prints name and byte count. Never a value.
    // SECRETS: names in the vault, comma-separated. SECRET_STORE: name of the Dapr component.
    // READY_FILE: written once all is read; without one the script ends then. DAPR_HTTP_PORT: set by Dapr's injector.
    import { existsSync } from 'node:fs';
    import { writeFile } from 'node:fs/promises';
    import { setTimeout } from 'node:timers/promises';

    const { SECRETS = '', SECRET_STORE = '', READY_FILE = '', DAPR_HTTP_PORT = '3500' } = process.env;
    if (process.argv.includes('--ready')) process.exit(existsSync(READY_FILE) ? 0 : 1);

    const sidecar = `http://localhost:${DAPR_HTTP_PORT}/v1.0`;
    const ask = (path, method = 'GET', seconds = 10) =>
      fetch(`${sidecar}${path}`, { method, signal: AbortSignal.timeout(seconds * 1000) });

    // The sidecar starts beside this container, not before it. Outbound: its components are loaded, whatever this side does.
    const healthy = () =>
      ask('/healthz/outbound').then(
        ({ ok }) => ok,
        () => false,
      );
    for (let tries = 1; !(await healthy()); tries += 1) {
      if (tries === 4) console.log(`waiting for the sidecar at localhost:${DAPR_HTTP_PORT}`);
      if (tries === 120) {
        console.log(`failed sidecar: nothing is well at localhost:${DAPR_HTTP_PORT}; has the pod a container daprd?`);
        process.exit(1);
      }
      await setTimeout(250);
    }

    // Of an error only codes are shown: Dapr's own, that of Entra or Key Vault within, and what the network says.
    const CODES =
      /AADSTS\d+|Forbidden(?:ByRbac|ByPolicy|ByFirewall|ByConnection)|SecretNotFound|SecretDisabled|VaultRequestTypeLimitReached|AKV\d+|lookup [\w.-]+(?: on [\w.:]+)?: no such host|169\.254\.169\.254.*?(?:timeout|refused|deadline exceeded|forbidden)|https:\/\/[\w.-]+[^"]*": (?:dial tcp [\w.:]+ i\/o timeout|context deadline exceeded)/i;
    const codeOf = (status, { errorCode, message }) =>
      [errorCode ?? status, CODES.exec(message)?.[0]].filter(Boolean).join(' ');

    let failed = false;
    for (const name of SECRETS.split(',')) {
      // What cannot be reached the sidecar tries again and again, and says so only then.
      const reply = await ask(`/secrets/${SECRET_STORE}/${name}`, 'GET', 60).catch(() => undefined);
      const answer = (await reply?.json().catch(() => undefined)) ?? {};
      if (!reply) {
        failed = true;
        console.log(`failed ${name} no answer from the sidecar`);
      } else if (reply.status === 200) console.log(`read ${name} ${Buffer.byteLength(answer[name])} bytes`);
      else {
        failed = true;
        console.log(`failed ${name} ${codeOf(reply.status, answer)}`);
      }
    }
    // A sidecar that is not told to end would keep a Job from ending.
    if (!READY_FILE) await ask('/shutdown', 'POST').catch(() => {});
    if (failed) process.exit(1);
    if (!READY_FILE) process.exit(0);
    await writeFile(READY_FILE, '');
    process.on('SIGTERM', () => process.exit(0));
    setInterval(() => {}, 2 ** 30); // stays, as a server would
YAML

# proof: demo/demo can read db-password, api-key
prove demo demo "$tenant_id" "$client_id" https://demo-kv.vault.azure.net/secrets/db-password https://demo-kv.vault.azure.net/secrets/api-key

# Deployment demo/demo-sample
apply <<'YAML'
# A sample workload: reads its secrets as an application would, and prints name and byte count, never a value.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: demo-sample
  namespace: demo
  labels:
    app.kubernetes.io/name: demo-sample
    app.kubernetes.io/managed-by: aks-secrets
spec:
  replicas: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: demo-sample
  template:
    metadata:
      labels:
        app.kubernetes.io/name: demo-sample
        # These stand here, on the pod's template, and not on the Deployment: the webhooks look at pods.
        azure.workload.identity/use: "true"
      annotations:
        dapr.io/enabled: "true"
        # No dapr.io/app-port: this application listens to nothing, and the sidecar would wait for it.
        dapr.io/app-id: demo-sample
        dapr.io/config: ""
        # Dapr's own store of Kubernetes Secrets does not start without the token that this pod does not mount.
        dapr.io/disable-builtin-k8s-secret-store: "true"
        # Another vault makes another pod: a sidecar reads its store when it starts.
        aks-secrets/vault: demo-kv
    spec:
      serviceAccountName: demo
      automountServiceAccountToken: false
      # A cluster may have nodes with Windows as well, and nothing else keeps the pod off them.
      nodeSelector:
        kubernetes.io/os: linux
      securityContext:
        runAsNonRoot: true
        runAsUser: 65532
        runAsGroup: 65532
        fsGroup: 65532
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: reader
          image: mcr.microsoft.com/azurelinux/base/nodejs:24
          command: [node, /sample/read.mjs]
          env:
            - name: SECRETS
              value: "db-password,api-key"
            - name: SECRET_STORE
              value: demo
            - name: READY_FILE
              value: /tmp/ready
          readinessProbe:
            exec:
              command: [node, /sample/read.mjs, --ready]
            periodSeconds: 5
            timeoutSeconds: 5
          resources:
            requests:
              cpu: 10m
              memory: 64Mi
            limits:
              memory: 128Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          volumeMounts:
            - name: sample
              mountPath: /sample
              readOnly: true
            - name: tmp
              mountPath: /tmp
      volumes:
        - name: sample
          configMap:
            name: demo-sample
        - name: tmp
          emptyDir: {}
YAML
kubectl rollout status deployment/demo-sample --namespace demo --timeout 10m
