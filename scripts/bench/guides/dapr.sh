#!/usr/bin/env bash
# The component that Dapr reads the vault by; Dapr itself is there.
source "$(dirname "$0")/variables.sh"
CLIENT_ID=$(az identity show --name "$IDENTITY" --resource-group "$GROUP" --query clientId --output tsv)
kubectl apply --namespace "$NAMESPACE" --filename - <<EOF
apiVersion: dapr.io/v1alpha1
kind: Component
metadata:
  name: $ACCOUNT
spec:
  type: secretstores.azure.keyvault
  version: v1
  metadata:
  - name: vaultName
    value: $VAULT
  - name: azureClientId
    value: $CLIENT_ID
EOF
