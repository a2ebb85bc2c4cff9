import { match } from '../../failures/index.ts';
import type { Finding } from '../../step.ts';
import { Problem, type Trouble } from '../../trouble.ts';
import type { Workload } from '../../workload.ts';

const READ = /^read (\S+) (\d+) bytes(?: version (\S+))?$/;
const FAILED = /^failed (\S+) ?(.*)$/;
const HOST = /^host (\S+) (private|public|unknown) (\S+) (.+)$/;

const CHECK = 'AKS-PROBE';
const NETWORK = 'AKS-PROBE-NETWORK';

/** Codes of a service, also within what another one says of it. */
const ENTRA = /AADSTS\d+/;
const VAULT =
  /ForbiddenBy\w+|AccessDenied|(?:Secret|Key|Certificate)(?:NotFound|Disabled)|AKV\d+|VaultNotFound|Forbidden\b/;
/** The vault's answer to what exists nowhere: whoever hears it may read. */
const NOWHERE = /SecretNotFound/;

/**
 * What the log of a probe shows, as findings: of several things that are wrong the first in the chain alone, since the
 * others follow from it.
 * @throws {Problem} for what Entra or the vault refused
 */
export function findingsOf(log: string, workload: Workload): readonly Finding[] {
  const lines = log.split('\n').map((line) => line.trim());
  const hosts = lines.flatMap((line) => hostFinding(line, workload));
  const closed = hosts.filter(({ verdict }) => verdict === 'fail').slice(0, 1);
  if (closed.length > 0) return closed;
  const account = `${workload.namespace}/${workload.serviceAccount}`;
  const findings = lines.flatMap((line): readonly Finding[] => {
    const [, name, bytes, version] = READ.exec(line) ?? [];
    if (name) {
      const observed = [`${bytes} bytes`, version && `version ${version.slice(0, 8)}`].filter(Boolean).join(', ');
      return [{ check: CHECK, title: `a pod of ${account} reads ${name}`, verdict: 'pass', observed }];
    }
    const [, what, why = ''] = FAILED.exec(line) ?? [];
    return what ? [failed(what, why, workload)] : [];
  });
  if (findings.length === 0) throw new Problem('broken', `probe of ${account}`, 'the probe has printed nothing');
  const broken = findings.filter(({ verdict }) => verdict === 'fail').slice(0, 1);
  return broken.length > 0 ? broken : [...hosts, ...findings];
}

function hostFinding(line: string, { namespace }: Workload): readonly Finding[] {
  const [, host = '', kind, address, outcome = ''] = HOST.exec(line) ?? [];
  if (host === '') return [];
  const title = `pods in ${namespace} reach ${host}`;
  if (outcome === 'ok') return [{ check: NETWORK, title, verdict: 'pass', observed: `${kind} address ${address}` }];
  const isVault = !/^login\./.test(host);
  const isNamed = kind !== 'unknown';
  return [
    {
      ...{ check: NETWORK, title, verdict: 'fail' },
      failure: !isVault ? 'F066' : isNamed ? 'F076' : 'F075',
      observed: isNamed ? `${kind} address ${address}, then ${outcome}` : `no address: ${outcome}`,
      expected: isNamed ? 'a TLS connection to port 443' : 'an address from the DNS of the cluster',
    },
  ];
}

function failed(what: string, why: string, workload: Workload): Finding {
  const account = `${workload.namespace}/${workload.serviceAccount}`;
  const title = what === 'exchange' ? `a pod of ${account} signs in` : `a pod of ${account} reads ${what}`;
  const isNobodys = workload.secrets.some(({ standIn, name }) => standIn && name === what);
  if (isNobodys && NOWHERE.test(why)) {
    return { check: CHECK, title: `a pod of ${account} may read secrets of ${workload.vault.name}`, verdict: 'pass' };
  }
  const entra = ENTRA.exec(why)?.[0];
  const vault = VAULT.exec(why)?.[0];
  const code = entra ?? vault;
  const failure = match({ code, text: `${what} ${why}` })?.id;
  // The network that the vault refuses is the pod's own here: that is the answer, and no want of a right to look.
  if (code === undefined || /^ForbiddenBy(Firewall|Connection)$/.test(code)) {
    const observed = `${what} ${why}`.trim();
    return { check: CHECK, title, verdict: 'fail', observed, ...(failure !== undefined && { failure }) };
  }
  const trouble: Trouble = entra || /^(ForbiddenBy|Forbidden|AccessDenied)/.test(code) ? 'denied' : 'missing';
  throw new Problem(trouble, `probe of ${account}`, `From within a pod: ${what} ${why}`, {
    said: { by: entra ? 'Entra' : 'Key Vault', code, message: why },
  });
}
