import type { Check, Finding, Step } from '../step.ts';
import { Problem } from '../trouble.ts';
import type { Workload } from '../workload.ts';
import { podsOf, readerOf } from './deployment.ts';

/** The lines that the sample's script prints for what it read: `read NAME 24 bytes version 3f…`. */
const READ = /^read (\S+) (\d+) bytes(?: version (\S+))?$/;

/** The sample pod read its secrets by its own script: its log says which, and how many bytes, and never a value. */
export function sampleRead(workload: Workload, deployment: Step): Check {
  const { namespace, name } = workload;
  return {
    id: `sample/${name}`,
    title: `the sample pod of ${namespace}/${name} read its secrets`,
    workload: name,
    needs: {},
    after: [deployment.id],
    settles: 'seconds',
    async run({ kubernetes }): Promise<readonly Finding[]> {
      const pods = await podsOf(kubernetes, namespace, `${name}-sample`);
      const pod = pods.find(
        ({ metadata, status }) => !metadata.deletionTimestamp && (status as { phase?: string })?.phase === 'Running',
      );
      if (!pod) throw new Problem('not yet', `sample ${namespace}/${name}-sample`, 'no pod of the sample is running');
      const log = await kubernetes.log(namespace, pod.metadata.name, 50, readerOf(pod));
      const lines = log
        .split('\n')
        .map((line) => READ.exec(line.trim()))
        .filter((match) => match !== null);
      if (lines.length === 0)
        throw new Problem('not yet', `pod ${namespace}/${pod.metadata.name}`, 'the sample has printed nothing yet');
      const last = new Map(lines.map(([, secret, bytes, version]) => [secret, { bytes, version }]));
      return [...last].map(([secret, { bytes, version }]) => ({
        check: 'AKS-SAMPLE-READ',
        title: `pod ${namespace}/${pod.metadata.name} read ${secret}`,
        verdict: 'pass',
        observed: [`${bytes} bytes`, version && `version ${version.slice(0, 8)}`].filter(Boolean).join(', '),
      }));
    },
  };
}
