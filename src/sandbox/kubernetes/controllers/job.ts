import type { Cluster } from '../cluster.ts';
import { kindNamed } from '../kinds.ts';
import type { Condition, Job, Pod, Resource } from '../model.ts';
import { withCondition } from './conditions.ts';
import { keyFor } from './keys.ts';
import { createPod, deletePod, podsOf, readySince } from './pods.ts';

const COMPONENT = 'job-controller';

/** Runs pods until one has succeeded, too many have failed or the deadline has passed; goes when its time to live is over. */
export function syncJob(cluster: Cluster, object: Resource): void {
  const job = object as Job;
  const now = cluster.parts.clock.now();
  const ended = job.status?.conditions?.find(
    (each) => (each.type === 'Complete' || each.type === 'Failed') && each.status === 'True',
  );
  if (ended) {
    expire(cluster, job, ended, now);
    return;
  }
  if (job.spec.suspend) return;

  const pods = podsOf(cluster, job);
  const inPhase = (phase: string) => pods.filter((pod) => pod.status?.phase === phase);
  const succeeded = inPhase('Succeeded').length;
  const failed = inPhase('Failed').length + restarts(pods);
  const active = pods.filter((pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
  const completions = job.spec.completions ?? 1;
  const started = new Date(job.status?.startTime ?? now);
  const deadline = job.spec.activeDeadlineSeconds;
  const late = deadline !== undefined && now.getTime() - started.getTime() >= deadline * 1000;

  let outcome: Omit<Condition, 'lastTransitionTime'> | undefined;
  if (succeeded >= completions) {
    outcome = {
      type: 'Complete',
      status: 'True',
      reason: 'CompletionsReached',
      message: 'Reached expected number of succeeded pods',
    };
  } else if (failed > (job.spec.backoffLimit ?? 6)) {
    outcome = {
      type: 'Failed',
      status: 'True',
      reason: 'BackoffLimitExceeded',
      message: 'Job has reached the specified backoff limit',
    };
  } else if (late) {
    outcome = {
      type: 'Failed',
      status: 'True',
      reason: 'DeadlineExceeded',
      message: 'Job was active longer than specified deadline',
    };
  }

  let count = active.length;
  if (outcome) {
    for (const pod of active) deletePod(cluster, job, pod, COMPONENT);
    count = 0;
    const complete = outcome.type === 'Complete';
    const text = complete ? 'Job completed' : (outcome.message ?? '');
    cluster.note(
      job,
      complete ? 'Normal' : 'Warning',
      complete ? 'Completed' : (outcome.reason ?? ''),
      text,
      COMPONENT,
    );
  } else {
    const wanted = Math.min(job.spec.parallelism ?? 1, completions - succeeded);
    const waited = now.getTime() - lastFailure(pods);
    const pause = failed === 0 ? 0 : Math.min(10_000 * 2 ** (failed - 1), 360_000);
    if (count < wanted && waited < pause) cluster.queue.later(keyFor('Job', job), pause - waited);
    while (count < wanted && waited >= pause) {
      if (createPod(cluster, job, job.spec.template, COMPONENT) !== undefined) {
        cluster.queue.later(keyFor('Job', job), 10_000);
        break;
      }
      count += 1;
    }
    if (deadline !== undefined) {
      cluster.queue.later(keyFor('Job', job), started.getTime() + deadline * 1000 - now.getTime());
    }
  }

  cluster.registry.edit(
    job,
    'kube-controller-manager',
    (copy) => {
      const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
      const ready = active.filter((pod) => readySince(pod)).length;
      copy.status = {
        ...copy.status,
        startTime: copy.status?.startTime ?? time,
        active: count,
        ready: outcome ? 0 : ready,
        ...(succeeded > 0 && { succeeded }),
        ...(failed > 0 && { failed }),
        ...(outcome?.type === 'Complete' && { completionTime: time }),
        ...(outcome && { conditions: withCondition(copy.status?.conditions, outcome, now) }),
      };
    },
    'status',
  );
}

/** With `OnFailure` the container is run again in the same pod, and each time counts. */
const restarts = (pods: readonly Pod[]) =>
  pods
    .filter((pod) => pod.spec.restartPolicy === 'OnFailure')
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .reduce((sum, status) => sum + status.restartCount, 0);

function lastFailure(pods: readonly Pod[]): number {
  const ends = pods
    .filter((pod) => pod.status?.phase === 'Failed')
    .flatMap((pod) => pod.status?.containerStatuses ?? [])
    .map((status) => Date.parse(status.state.terminated?.finishedAt ?? '') || 0);
  return Math.max(0, ...ends);
}

function expire(cluster: Cluster, job: Job, ended: Condition, now: Date): void {
  const ttl = job.spec.ttlSecondsAfterFinished;
  if (ttl === undefined) return;
  const due = Date.parse(ended.lastTransitionTime ?? '') + ttl * 1000;
  if (now.getTime() < due) cluster.queue.later(keyFor('Job', job), due - now.getTime());
  else cluster.registry.remove(kindNamed('Job'), job.metadata.namespace, job.metadata.name);
}
