import type { Found } from './find.ts';
import { plain } from './squeeze.ts';

/** How far around the sign names are looked for, in UTF-16 code units. */
const AROUND = 1200;

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
const OBJECT = '[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?';
const GUID = '[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}';
const VAULT = '[A-Za-z](?:[A-Za-z0-9-]{1,22})[A-Za-z0-9]';
const ID = `/subscriptions/${GUID}/resource[gG]roups/[\\w.-]{1,90}`;
const SECRET = '[0-9A-Za-z-]{1,127}';

/**
 * Where a text says a name, by what we call it in a line to paste. Each group is bounded by what cannot be the end of a
 * broken line, and admits the characters of such names alone, so that it can stand in a line of any shell.
 */
const NAMES: Readonly<Record<string, readonly RegExp[]>> = {
  vault: [
    re(`https?://(${VAULT})\\.vault\\.(?:azure\\.net|usgovcloudapi\\.net|azure\\.cn)`),
    re(`(?:lookup|ENOTFOUND) (${VAULT})\\.vault\\.`),
    re(`Vault: (${VAULT});location=`),
    re(`key vault '(${VAULT});location=`),
    re(`/vaults/(${VAULT})(?:/|')`, 'i'),
    re(`vault name '(${VAULT})'`),
    re(`keyvaultName: ["']?(${VAULT})["']?[ \\t]*\\n`),
  ],
  'vault id': [re(`Resource: '(${ID}/providers/microsoft\\.keyvault/vaults/${VAULT})(?:/|')`, 'i')],
  scope: [re(`over scope '(${ID}(?:/[\\w.-]{1,128}){0,12}?)(?:/providers/Microsoft\\.Authorization/[^']*)?'`, 'i')],
  'linked scope': [re(`linked scope\\(s\\) '(${ID}(?:/[\\w.-]{1,128}){0,12})'`, 'i')],
  'principal id': [re(`\\boid=(${GUID})\\b`, 'i')],
  caller: [re(`with object id '(${GUID})'`, 'i'), re(`\\boid=(${GUID})\\b`, 'i')],
  'client id': [re(`for (?:a secret added to )?app '(${GUID})'`, 'i')],
  tenant: [re(`must match the tenant 'https://sts\\.windows\\.net/(${GUID})/?'`, 'i')],
  address: [re('Client address: ((?:\\d{1,3}\\.){3}\\d{1,3})(?![\\d.]\\d)')],
  secret: [
    re(`with \\(name/id\\) (${SECRET})(?:/| was)`),
    re(`objectName: ?(${SECRET}), ?objectVersion`),
    re(`invalid name: (${SECRET})["'\\\\]`),
  ],
  certificate: [re(`objectName: ?(${SECRET}), ?objectVersion`)],
  provider: [re("(?:namespace|cannot be used because) '(Microsoft\\.[A-Za-z.]{3,60})'")],
  namespace: [
    re(`[Ss]ubject:? ["']?system:serviceaccount:(?!external-secrets:)(${LABEL}):${OBJECT}["']`),
    re(`for pod (${LABEL})/${OBJECT}[,"']`),
    re(`\\bpod="?(${LABEL})/${OBJECT}"`),
    re(`secretproviderclass (${LABEL})/${OBJECT}[,"']`),
    re(`in the namespace ["'](${LABEL})["']`),
    re(`"(?:ExternalSecret|SecretStore)": ?"(${LABEL})/`),
    re(`^Namespace:[ \\t]+(${LABEL})[ \\t]*$`, 'm'),
  ],
  pod: [
    re(`for pod ${LABEL}/(${OBJECT})[,"']`),
    re(`\\bpod="?${LABEL}/(${OBJECT})"`),
    re(`^Name:[ \\t]+(${OBJECT})[ \\t]*\\n(?=Namespace:[^\\n]*\\n(?:Priority|Service Account|Node):)`, 'm'),
  ],
  'service account': [
    re(`[Ss]ubject:? ["']?system:serviceaccount:(?!external-secrets:)${LABEL}:(${OBJECT})["']`),
    re(`serviceaccounts? ["'](${OBJECT})["'] (?:not found|is forbidden)`),
    re(`^Service Account:[ \\t]+(${OBJECT})[ \\t]*$`, 'm'),
  ],
  class: [re(`secretproviderclass ${LABEL}/(${OBJECT})[,"']`), re(`k8s\\.io ["'](${OBJECT})["'] not found`)],
  store: [re(`using cluster store ["'](${OBJECT})["']`)],
  cluster: [
    re(`/managedClusters/([A-Za-z0-9][\\w-]{0,61}[A-Za-z0-9])(?:/|')`, 'i'),
    re('--cluster-name[ =]([\\w-]{1,63})[ \\n]'),
  ],
};

function re(pattern: string, flags = ''): RegExp {
  return new RegExp(pattern, `g${flags}`);
}

export type Names = ReadonlyMap<string, string>;

/** What the text around a sign says of names: only those that are said plainly, and say one thing. */
export function namesAround(text: string, { from, to }: Pick<Found, 'from' | 'to'>): Names {
  const around = plain(text, Math.max(0, from - AROUND), Math.min(to, from + AROUND) + AROUND);
  const names = new Map<string, string>();
  for (const [name, patterns] of Object.entries(NAMES)) {
    for (const pattern of patterns) {
      const said = new Set([...around.matchAll(pattern)].map(([, group]) => group!));
      if (said.size !== 1) continue;
      names.set(name, [...said][0]!);
      break;
    }
  }
  return names;
}

/** A line with the names that are known; what is not stays `<as it is>`. */
export const filled = (line: string, names: Names): string =>
  line.replace(/<([a-z ]+)>/g, (hole, name: string) => names.get(name) ?? hole);
