import type { Reply } from '../parts.ts';
import { page } from './list.ts';
import { notFound } from './refusals.ts';
import type { Call } from './secrets.ts';
import {
  attributesOf,
  type CertificateVersion,
  contentsOf,
  type Entry,
  entryOf,
  type KeyVersion,
  type Version,
  versionOf,
} from './store.ts';

const base = ({ vault }: Call): string => `https://${vault.name.toLowerCase()}.vault.azure.net`;

/** Lists and single reads of keys and of certificates go alike; only their items differ. */
function readsOf<V extends Version>(
  kind: 'keys' | 'certificates',
  type: 'key' | 'certificate',
  item: (call: Call, entry: Entry<V>, version: V, withVersion: boolean) => object,
  whole: (call: Call, entry: Entry<V>, version: V) => object,
) {
  const shelf = (call: Call) => contentsOf(call.vault.name, call.parts)[kind] as unknown as Record<string, Entry<V>>;
  const present = (call: Call) => entryOf(shelf(call), call.name) ?? notFound(type, call.name, call.version);
  return {
    get(call: Call): Reply {
      const entry = present(call);
      const version = versionOf(entry, call.version) ?? notFound(type, call.name, call.version);
      return { status: 200, body: whole(call, entry, version) };
    },
    list(call: Call): Reply {
      const entries = Object.entries(shelf(call)).sort(([one], [other]) => (one < other ? -1 : 1));
      return page(call.request, entries, ([, entry]) => item(call, entry, entry.versions.at(-1) as V, false));
    },
    versions(call: Call): Reply {
      const entry = present(call);
      return page(call.request, entry.versions, (version) => item(call, entry, version, true));
    },
  };
}

const tagged = (entry: Entry<Version>, version: Version) => ({
  ...(entry.managed && { managed: true }),
  attributes: attributesOf(version),
  tags: version.tags ?? {},
});

/** Public halves alone: the sandbox's vault never signs, wraps or decrypts. */
export const keys = readsOf<KeyVersion>(
  'keys',
  'key',
  (call, entry, version, withVersion) => ({
    kid: `${base(call)}/keys/${entry.name}${withVersion ? `/${version.id}` : ''}`,
    ...tagged(entry, version),
  }),
  (call, entry, version) => ({
    key: {
      kid: `${base(call)}/keys/${entry.name}/${version.id}`,
      kty: 'RSA',
      key_ops: ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'],
      n: version.n,
      e: version.e,
    },
    ...tagged(entry, version),
  }),
);

export const certificates = readsOf<CertificateVersion>(
  'certificates',
  'certificate',
  (call, entry, version, withVersion) => ({
    id: `${base(call)}/certificates/${entry.name}${withVersion ? `/${version.id}` : ''}`,
    x5t: version.x5t,
    subject: version.subject,
    ...tagged(entry, version),
  }),
  (call, entry, version) => ({
    id: `${base(call)}/certificates/${entry.name}/${version.id}`,
    kid: `${base(call)}/keys/${entry.name}/${version.id}`,
    sid: `${base(call)}/secrets/${entry.name}/${version.id}`,
    x5t: version.x5t,
    cer: version.cer,
    ...tagged(entry, version),
    policy: {
      id: `${base(call)}/certificates/${entry.name}/policy`,
      key_props: { exportable: true, kty: 'RSA', key_size: 2048, reuse_key: false },
      secret_props: { contentType: 'application/x-pem-file' },
      x509_props: { subject: version.subject },
      issuer: { name: 'Self' },
      attributes: { enabled: true },
    },
  }),
);
