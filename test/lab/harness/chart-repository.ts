import { execFileSync } from 'node:child_process';
import { createHash, webcrypto } from 'node:crypto';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { exportPKCS8 } from 'jose';
import { parse, stringify } from 'yaml';
import { CHART } from '../../../src/steps/operator.ts';
import { binary, folderOf, programNamed } from '../build/programs.ts';
import type { Lab } from './lab.ts';

/** A chart repository under its production name. */
export interface ChartRepository {
  /** What who installs from it must trust, with all else: PEM file, for `SSL_CERT_FILE`. */
  readonly trusted: string;
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[];
}

/** Beside the sandbox and the API servers. */
const ADDRESS = '127.0.0.200';

/**
 * Serves the operator's chart, as its makers publish it, where our step looks for it. It is the chart of the release that
 * the lab builds, under the version that the step asks for: what is tried is the step, helm and the chart, not the release.
 */
export async function serveChart(lab: Lab): Promise<ChartRepository> {
  const { hostname } = new URL(CHART.repository);
  const folder = join(lab.folder, 'charts');
  const archive = packed(folder);
  const digest = createHash('sha256').update(archive).digest('hex');
  const file = `${CHART.chart}-${CHART.version}.tgz`;
  const entry = {
    ...{ apiVersion: 'v2', name: CHART.chart, version: CHART.version, type: 'application' },
    ...{ urls: [`${CHART.repository}/${file}`], created: new Date().toISOString(), digest },
  };
  const index = stringify({ apiVersion: 'v1', entries: { [CHART.chart]: [entry] } });
  const { certificate, key } = await certified(hostname);
  const asked: string[] = [];
  const server = createServer({ cert: certificate, key }, ({ url = '' }, response) => {
    asked.push(url);
    const body = url === '/index.yaml' ? index : url === `/${file}` ? archive : undefined;
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  await new Promise<void>((resolve) => server.listen(443, ADDRESS, resolve));
  server.unref();
  lab.resolve(hostname, ADDRESS);
  const trusted = join(folder, 'trusted.pem');
  writeFileSync(trusted, `${readFileSync(lab.ca, 'utf8')}\n${certificate}`);
  return { trusted, asked };
}

/**
 * The chart as its release pipeline makes it (`hack/helm.generate.sh`): with the definitions among its templates. Its one
 * dependency is off by default, and not to be had.
 */
function packed(folder: string): Buffer {
  const source = folderOf(programNamed('operator'));
  const chart = join(folder, CHART.chart);
  mkdirSync(chart, { recursive: true });
  cpSync(join(source, 'deploy/charts/external-secrets'), chart, { recursive: true });
  const about = join(chart, 'Chart.yaml');
  const { dependencies: _, ...rest } = parse(readFileSync(about, 'utf8')) as Record<string, unknown>;
  writeFileSync(about, stringify({ ...rest, version: CHART.version }));
  const definitions = join(source, 'config/crds/bases');
  for (const name of readdirSync(definitions).filter(
    (each) => each.endsWith('.yaml') && each !== 'kustomization.yaml',
  )) {
    const text = readFileSync(join(definitions, name), 'utf8').replace(/^---\n/, '');
    writeFileSync(
      join(chart, 'templates/crds', name),
      `{{- if .Values.installCRDs }}\n${text.replaceAll('{{', '{{ "{{" }}')}\n{{- end }}\n`,
    );
  }
  execFileSync(binary('helm'), ['package', chart, '--destination', folder], { env: { HOME: folder } });
  return readFileSync(join(folder, `${CHART.chart}-${CHART.version}.tgz`));
}

async function certified(name: string): Promise<{ readonly certificate: string; readonly key: string }> {
  await import('reflect-metadata'); // the library wants it loaded first
  const { SubjectAlternativeNameExtension, X509CertificateGenerator } = await import('@peculiar/x509');
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const day = 86_400_000;
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...{ name: `CN=${name}`, keys, signingAlgorithm: algorithm },
    ...{ notBefore: new Date(Date.now() - day), notAfter: new Date(Date.now() + day) },
    extensions: [new SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  });
  return { certificate: certificate.toString('pem'), key: await exportPKCS8(keys.privateKey) };
}
