#!/usr/bin/env bash
# Where the vault is, for the pod's environment; the pod itself is the application's.
source "$(dirname "$0")/variables.sh"
az keyvault show --name "$VAULT" --query properties.vaultUri --output tsv
