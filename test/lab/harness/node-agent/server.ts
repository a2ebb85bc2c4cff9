import { createServer, type Server } from 'node:https';
import { followLog, readLog } from './log.ts';
import type { Node } from './node.ts';
import type { PodWorker } from './pod.ts';

/** Not 10250: all programs share one network, and the operator's webhook listens there at every address. */
export const PORT = 10260;

interface Serving {
  readonly node: Node;
  /** PEM; the API server does not check it, as it is told of no authority. */
  readonly certificate: string;
  readonly key: string;
  find(namespace: string, pod: string): PodWorker | undefined;
}

/** The kubelet's port, as far as `kubectl logs` needs it. What else is asked for there is refused. */
export function serve({ node, certificate, key, find }: Serving): Promise<Server> {
  const server = createServer({ cert: certificate, key }, async (request, response) => {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'https://node');
    const [, what, namespace = '', name = '', container = ''] = pathname.split('/');
    const refuse = (status: number, text: string) => response.writeHead(status).end(text);
    if (what !== 'containerLogs') return refuse(501, `the lab's node serves no ${what}`);
    const worker = find(namespace, name);
    if (!worker) return refuse(404, `pod "${name}" not found`);
    const living = worker.containers.find((each) => each.container.name === container);
    if (!living) return refuse(404, `container "${container}" not found in pod "${name}"`);
    const number = (key: string) => (query.has(key) ? Number(query.get(key)) : undefined);
    const seconds = number('sinceSeconds');
    const asked = {
      timestamps: query.get('timestamps') === 'true',
      tail: number('tailLines'),
      since: seconds === undefined ? undefined : Date.now() - seconds * 1000,
      limitBytes: number('limitBytes'),
    };
    const previous = query.get('previous') === 'true';
    const current = living.state.waiting && living.lastState.terminated ? living.restarts : living.restarts;
    const which = previous ? current - 1 : current;
    const text = readLog(node, worker.pod(), container, which, asked);
    if (text === undefined) {
      const { waiting } = living.state;
      return refuse(
        400,
        previous
          ? `previous terminated container "${container}" in pod "${name}" not found`
          : `container "${container}" in pod "${name}" is waiting to start: ${waiting?.message ?? waiting?.reason ?? ''}`,
      );
    }
    response.writeHead(200, { 'content-type': 'text/plain' }).write(text);
    if (query.get('follow') === 'true') {
      const goesOn = () => living.running !== undefined && !response.destroyed;
      for await (const more of followLog(node, worker.pod(), container, which, asked, goesOn)) response.write(more);
    }
    response.end();
  });
  return new Promise((resolve) => server.listen(PORT, node.ip, () => resolve(server)));
}
