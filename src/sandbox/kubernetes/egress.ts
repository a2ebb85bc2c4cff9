import type { Parts, Request } from '../parts.ts';

/** What lies between a cluster's nodes and the world: names that its DNS does not give, hosts that its firewall drops. */
export interface Egress {
  /** Host names, with all below them. */
  readonly dns?: readonly string[];
  readonly drop?: readonly string[];
}

/** A request that had no answer, in the words of a program in Go. */
export class Unreachable extends Error {}

/** What runs in a cluster asks the world through its egress. */
export function beyondEgress(parts: Parts, egress: () => Egress | undefined): Parts {
  const dispatch: Parts['dispatch'] = async (request) => {
    const why = barrier(egress(), request.host);
    if (why) throw new Unreachable(`${verbOf(request)} "${addressOf(request)}": ${why}`);
    return parts.dispatch(request);
  };
  // Its other properties are those of the parts, also where they are filled later.
  return Object.create(parts, { dispatch: { value: dispatch } }) as Parts;
}

function barrier({ dns = [], drop = [] }: Egress = {}, host: string): string | undefined {
  const among = (names: readonly string[]) => names.some((name) => host === name || host.endsWith(`.${name}`));
  if (among(dns)) return `dial tcp: lookup ${host} on 10.0.0.10:53: no such host`;
  return among(drop) ? 'dial tcp 203.0.113.10:443: i/o timeout' : undefined;
}

const verbOf = ({ method }: Request) => `${method[0]}${method.slice(1).toLowerCase()}`;
const addressOf = ({ host, path, query }: Request) => `https://${host}${path}${query.size > 0 ? `?${query}` : ''}`;
