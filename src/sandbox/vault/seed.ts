import { createHash, randomBytes } from 'node:crypto';
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose';
import type { Parts } from '../parts.ts';
import { addVersion, contentsOf, secondsOf, type Version, versionId } from './store.ts';

const versionNow = (parts: Parts): Version => {
  const now = secondsOf(parts);
  return { id: versionId(), enabled: true, created: now, updated: now };
};

/** What a vault holds. */
export type Kind = 'secret' | 'key' | 'certificate';
const SHELF = { secret: 'secrets', key: 'keys', certificate: 'certificates' } as const;

/** Invented, and says so: a value of the sandbox must never be taken for a real one. */
const inventedValue = (name: string) => `sandbox-${name}-${randomBytes(6).toString('hex')}`;

/** Puts one there, with a content that is invented. What is there stays as it is, and what was deleted stays deleted. */
export async function give(parts: Parts, vaultName: string, kind: Kind, name: string): Promise<void> {
  if (Object.hasOwn(contentsOf(vaultName, parts)[SHELF[kind]], name.toLowerCase())) return;
  if (kind === 'key') await seedKey(parts, vaultName, name);
  else if (kind === 'certificate') await seedCertificate(parts, vaultName, name);
  else await seedSecret(parts, vaultName, name, inventedValue(name));
}

/** Puts a new version of a secret into the vault, past all rights. */
export async function seedSecret(parts: Parts, vaultName: string, name: string, value: string): Promise<void> {
  addVersion(contentsOf(vaultName, parts).secrets, name, { ...versionNow(parts), value });
  parts.save();
}

/** Puts an RSA key into the vault; its private half is made and forgotten. */
export async function seedKey(parts: Parts, vaultName: string, name: string): Promise<void> {
  const { publicKey } = await generateKeyPair('RS256', { extractable: true });
  const { n, e } = await exportJWK(publicKey);
  addVersion(contentsOf(vaultName, parts).keys, name, { ...versionNow(parts), n: n as string, e: e as string });
  parts.save();
}

/** Puts a self-signed certificate into the vault: with its key, and the secret that holds both as PEM. */
export async function seedCertificate(parts: Parts, vaultName: string, name: string): Promise<void> {
  await import('reflect-metadata'); // the library wants it loaded first
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const pair = await generateKeyPair('RS256', { extractable: true });
  const version = versionNow(parts);
  const subject = `CN=${name}`;
  const notBefore = new Date(version.created * 1000);
  const notAfter = new Date((version.created + 365 * 86_400) * 1000);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: subject,
    notBefore,
    notAfter,
    keys: pair,
    signingAlgorithm: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  });
  const der = Buffer.from(certificate.rawData);
  const dated = { ...version, nbf: version.created, exp: Math.floor(notAfter.getTime() / 1000) };
  const contents = contentsOf(vaultName, parts);
  const { n, e } = await exportJWK(pair.publicKey);
  const x5t = createHash('sha1').update(der).digest('base64url');
  addVersion(contents.certificates, name, { ...dated, cer: der.toString('base64'), x5t, subject });
  addVersion(contents.keys, name, { ...dated, n: n as string, e: e as string }, true);
  const value = `${await exportPKCS8(pair.privateKey)}\n${certificate.toString('pem')}\n`;
  addVersion(contents.secrets, name, { ...dated, value, contentType: 'application/x-pem-file' }, true);
  parts.save();
}
