import type { Cloud } from '../azure/azure.ts';
import { command, word } from '../shell.ts';
import type { ClusterWish } from '../workload.ts';

/** Functions of the script, each with what calls it; only those that are called are written. */
const FUNCTIONS: readonly { readonly called: RegExp; readonly text: string }[] = [
  {
    // The other two call it.
    called: /^ *(retry|apply|prove) /m,
    text: `
# What was made a moment ago may not be known everywhere yet. Only a refusal of that kind is tried again, and not for
# ever; every other one ends the script.
retry() { # PATTERN COMMAND...
  local said deadline=$((SECONDS + 600))
  until said="$("\${@:2}" 2>&1)"; do
    if [[ ! "$said" =~ $1 ]] || ((SECONDS >= deadline)); then
      printf '%s\\n' "$said" >&2
      return 1
    fi
    printf 'not yet: %s\\n' "\${BASH_REMATCH[0]}" >&2
    sleep 5
  done
  if [ -n "$said" ]; then printf '%s\\n' "$said" >&2; fi
}`,
  },
  {
    called: /^ *apply /m,
    text: `
# Applies what comes by standard input, as aks-secrets does: what another manager has set is never forced.
apply() {
  local manifest
  manifest="$(cat)"
  retry 'no matches for kind|failed calling webhook' apply_text "$manifest"
}
apply_text() {
  kubectl apply --server-side --field-manager=aks-secrets --filename - <<<"$1"
}`,
  },
  {
    called: /credential_name /,
    text: `
# The name of the federated credential that aks-secrets makes for an issuer and a subject.
credential_name() { # ISSUER SUBJECT
  printf 'aks-secrets-'
  printf '%s\\n%s' "$1" "$2" | if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c 1-16
}`,
  },
  {
    called: /^ *prove /m,
    text: `
# The proof that 'aks-secrets init' ends with: a token of the service account, exchanged at Entra for the identity, asks
# the vault for a version that cannot exist. "Not found" is said only to whoever may read; no value leaves the vault.
prove() { # NAMESPACE SERVICE_ACCOUNT TENANT CLIENT_ID THING...
  local thing
  for thing in "\${@:5}"; do
    retry 'AADSTS(70021[123]?|7002138|700016|7000229|90061|50166)|ForbiddenByRbac|AccessDenied' may_read "\${@:1:4}" "$thing"
    printf '%s/%s can read %s\\n' "$1" "$2" "$thing"
  done
}
may_read() { # NAMESPACE SERVICE_ACCOUNT TENANT CLIENT_ID THING
  local assertion answer token
  assertion="$(kubectl create token "$2" --namespace "$1" --audience "$audience" --duration 10m)" || return
  # Tokens go by standard input: what stands on a command line, every process list shows.
  answer="$(
    printf '%s' "$assertion" | curl --silent --show-error \\
      --data-urlencode grant_type=client_credentials \\
      --data-urlencode client_id="$4" \\
      --data-urlencode scope="$vault_scope" \\
      --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\
      --data-urlencode client_assertion@- \\
      "$authority/$3/oauth2/v2.0/token"
  )" || return
  token="$(sed -n 's/.*"access_token" *: *"\\([^"]*\\)".*/\\1/p' <<<"$answer")"
  if [ -z "$token" ]; then
    printf '%s\\n' "$answer"
    return 1
  fi
  answer="$(
    printf 'authorization: Bearer %s' "$token" |
      curl --silent --show-error --header @- "$5/00000000000000000000000000000000?api-version=7.4"
  )" || return
  case "$answer" in
    *SecretNotFound* | *KeyNotFound* | *CertificateNotFound*) ;;
    *)
      printf '%s\\n' "$answer"
      return 1
      ;;
  esac
}`,
  },
];

const TOOLS: readonly { readonly name: string; readonly called: RegExp }[] = [
  { name: 'az', called: /./ },
  { name: 'kubectl', called: /^ *(kubectl|apply|prove) /m },
  { name: 'helm', called: /^ *(retry \S+ )?helm /m },
  { name: 'curl', called: /^ *prove /m },
];

export interface Preamble {
  readonly cloud: Cloud;
  readonly subscription: string;
  /** The command line that makes the same script again. */
  readonly made: string;
  /** Whom it is for, as a person names them. */
  readonly workloads: readonly string[];
}

/** What comes before the steps. The same world gives the same text: no date, and nothing of whoever made it. */
export function prelude(body: string, { cloud, subscription, made, workloads }: Preamble): string {
  const functions = FUNCTIONS.filter(({ called }) => called.test(body)).map(({ text }) => text);
  const tools = TOOLS.filter(({ called }) => called.test(body)).map(({ name }) => name);
  const proves = /^ *prove /m.test(body);
  const settings = [
    `subscription=${word(subscription)}`,
    ...(proves
      ? [
          `authority=${word(cloud.authority)}`,
          `vault_scope=${word(cloud.vaultScope)}`,
          `audience=${word(cloud.federationAudience)}`,
        ]
      : []),
  ];
  return `#!/usr/bin/env bash
# Gives ${workloads.join(', ')} the secrets it needs from Azure Key Vault: the plan of aks-secrets as lines for ${tools.join(', ')}.
# Made from the world as it was then, by
#   ${/[\p{Cc}\p{Zl}\p{Zp}]/u.test(made) ? 'aks-secrets export --format script' : made}
# For bash (on Windows: WSL) and whoever is signed in by 'az login'. Every line can be run again: what is there already
# stays as it is, and nothing is deleted. What needs no change stands here as a comment.
set -euo pipefail

${settings.join('\n')}

for tool in ${tools.join(' ')}; do
  command -v "$tool" >/dev/null || { printf '%s is not on the PATH\\n' "$tool" >&2; exit 127; }
done
# Never the subscription that happens to be chosen; what is Entra's has none, and what is az's own.
az() {
  case "$1" in
    ad | extension) set -- "$@" --only-show-errors ;;
    *) set -- "$@" --subscription "$subscription" --only-show-errors ;;
  esac
  command az "$@"
}
${functions.map((text) => `${text}\n`).join('')}${/"\$\{stdin:/.test(body) ? '\nstdin="$(cat)"\n' : ''}
# Ends here when nobody is signed in, or to another tenant or cloud.
az account show --output none
`;
}

/** Leads `kubectl` to the cluster named, by a kubeconfig that lasts as long as the script; the user's own stays. */
export const credentialsOf = (cluster: Pick<ClusterWish, 'resourceGroup' | 'name'>): string => `
# To the cluster named, whatever the current context is.
folder="$(mktemp -d)"
trap 'rm -rf -- "$folder"' EXIT
export KUBECONFIG="$folder/kubeconfig"
${command('az aks get-credentials', { 'resource-group': cluster.resourceGroup, name: cluster.name })} --file "$KUBECONFIG"
# A cluster that signs people in by Entra: as az is signed in.
if grep -q kubelogin "$KUBECONFIG"; then kubelogin convert-kubeconfig --login azurecli; fi
`;
