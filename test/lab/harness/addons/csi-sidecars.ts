import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { textsAt, unary } from '../node-agent/grpc.ts';
import type { StandIn, StandInPlace } from '../node-agent/images.ts';
import type { NodeAgent } from '../node-agent/index.ts';

/*
 * What stands beside every CSI driver, by the agent itself: it introduces the driver to the kubelet, and asks after its
 * health. Both have their own projects, and nothing of secrets in them.
 */
const flag = ({ container }: StandInPlace, name: string): string => {
  const found = (container.args ?? []).find((each) => each.startsWith(`--${name}=`));
  if (!found) throw new Error(`${container.name} has no --${name}`);
  return found.slice(name.length + 3);
};

const NOTHING = Buffer.alloc(0);

/** https://github.com/kubernetes-csi/node-driver-registrar: the node has the driver as long as it runs beside it. */
export const registrar = (agent: NodeAgent): StandIn => ({
  async begin(place) {
    const address = flag(place, 'csi-address');
    const socket = place.path(address);
    let name: string | undefined;
    let over = false;
    const introduce = async () => {
      while (!over && name === undefined) {
        try {
          const method = 'csi.v1.Identity/GetPluginInfo';
          const [found] = textsAt(await unary({ socket, named: address, method, request: NOTHING }), 1);
          if (!over && found) {
            name = found;
            await agent.driver(found, flag(place, 'kubelet-registration-path'));
            place.log(`registered ${found}`);
          }
        } catch {
          // The driver is not there yet.
        }
        await delay(200);
      }
    };
    void introduce();
    return async () => {
      over = true;
      if (name !== undefined) await agent.driver(name, undefined);
    };
  },
});

/** https://github.com/kubernetes-csi/livenessprobe */
export const livenessProbe: StandIn = {
  async begin(place) {
    const address = flag(place, 'csi-address');
    const socket = place.path(address);
    const [host, port] = flag(place, 'http-endpoint').split(':');
    const server = createServer(async (_request, response) => {
      try {
        await unary({ socket, named: address, method: 'csi.v1.Identity/Probe', request: NOTHING, deadline: 3000 });
        response.end('ok');
      } catch (error) {
        response.writeHead(500).end((error as Error).message);
      }
    });
    await new Promise<void>((resolve) => server.listen(Number(port), host, resolve));
    return () => {
      server.close();
      server.closeAllConnections();
    };
  },
};
