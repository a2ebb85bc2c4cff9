import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  bits,
  boolean,
  context,
  type Der,
  implicit,
  integer,
  octets,
  oid,
  sequence,
  set,
  utcTime,
  utf8,
} from './der.ts';
import { writePrivate } from './files.ts';
import { CERTIFIED } from './names.ts';

/** What the server presents, and what its clients trust. PEM. */
export interface Identity {
  readonly ca: string;
  readonly caFile: string;
  readonly certificate: string;
  readonly key: string;
}

const DAY = 86_400_000;
const LIFE = 7 * DAY;

/**
 * The certificates of a sandbox folder, made when they are absent, name other hosts than this version serves, or have
 * less than a day left. The authority's own key is never stored: it signs one certificate and is gone, so nothing in
 * the folder can sign another.
 */
export function identityOf(folder: string, now = new Date()): Identity {
  const caFile = join(folder, 'ca.pem');
  try {
    const [ca, certificate, key] = [caFile, join(folder, 'server.pem'), join(folder, 'server-key.pem')].map((file) =>
      readFileSync(file, 'utf8'),
    ) as [string, string, string];
    const found = new X509Certificate(certificate);
    const fresh = found.validToDate.getTime() - now.getTime() > DAY && found.validFromDate <= now;
    const names = CERTIFIED.every((name) => found.subjectAltName?.split(', ').includes(`DNS:${name}`));
    const fits = found.verify(new X509Certificate(ca).publicKey) && found.checkPrivateKey(createPrivateKey(key));
    if (fresh && names && fits) return { ca, caFile, certificate, key };
  } catch {
    // Absent or damaged: made anew.
  }
  const made = makeIdentity(now);
  writePrivate(join(folder, 'server-key.pem'), made.key);
  writePrivate(join(folder, 'server.pem'), made.certificate);
  writePrivate(caFile, made.ca);
  return { ...made, caFile };
}

/** A certificate authority constrained to exactly the sandbox's names, and one server certificate for all of them. */
export function makeIdentity(now: Date, names: readonly string[] = CERTIFIED): Omit<Identity, 'caFile'> {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // A name of its own per authority: a client that trusts an older one of the same name would report a bad signature.
  const issuer = `aks-secrets sandbox ${randomBytes(4).toString('hex')} (simulated, not Azure)`;
  const life = { from: new Date(now.getTime() - 3_600_000), to: new Date(now.getTime() + LIFE) };
  const key = { issuer: authority.publicKey, signer: authority.privateKey };
  const ca = certificate({
    ...key,
    issuerName: issuer,
    subjectName: issuer,
    subject: authority.publicKey,
    life,
    extensions: [
      extension('2.5.29.19', true, sequence(boolean(true), integer(Buffer.from([0])))), // CA, path length 0
      extension('2.5.29.15', true, bits(Buffer.from([0b0000_0110]), 1)), // keyCertSign, cRLSign
      extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))), // serverAuth
      extension('2.5.29.30', true, sequence(context(0, ...permitted(CERTIFIED)))), // name constraints
    ],
  });
  const leaf = certificate({
    ...key,
    issuerName: issuer,
    subjectName: 'aks-secrets sandbox',
    subject: server.publicKey,
    life,
    extensions: [
      extension('2.5.29.19', true, sequence()),
      extension('2.5.29.15', true, bits(Buffer.from([0b1000_0000]), 7)), // digitalSignature
      extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))),
      extension('2.5.29.17', false, sequence(...names.map((name) => implicit(2, Buffer.from(name))), loopback)),
    ],
  });
  return {
    ca: pem(ca),
    certificate: pem(leaf),
    key: server.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  };
}

/** A certificate authority that vouches for itself and is used for nothing else: something of a cluster's own. PEM. */
export function selfSigned(name: string, life: { readonly from: Date; readonly to: Date }) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const made = certificate({
    issuer: publicKey,
    signer: privateKey,
    issuerName: name,
    subjectName: name,
    subject: publicKey,
    life,
    extensions: [extension('2.5.29.19', true, sequence(boolean(true)))],
  });
  return { certificate: pem(made), key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString() };
}

const loopback = implicit(7, Buffer.from([127, 0, 0, 1]));

/** GeneralSubtrees (RFC 5280, 4.2.1.10): a DNS name permits itself and what lies below; the address has a mask. */
const permitted = (names: readonly string[]): Der[] => [
  ...names.map((name) => sequence(implicit(2, Buffer.from(name.replace(/^\*\./, ''))))),
  sequence(implicit(7, Buffer.from([127, 0, 0, 1, 255, 255, 255, 255]))),
];

const extension = (id: string, critical: boolean, value: Der) =>
  sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));

const commonName = (name: string) => sequence(set(sequence(oid('2.5.4.3'), utf8(name))));

const keyId = (key: KeyObject) =>
  createHash('sha1')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest();

const ecdsaWithSha256 = sequence(oid('1.2.840.10045.4.3.2'));

function certificate(of: {
  readonly issuer: KeyObject;
  readonly signer: KeyObject;
  readonly issuerName: string;
  readonly subjectName: string;
  readonly subject: KeyObject;
  readonly life: { readonly from: Date; readonly to: Date };
  readonly extensions: readonly Der[];
}): Buffer {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40; // positive, no leading zero
  const body = sequence(
    context(0, integer(Buffer.from([2]))), // version 3
    integer(serial),
    ecdsaWithSha256,
    commonName(of.issuerName),
    sequence(utcTime(of.life.from), utcTime(of.life.to)),
    commonName(of.subjectName),
    of.subject.export({ format: 'der', type: 'spki' }),
    context(
      3,
      sequence(
        ...of.extensions,
        extension('2.5.29.14', false, octets(keyId(of.subject))),
        extension('2.5.29.35', false, sequence(implicit(0, keyId(of.issuer)))),
      ),
    ),
  );
  return sequence(body, ecdsaWithSha256, bits(sign('sha256', body, of.signer)));
}

const pem = (der: Buffer) =>
  `-----BEGIN CERTIFICATE-----\n${der.toString('base64').replace(/.{64}(?!$)/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
