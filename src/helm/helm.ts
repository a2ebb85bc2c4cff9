/** A chart to be installed, and as what. */
export interface Release {
  readonly name: string;
  readonly chart: string;
  /** `https://charts.external-secrets.io`. */
  readonly repository: string;
  /** Pinned: what is installed is what was tried. */
  readonly version: string;
  readonly namespace: string;
  /** How long helm waits until all that it made is ready: `5m`. */
  readonly timeout: string;
}

/** The program `helm` of this machine. */
export interface Helm {
  /** Whether it can be started at all. */
  found(): Promise<boolean>;
  /** Installs or upgrades the release, and waits until it is ready. Throws a `Problem` with what helm printed. */
  install(release: Release): Promise<void>;
}

/** Where a person gets it. */
export const GET_HELM = 'https://helm.sh/docs/intro/install/';

/** What helm is given for a release. */
export const wordsFor = (release: Release): readonly string[] => [
  ...['upgrade', '--install', release.name, release.chart],
  ...['--repo', release.repository, '--version', release.version],
  ...['--namespace', release.namespace, '--create-namespace'],
  ...['--wait', '--timeout', release.timeout],
];

/** The same as a line to paste. */
export const lineFor = (release: Release): string => ['helm', ...wordsFor(release)].join(' ');
