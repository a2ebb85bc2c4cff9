/** What we use of the client library: named, so that the bundle leaves out its thousands of generated operations. */
export { HttpMethod, IsomorphicFetchHttpLibrary, KubeConfig, RequestContext } from '@kubernetes/client-node';
