#!/usr/bin/env bash
# Gives demo/demo the secrets it needs from Azure Key Vault: the plan of aks-secrets as lines for az, kubectl, curl.
# Made from the world as it was then, by
#   aks-secrets export --method csi --format script
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
#  Key Vault add-on: off -> on, rotation 2m
az aks update --resource-group demo-rg --name demo-aks --enable-oidc-issuer --enable-workload-identity --output none
az aks enable-addons --resource-group demo-rg --name demo-aks --addons azure-keyvault-secrets-provider --enable-secret-rotation --output none
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

# ServiceAccount demo/demo
apply <<'YAML'
# The pod's identity. The federated credential trusts this name in this namespace; the CSI driver takes a token of it,
# so neither an annotation here nor a label on the pod is needed.
apiVersion: v1
kind: ServiceAccount
metadata:
  name: demo
  namespace: demo
  labels:
    app.kubernetes.io/managed-by: aks-secrets
YAML

# SecretProviderClass demo/demo
apply <<YAML
# What the CSI driver fetches, from where, and as whom.
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: demo
  namespace: demo
  labels:
    app.kubernetes.io/managed-by: aks-secrets
spec:
  provider: azure
  parameters:
    # The identity whose federated credential trusts the pod's service account.
    clientID: "${client_id}"
    tenantID: "${tenant_id}"
    # The vault's bare name, not its address.
    keyvaultName: demo-kv
    cloudName: ""
    # A list of objects, as YAML inside a string: the provider's format.
    objects: |
      array:
        - |
          objectName: db-password
          objectType: secret
        - |
          objectName: api-key
          objectType: secret
YAML

# CSI driver secrets-store.csi.k8s.io (the cluster has no CSI driver yet)
kubectl wait csidriver/secrets-store.csi.k8s.io --for create --timeout 10m

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
    // Reads the secrets as the CSI driver delivers them, as files, and prints name and byte count. Never a value.
    // SECRETS: file names, comma-separated. SECRETS_FOLDER: where the volume is mounted. READY_FILE: written once all is read; without one the script ends then.
    import { existsSync } from 'node:fs';
    import { readFile, writeFile } from 'node:fs/promises';
    import { join } from 'node:path';

    const { SECRETS = '', SECRETS_FOLDER = '', READY_FILE = '' } = process.env;
    if (process.argv.includes('--ready')) process.exit(existsSync(READY_FILE) ? 0 : 1);

    let failed = false;
    for (const name of SECRETS.split(',').filter(Boolean)) {
      try {
        const file = await readFile(join(SECRETS_FOLDER, name));
        console.log(`read ${name} ${file.length} bytes`);
      } catch (error) {
        failed = true;
        console.log(`failed ${name} ${error.code}`);
      }
    }
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
            - name: SECRETS_FOLDER
              value: /mnt/secrets
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
            - name: secrets
              mountPath: /mnt/secrets
              readOnly: true
            - name: sample
              mountPath: /sample
              readOnly: true
            - name: tmp
              mountPath: /tmp
      volumes:
        # The driver fetches the secrets when the pod starts; without them the pod does not start.
        - name: secrets
          csi:
            driver: secrets-store.csi.k8s.io
            readOnly: true
            volumeAttributes:
              secretProviderClass: demo
        - name: sample
          configMap:
            name: demo-sample
        - name: tmp
          emptyDir: {}
YAML
kubectl rollout status deployment/demo-sample --namespace demo --timeout 10m
