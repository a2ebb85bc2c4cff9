import { reaches, type Webhook } from '../admission/webhooks.ts';
import { type Kind, kindNamed } from '../kinds.ts';
import type { Resource } from '../model.ts';
import { refuse } from '../status.ts';
import type { Store } from '../store.ts';
import { type ExternalSecret, GROUP, type SecretStore } from './model.ts';

interface Validating extends Webhook {
  readonly rules?: readonly { apiGroups?: string[]; resources?: string[] }[];
}

/**
 * Asks the operator's validating webhooks, if they are registered: apis/externalsecrets/v1/*_validator.go and the
 * provider's ValidateStore. Throws their denial, or that they cannot be reached.
 */
export function admitOperatorKind(store: Store, kind: Kind, object: Resource, now: Date): void {
  if (kind.group !== GROUP) return;
  const fits = (list: string[] | undefined, value: string) =>
    (list ?? []).some((each) => each === '*' || each === value);
  const webhook = store
    .list(kindNamed('ValidatingWebhookConfiguration'))
    .flatMap((configuration) => (configuration.webhooks as Validating[] | undefined) ?? [])
    .find(({ rules }) => rules?.some((rule) => fits(rule.apiGroups, kind.group) && fits(rule.resources, kind.plural)));
  if (!webhook || !reaches(store, webhook, 5, now)) return;
  const faults =
    kind.kind === 'ExternalSecret' ? ofExternalSecret(object as ExternalSecret) : ofStore(object as SecretStore);
  if (faults.length === 0) return;
  throw refuse(403, 'Forbidden', `admission webhook "${webhook.name}" denied the request: ${faults.join('\n')}`);
}

function ofStore(object: Partial<SecretStore> & Resource): string[] {
  if (!object.spec) return ['invalid store provider'];
  const { conditions = [], provider } = object.spec;
  const faults = conditions.flatMap(({ namespaceRegexes = [] }, at) =>
    namespaceRegexes.flatMap((source, index) =>
      compiles(source) ? [] : [`failed to compile ${index}th namespace regex in ${at}th condition: ${source}`],
    ),
  );
  if (faults.length > 0) return faults;
  const { authSecretRef, serviceAccountRef, customCloudConfig, useAzureSDK, environmentType } = provider.azurekv;
  const foreign = (ref: { namespace?: string } | undefined) =>
    object.kind === 'SecretStore' && ref?.namespace !== undefined && ref.namespace !== object.metadata.namespace;
  const elsewhere =
    'namespace should either be empty or match the namespace of the SecretStore for a namespaced SecretStore';
  if (foreign(authSecretRef?.clientId)) return [`invalid AuthSecretRef.ClientID: ${elsewhere}`];
  if (foreign(authSecretRef?.clientSecret)) return [`invalid AuthSecretRef.ClientSecret: ${elsewhere}`];
  if (foreign(serviceAccountRef)) return [`invalid ServiceAccountRef: ${elsewhere}`];
  if (customCloudConfig && !useAzureSDK) {
    return ['CustomCloudConfig requires UseAzureSDK to be set to true - the legacy SDK does not support custom clouds'];
  }
  if (environmentType === 'AzureStackCloud' && !customCloudConfig) {
    return ['CustomCloudConfig is required when EnvironmentType is AzureStackCloud'];
  }
  return [];
}

function ofExternalSecret({ spec }: Partial<ExternalSecret>): string[] {
  if (!spec) return ['either data or dataFrom should be specified'];
  const { data = [], dataFrom = [] } = spec;
  const { creationPolicy, deletionPolicy } = spec.target;
  const faults: string[] = [];
  if (deletionPolicy === 'Delete' && (creationPolicy === 'Merge' || creationPolicy === 'None')) {
    faults.push(
      "deletionPolicy=Delete must not be used when the controller doesn't own the secret. Please set creationPolicy=Owner",
    );
  }
  if (deletionPolicy === 'Merge' && creationPolicy === 'None') {
    faults.push('deletionPolicy=Merge must not be used with creationPolicy=None. There is no Secret to merge with');
  }
  if (data.length === 0 && dataFrom.length === 0) faults.push('either data or dataFrom should be specified');
  for (const { find, extract, sourceRef } of dataFrom) {
    if (find && extract) faults.push('extract, find, or generatorRef cannot be set at the same time');
    if (!find && !extract && !sourceRef) faults.push('either extract, find, or sourceRef must be set to dataFrom');
  }
  if (deletionPolicy === 'Retain') {
    const keys = data.map(({ secretKey }) => secretKey);
    const twice = keys.filter((each, index) => keys.indexOf(each) !== index);
    faults.push(...twice.map((each) => `duplicate secretKey found: ${each}`));
  }
  return faults;
}

const compiles = (source: string) => {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
};
