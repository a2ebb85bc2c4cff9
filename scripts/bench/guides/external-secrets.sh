#!/usr/bin/env bash
# The store, and what the operator takes from it; the operator itself is there.
source "$(dirname "$0")/variables.sh"
VAULT_URL=$(az keyvault show --name "$VAULT" --resource-group "$GROUP" --query properties.vaultUri --output tsv --only-show-errors)
kubectl apply --namespace "$NAMESPACE" --filename - <<EOF
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: $ACCOUNT
spec:
  provider:
    azurekv:
      authType: WorkloadIdentity
      vaultUrl: "$VAULT_URL"
      serviceAccountRef:
        name: $ACCOUNT
EOF
kubectl get secretstore "$ACCOUNT" --namespace "$NAMESPACE" --output yaml

source "$(dirname "$0")/variables.sh"
kubectl apply --namespace "$NAMESPACE" --filename - <<EOF
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: $ACCOUNT
spec:
  refreshInterval: 1h
  secretStoreRef:
    kind: SecretStore
    name: $ACCOUNT
  target:
    name: $ACCOUNT
    creationPolicy: Owner
  data:
  - secretKey: db-password
    remoteRef:
      key: db-password
  - secretKey: api-key
    remoteRef:
      key: api-key
EOF
