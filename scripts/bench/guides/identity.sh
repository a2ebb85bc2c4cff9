#!/usr/bin/env bash
# Identity, role, namespace, service account and credential, step by step as guides do it: look by az, make by az, look
# again. One of the scripts that aks-secrets is measured against; it is no way to do it.
source "$(dirname "$0")/variables.sh"

az group show --name "$GROUP" &>/dev/null || az group create --name "$GROUP" --location "$LOCATION" >/dev/null

if ! az identity show --name "$IDENTITY" --resource-group "$GROUP" &>/dev/null; then
  az identity create --name "$IDENTITY" --resource-group "$GROUP" >/dev/null || exit
fi
PRINCIPAL_ID=$(az identity show --name "$IDENTITY" --resource-group "$GROUP" --query principalId --output tsv)
CLIENT_ID=$(az identity show --name "$IDENTITY" --resource-group "$GROUP" --query clientId --output tsv)
VAULT_ID=$(az keyvault show --name "$VAULT" --resource-group "$GROUP" --query id --output tsv)

ROLE="Key Vault Secrets User"
CURRENT=$(az role assignment list --assignee "$PRINCIPAL_ID" --scope "$VAULT_ID" \
  --query "[?roleDefinitionName=='$ROLE'].roleDefinitionName" --output tsv 2>/dev/null)
if [[ $CURRENT != "$ROLE" ]]; then
  for attempt in 1 2 3; do
    az role assignment create --assignee "$PRINCIPAL_ID" --role "$ROLE" --scope "$VAULT_ID" >/dev/null && break
    [[ $attempt == 3 ]] && exit
    sleep 5
  done
fi

FOUND=$(kubectl get namespace --output "jsonpath={.items[?(@.metadata.name=='$NAMESPACE')].metadata.name}")
[[ -n $FOUND ]] || kubectl create namespace "$NAMESPACE"

FOUND=$(kubectl get serviceaccount --namespace "$NAMESPACE" --output "jsonpath={.items[?(@.metadata.name=='$ACCOUNT')].metadata.name}")
if [[ -z $FOUND ]]; then
  kubectl apply --filename - <<EOF
apiVersion: v1
kind: ServiceAccount
metadata:
  name: $ACCOUNT
  namespace: $NAMESPACE
  annotations:
    azure.workload.identity/client-id: $CLIENT_ID
    azure.workload.identity/tenant-id: $TENANT_ID
EOF
fi
kubectl get serviceaccount "$ACCOUNT" --namespace "$NAMESPACE" --output yaml

if ! az identity federated-credential show --name "$CREDENTIAL" --resource-group "$GROUP" --identity-name "$IDENTITY" &>/dev/null; then
  ISSUER=$(az aks show --only-show-errors --name "$CLUSTER" --resource-group "$GROUP" --query oidcIssuerProfile.issuerUrl --output tsv)
  az identity federated-credential create --name "$CREDENTIAL" --identity-name "$IDENTITY" --resource-group "$GROUP" \
    --issuer "$ISSUER" --subject "system:serviceaccount:$NAMESPACE:$ACCOUNT" || exit
fi
