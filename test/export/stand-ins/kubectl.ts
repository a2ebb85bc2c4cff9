import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { Ended, type Json, type Stage } from './stage.ts';

/** Stands in for kubectl: understands exactly the lines of an exported script. Answers what it prints. */
export async function kubectl(words: readonly string[], stage: Stage): Promise<string> {
  const flags = new Map<string, string>();
  const plain: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    if (!word.startsWith('--')) plain.push(word);
    else if (word === '--server-side' || word === '--all-namespaces') flags.set(word.slice(2), 'true');
    else if (word.includes('=')) flags.set(word.slice(2, word.indexOf('=')), word.slice(word.indexOf('=') + 1));
    else flags.set(word.slice(2), words[++at] ?? '');
  }
  const only = (...known: string[]) => {
    const strange = [...flags.keys()].filter((flag) => !known.includes(flag));
    if (strange.length > 0) throw new Error(`kubectl ${plain[0]} takes no --${strange.join(', --')} here`);
  };

  const config = JSON.parse(readFileSync(stage.kubeconfig, 'utf8')) as Json;
  const { server } = config.clusters[0].cluster;
  const { token } = config.users[0].user;
  const send = (method: string, path: string, body?: string, type = 'application/json') => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type, 'user-agent': 'kubectl/v1.33' };
    return stage.ask(method, server.replace(/:443$/, '') + path, headers, body);
  };
  function fail(message: string): never {
    throw new Ended(1, message);
  }

  /** Where a kind lives, by discovery as the real one does it. */
  async function pathOf({ apiVersion, kind, metadata }: Json): Promise<string> {
    const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const answer = await send('GET', root);
    const { resources = [] } = answer.ok ? (JSON.parse(answer.text) as Json) : {};
    const found = resources.find((one: Json) => one.kind === kind && !one.name.includes('/'));
    if (!found)
      fail(
        `error: resource mapping not found for name: "${metadata.name}": no matches for kind "${kind}" in version "${apiVersion}"`,
      );
    return `${root}${found.namespaced ? `/namespaces/${metadata.namespace}` : ''}/${found.name}/${metadata.name}`;
  }

  /** Paths of what is only waited for. */
  const WAITED: Readonly<Record<string, string>> = {
    crd: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    deployment: '/apis/apps/v1/deployments',
    externalsecret: '/apis/external-secrets.io/v1/externalsecrets',
    csidriver: '/apis/storage.k8s.io/v1/csidrivers',
    mutatingwebhookconfiguration: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations',
  };

  /** Asks until it is so; its pauses are simulated time. */
  async function until(path: string, holds: (found: Json) => boolean): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      const answer = await send('GET', path);
      if (answer.ok && holds(JSON.parse(answer.text) as Json)) return;
      await stage.sandbox.surroundings.clock.sleep(2000);
    }
    fail(`error: timed out waiting for ${path}`);
  }

  switch (plain.slice(0, 2).join(' ')) {
    case 'apply': {
      only('server-side', 'field-manager', 'filename');
      if (flags.get('filename') !== '-' || !flags.has('server-side'))
        fail('error: by server-side apply of standard input');
      const text = stage.stdin;
      const object = parse(text) as Json;
      const query = `?fieldManager=${flags.get('field-manager')}&fieldValidation=Strict&force=false`;
      const answer = await send('PATCH', `${await pathOf(object)}${query}`, text, 'application/apply-patch+yaml');
      if (!answer.ok) fail(`Error from server: ${(JSON.parse(answer.text) as Json).message}`);
      return `${object.kind.toLowerCase()}/${object.metadata.name} serverside-applied\n`;
    }
    case 'create token': {
      only('namespace', 'audience', 'duration');
      const body = {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { audiences: [flags.get('audience')], expirationSeconds: 600 },
      };
      const path = `/api/v1/namespaces/${flags.get('namespace')}/serviceaccounts/${plain[2]}/token`;
      const answer = JSON.parse((await send('POST', path, JSON.stringify(body))).text) as Json;
      if (!answer.status?.token) fail(`error: failed to create token: ${answer.message}`);
      return `${answer.status.token}\n`;
    }
    case 'rollout status': {
      only('namespace', 'timeout');
      const name = /^deployment\/(.+)$/.exec(plain[2] ?? '')?.[1] ?? fail(`error: ${plain[2]}`);
      await until(
        `/apis/apps/v1/namespaces/${flags.get('namespace')}/deployments/${name}`,
        ({ spec, status }) => status?.availableReplicas >= spec.replicas,
      );
      return '';
    }
    default: {
      if (plain[0] !== 'wait') fail(`error: unknown command "${plain.join(' ')}"`);
      only('for', 'timeout', 'selector', 'namespace', 'all-namespaces');
      const [kind = '', name] = plain[1]!.split(/\/(.*)/s);
      const place = WAITED[kind] ?? fail(`error: the server doesn't have a resource type "${kind}"`);
      const root = flags.has('namespace') ? place.replace('/v1/', `/v1/namespaces/${flags.get('namespace')}/`) : place;
      const query = flags.has('selector') ? `?labelSelector=${encodeURIComponent(flags.get('selector')!)}` : '';
      const condition = /^condition=(\w+)$/.exec(flags.get('for') ?? '')?.[1]?.toLowerCase();
      if (!condition && flags.get('for') !== 'create') fail(`error: unrecognized condition: "${flags.get('for')}"`);
      const holds = ({ status }: Json): boolean =>
        !condition ||
        // The sandbox serves a kind as soon as its definition is there, and says nothing of it.
        (kind === 'crd' && condition === 'established') ||
        status?.conditions?.some((one: Json) => one.type.toLowerCase() === condition && one.status === 'True') === true;
      await until(name === undefined ? root + query : `${root}/${name}`, (found) => {
        const all = found.items ?? [found];
        return all.length > 0 && all.every(holds);
      });
      return '';
    }
  }
}
