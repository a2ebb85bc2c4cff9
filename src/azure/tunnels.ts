import type { PipelineRequest } from '@azure/core-rest-pipeline';

/** As the SDK declares it: an agent of Node, of which it says little. */
type Agent = NonNullable<PipelineRequest['agent']>;

/**
 * Behind a proxy (`HTTPS_PROXY`) the SDK makes a connection, its tunnel and its handshake anew for every request of every
 * client: three waits where one would do. The agent that it made for the first serves all, and keeps what it has opened.
 */
export function keepTunnels(): (request: PipelineRequest) => void {
  let kept: Agent | undefined;
  return (request) => {
    const { agent } = request;
    // Of whatever is no proxy's the SDK takes care itself.
    if (!agent || !('proxy' in agent) || !('options' in agent)) return;
    kept ??= Object.assign(agent, {
      keepAlive: true,
      options: Object.assign(agent.options as object, { keepAlive: true }),
      // It would find that out by the stack of each call, and look for a connection that is free under another name.
      isSecureEndpoint: () => true,
    });
    request.agent = kept;
  };
}
