import type { PipelinePolicy } from '@azure/core-rest-pipeline';
import { Secret } from '../secret.ts';
import { listIn, maybeFlagIn, maybeMomentIn, maybeTextIn, Odd, tableIn, textIn } from '../shape.ts';
import { orAbsent, Problem } from '../trouble.ts';
import type { Azure, SecretProperties, Shelf } from './azure.ts';
import { isKnownAuthority } from './clouds.ts';
import { asked, type Memory, type Shared } from './shared.ts';

const VERSION = 'api-version=2025-07-01';
/** A version that no object can have: Key Vault decides network and rights before existence. */
const NO_VERSION = '0'.repeat(32);

/** What is inside of vaults. The bearer goes with the first request, so that no challenge costs a round trip. */
export function dataPlaneOf(
  shared: Shared,
  memory: Memory,
): Pick<Azure, 'secrets' | 'keys' | 'certificates' | 'workload'> {
  const { cloud, credential, bare, bareOnce } = shared;

  /** Only a host of the cloud's vaults is given a token. */
  const vaultUrl = (vaultUri: string, path: string) => {
    const url = new URL(`${path}?${VERSION}`, vaultUri);
    if (url.protocol !== 'https:' || !url.hostname.endsWith(cloud.vaultSuffix)) {
      throw new Problem('refused', vaultUri, `${vaultUri} is not the address of a vault in ${cloud.name}.`);
    }
    return url.href;
  };
  const bearer = async () => new Secret((await credential.getToken(cloud.vaultScope))?.token ?? '');

  const items = (url: string): Promise<readonly SecretProperties[]> =>
    asked(url, shared, async () => (await bare.list(url, { bearer: await bearer() })).map(propertiesOf));

  const versions = (kind: string, vaultUri: string, name: string): Promise<readonly SecretProperties[]> =>
    memory(`${kind} ${vaultUri.toLowerCase()} ${name.toLowerCase()}`, async () => {
      const url = vaultUrl(vaultUri, `/${kind}/${encodeURIComponent(name)}/versions`);
      return (await orAbsent(items(url))) ?? [];
    });

  const shelf = (kind: 'secrets' | 'keys' | 'certificates'): Shelf => ({
    list: (vaultUri) =>
      memory(`${kind} ${vaultUri.toLowerCase()}`, async () => orAbsent(items(vaultUrl(vaultUri, `/${kind}`)))),
    find: async (vaultUri, name) => newestOf(await versions(kind, vaultUri, name)),
    versions: (vaultUri, name) => versions(kind, vaultUri, name),
  });

  return {
    keys: shelf('keys'),
    certificates: shelf('certificates'),
    secrets: {
      ...shelf('secrets'),
      async set(vaultUri, name, value) {
        const url = vaultUrl(vaultUri, `/secrets/${encodeURIComponent(name)}`);
        return asked(url, shared, async () =>
          propertiesOf(await bareOnce.send('PUT', url, { body: { value: value.reveal() }, bearer: await bearer() })),
        );
      },
    },

    workload: {
      async exchange(tenantId, clientId, assertion) {
        const { ClientAssertionCredential } = await import('@azure/identity');
        const address = `${cloud.authority}/${tenantId}/oauth2/v2.0/token`;
        return asked(address, shared, async () => {
          // MSAL makes an error of its own of whatever is thrown under it: what Entra said is kept aside.
          let refusal: unknown;
          const keep: PipelinePolicy = {
            name: 'keep-refusal',
            sendRequest: (request, next) =>
              next(request).catch((error) => {
                refusal = error;
                throw error;
              }),
          };
          const options = await shared.transport.clientOptions(keep, shared.transport.policy());
          const workload = new ClientAssertionCredential(tenantId, clientId, async () => assertion.reveal(), {
            ...options,
            authorityHost: cloud.authority,
            disableInstanceDiscovery: !isKnownAuthority(cloud),
          });
          const got = workload.getToken(cloud.vaultScope).catch((error) => {
            // What MSAL says of an answer that it does not understand is no sentence.
            throw refusal ?? (/AADSTS\d/.test(String(error)) ? error : new Odd('it holds no token'));
          });
          return new Secret(textIn(tableIn(await got), 'token'));
        });
      },
      async mayGet(vaultUri, kind, name, token) {
        const url = vaultUrl(vaultUri, `/${kind}s/${encodeURIComponent(name)}/${NO_VERSION}`);
        await provenBy(
          asked(url, shared, async () => {
            await bare.send('GET', url, { bearer: token });
            throw new Odd('no version of that name can exist');
          }),
        );
      },
      async mayList(vaultUri, token) {
        const url = `${vaultUrl(vaultUri, '/secrets')}&maxresults=1`;
        await asked(url, shared, async () => listIn(tableIn(await bare.send('GET', url, { bearer: token })).value));
      },
    },
  };
}

function newestOf(versions: readonly SecretProperties[]): SecretProperties | undefined {
  const age = ({ created }: SecretProperties) => created?.getTime() ?? 0;
  return versions.reduce<SecretProperties | undefined>((a, b) => (a && age(a) > age(b) ? a : b), undefined);
}

/** `SecretNotFound` and its like are the proof, and nothing else is: no other answer, and no host that does not exist. */
async function provenBy(refusal: Promise<never>): Promise<void> {
  try {
    await refusal;
  } catch (error) {
    const { status, code = '' } = (error instanceof Problem && error.said) || { message: '' };
    if (!(status === 404 && /^(Secret|Key|Certificate)NotFound$/.test(code))) throw error;
  }
}

/** An item of a list, or one version, as the vault has it. @throws {Odd} */
function propertiesOf(answer: unknown): SecretProperties {
  const item = tableIn(answer);
  const attributes = tableIn(item.attributes ?? {});
  // Of a key it is called kid.
  const address = URL.parse(maybeTextIn(item, 'id') ?? maybeTextIn(item, 'kid') ?? '');
  const [, , name, version] = address?.pathname.split('/') ?? [];
  if (!name) throw new Odd('it lacks the id of what it is about');
  const [created, expires, starts] = ['created', 'exp', 'nbf'].map((key) => maybeMomentIn(attributes, key));
  const [contentType, managed] = [maybeTextIn(item, 'contentType'), maybeFlagIn(item, 'managed')];
  return {
    name,
    ...(version && { version }),
    enabled: maybeFlagIn(attributes, 'enabled') ?? true,
    ...(created && { created }),
    ...(expires && { expires }),
    ...(starts && { starts }),
    ...(managed !== undefined && { managed }),
    ...(contentType && { contentType }),
  };
}
