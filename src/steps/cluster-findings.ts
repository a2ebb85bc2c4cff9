import type { Finding, Judged } from '../step.ts';
import type { ClusterWish } from '../workload.ts';
import type { World } from '../world.ts';
import type { ClusterFeature } from './feature.ts';

type Properties = Readonly<Record<string, unknown>>;

/** The cluster itself: there, running, and not in the middle of something. */
const CHECK = 'AKS-CLUSTER';

/** What a judgement of the cluster says to `verify`: first that it is there at all, then each feature by itself. */
export function clusterFindings(
  judged: Judged,
  wish: ClusterWish,
  features: readonly ClusterFeature[],
  properties: Properties | undefined,
): Pick<Judged, 'findings' | 'failure'> {
  const stands = properties !== undefined && !(judged.state === 'blocked' && judged.differences.length === 0);
  const gone = judged.state === 'blocked' && judged.facts.oidcIssuer === undefined;
  const whole = stands && !gone ? features.flatMap((feature) => feature.findings?.(properties) ?? []) : [];
  const findings = [itself(judged, wish), ...whole];
  const failure = findings.find(({ verdict }) => verdict === 'fail' || verdict === 'unknown')?.failure;
  return { findings, ...(failure !== undefined && { failure }) };
}

function itself({ state, note, run, facts }: Judged, { name, resourceGroup }: ClusterWish): Finding {
  const base = { check: CHECK, title: `cluster ${name} is there and runs` };
  const observed = note === undefined ? {} : { observed: note };
  switch (state) {
    case 'absent':
    case 'blocked':
      return {
        ...base,
        verdict: 'fail',
        ...(facts.clusterId !== undefined && !/deleted/.test(note ?? '') && { failure: 'F017' }),
        observed: note ?? `there is no cluster ${name} in ${resourceGroup}`,
        expected: `${name} in ${resourceGroup}, running`,
        ...(run !== undefined && { fix: { say: 'Whoever runs the cluster runs:', run } }),
      };
    case 'settling':
      return {
        ...base,
        ...{ verdict: 'unknown', failure: 'F017', young: true, ...observed },
        expected: 'no operation under way',
        fix: { say: 'Wait until it has ended, and run the same again (or with --wait 10m).' },
      };
    case 'good enough':
      return {
        ...base,
        verdict: 'pass',
        ...observed,
      };
    default:
      return { ...base, verdict: 'pass' };
  }
}

/** What else in the cluster does what a feature does: a driver or a webhook that somebody installed himself. */
export async function otherwise(
  world: World,
  features: readonly ClusterFeature[],
  findings: readonly Finding[],
): Promise<readonly Finding[]> {
  const others = await Promise.all(features.map((feature) => feature.otherwise?.(world, findings)));
  const known = new Map(others.flatMap((found) => found ?? []).map((finding) => [finding.check, finding]));
  const checks = new Set(findings.map(({ check }) => check));
  return [
    ...findings.map((finding) => known.get(finding.check) ?? finding),
    ...[...known.values()].filter(({ check }) => !checks.has(check)),
  ];
}
