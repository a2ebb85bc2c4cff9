// Looks at the network as a pod has it, then reads the secrets as the workload's method does (read.mjs). Prints names, codes
// and addresses. Never a value.
// HOSTS: hosts that the method reaches from within the pod, comma-separated.
import { lookup } from 'node:dns/promises';
import { connect } from 'node:tls';

const { HOSTS = '' } = process.env;

/** Addresses that lead nowhere but into a private network (RFC 1918, RFC 6598, RFC 4193). */
const PRIVATE =
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.|f[cd][\da-f]{2}:)/i;

/** `ok`, or the code by which a TLS connection to port 443 fails. */
const reach = (host) =>
  new Promise((resolve) => {
    const socket = connect({ host, port: 443, servername: host, timeout: 10_000 });
    const end = (code) => {
      socket.destroy();
      resolve(code);
    };
    socket.once('secureConnect', () => end('ok'));
    socket.once('timeout', () => end('ETIMEDOUT'));
    socket.once('error', ({ code, message }) => end(code ?? message));
  });

const look = async (host) => {
  try {
    const [{ address }] = await lookup(host, { all: true });
    return `host ${host} ${PRIVATE.test(address) ? 'private' : 'public'} ${address} ${await reach(host)}`;
  } catch ({ code, message }) {
    return `host ${host} unknown - ${code ?? message}`;
  }
};
for (const line of await Promise.all(HOSTS.split(',').filter(Boolean).map(look))) console.log(line);

await import('./read.mjs');
