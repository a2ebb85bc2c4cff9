#!/usr/bin/env bash
# The add-on, then the class that tells the driver what to fetch.
source "$(dirname "$0")/variables.sh"
ENABLED=$(az aks show --name "$CLUSTER" --resource-group "$GROUP" --query addonProfiles.azureKeyvaultSecretsProvider.enabled --output tsv)
if [[ $ENABLED != true ]]; then
  az aks enable-addons --addons azure-keyvault-secrets-provider --enable-secret-rotation --name "$CLUSTER" --resource-group "$GROUP"
fi

source "$(dirname "$0")/variables.sh"
CLIENT_ID=$(az identity show --name "$IDENTITY" --resource-group "$GROUP" --query clientId --output tsv)
kubectl apply --namespace "$NAMESPACE" --filename - <<EOF
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: $ACCOUNT
spec:
  provider: azure
  parameters:
    clientID: "$CLIENT_ID"
    keyvaultName: "$VAULT"
    tenantId: "$TENANT_ID"
    objects: |
      array:
        - |
          objectName: db-password
          objectType: secret
        - |
          objectName: api-key
          objectType: secret
EOF
