import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { programNamed } from './build/programs.ts';
import { type Az, theAz } from './harness/az.ts';
import { diagnose } from './harness/diagnosis.ts';
import { withDapr, withWorkloadIdentity } from './harness/features.ts';
import { type Lab, type Live, theLab } from './harness/lab.ts';
import { startNodeAgent } from './harness/node-agent/index.ts';
import { LAB } from './harness/place.ts';
import { run, until } from './harness/processes.ts';
import { enter } from './harness/table.ts';

const CLIENT_ID = 'azure.workload.identity/client-id';
const VALUE = 'a value that az reads';
const ROLE = 'Key Vault Secrets User';

interface Named {
  readonly id: string;
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
}
interface Identity extends Named {
  readonly clientId: string;
  readonly principalId: string;
  readonly tenantId: string;
}
interface Assignment {
  readonly principalId: string;
  readonly principalName: string;
  readonly principalType: string;
  readonly roleDefinitionName: string;
  readonly scope: string;
}
interface Credential extends Named {
  readonly issuer: string;
  readonly subject: string;
  readonly audiences: readonly string[];
}

describe.skipIf(!LAB)('the Azure CLI', () => {
  const program = { program: 'az', version: programNamed('az').version };
  let lab: Lab;
  let az: Az;
  const group = '--resource-group demo-rg';
  const kubeconfig = () => join(lab.folder, 'by-az.kubeconfig');

  beforeAll(async () => {
    lab = await theLab();
    az = await theAz(lab);
    await startNodeAgent(lab);
    await withWorkloadIdentity(lab);
  });

  /** One row: what az reads is what is there. */
  const agrees = (title: string, seen: object, there: object) =>
    enter(
      {
        ...{ ...program, case: title, expected: 'as it was made' },
        seen: Object.entries(seen)
          .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`)
          .join(', '),
      },
      JSON.stringify(seen) === JSON.stringify(there),
    );
  const annotated = async (namespace: string, name: string): Promise<string> =>
    (await lab.object<Live>(`serviceaccount/${name} -n ${namespace}`))?.metadata.annotations?.[CLIENT_ID] ?? '';
  const done = async (words: string, stdin?: string) => {
    const { code, err } = await lab.kubectl(words, stdin);
    if (code !== 0) throw new Error(`kubectl ${words}: ${err}`);
  };

  it('signs in by a federated token', async () => {
    const { id, tenantId, user } = await az.get<{ id: string; tenantId: string; user: object }>('account show');
    agrees(
      'az account show',
      { id, tenantId, user },
      {
        ...{ id: lab.sandbox.place.subscriptionId, tenantId: lab.sandbox.parts.state.tenantId },
        user: { name: lab.deployer.clientId, type: 'servicePrincipal' },
      },
    );
  });

  describe('reads what init made', () => {
    const [namespace, workload, vault] = ['az-reads', 'orders', 'az-reads-kv'];
    let identity: Identity;

    beforeAll(async () => {
      lab.resolve(`${vault}.vault.azure.net`);
      const { code, out, err } = await lab.aksSecrets(
        `init --method workload-identity --vault ${vault} --create-vault --workload ${workload} --namespace ${namespace} ` +
          '--secret db-password --secret-value db-password=stdin --grant-self --keep-grant --yes',
        { stdin: VALUE },
      );
      expect({ code, said: code ? out + err : '' }).toEqual({ code: 0, said: '' });
    });

    it('the cluster', async () => {
      const { id, oidcIssuerProfile, securityProfile, fqdn } = await az.get<
        Named & { oidcIssuerProfile: object; securityProfile: { workloadIdentity: object }; fqdn: string }
      >(`aks show ${group} --name demo-aks`);
      const there = lab.cluster();
      agrees(
        'az aks show',
        { id, fqdn, oidcIssuerProfile, workloadIdentity: securityProfile.workloadIdentity },
        {
          ...{ id: there.id, fqdn: there.fqdn },
          ...{ oidcIssuerProfile: { enabled: true, issuerUrl: there.issuer }, workloadIdentity: { enabled: true } },
        },
      );
    });

    it('its group', async () => {
      const { id, location } = await az.get<{ id: string; location: string }>('group show --name demo-rg');
      const subscription = lab.sandbox.place.subscriptionId;
      const there = { id: `/subscriptions/${subscription}/resourceGroups/demo-rg`, location: 'westeurope' };
      agrees('az group show', { id, location }, there);
    });

    it('the identity that the service account names', async () => {
      const clientId = await annotated(namespace, workload);
      const all = await az.get<readonly Identity[]>(`identity list ${group}`);
      const listed = all.find((each) => each.clientId === clientId);
      identity = await az.get<Identity>(`identity show ${group} --name ${listed?.name}`);
      const { tags = {}, tenantId } = identity;
      agrees(
        'az identity show',
        { clientId: identity.clientId, tenantId, mark: tags['aks-secrets']?.split('/').slice(1).join('/') },
        { clientId, tenantId: lab.sandbox.parts.state.tenantId, mark: `${namespace}/${workload}` },
      );
    });

    it('its credential', async () => {
      const all = await az.get<readonly Credential[]>(
        `identity federated-credential list ${group} --identity-name ${identity.name}`,
      );
      agrees(
        'az identity federated-credential list',
        all.map(({ issuer, subject, audiences }) => ({ issuer, subject, audiences })),
        [
          {
            issuer: lab.cluster().issuer,
            subject: `system:serviceaccount:${namespace}:${workload}`,
            audiences: ['api://AzureADTokenExchange'],
          },
        ],
      );
    });

    it('the vault, and what it holds', async () => {
      const { properties, tags } = await az.get<Named & { properties: Record<string, unknown> }>(
        `keyvault show --name ${vault}`,
      );
      const { enableRbacAuthorization, vaultUri, tenantId } = properties;
      agrees(
        'az keyvault show',
        { enableRbacAuthorization, vaultUri, tenantId, mark: tags?.['aks-secrets']?.split('/').at(-1) },
        {
          ...{ enableRbacAuthorization: true, vaultUri: `https://${vault}.vault.azure.net/` },
          ...{ tenantId: lab.sandbox.parts.state.tenantId, mark: workload },
        },
      );
      const { value, attributes } = await az.get<{ value: string; attributes: { enabled: boolean } }>(
        `keyvault secret show --vault-name ${vault} --name db-password`,
      );
      agrees('az keyvault secret show', { value, enabled: attributes.enabled }, { value: VALUE, enabled: true });
    });

    it('who may read there', async () => {
      const { id } = await az.get<Named>(`keyvault show --name ${vault}`);
      const all = await az.get<readonly Assignment[]>(`role assignment list --scope ${id}`);
      const role = (of: string) => all.filter(({ roleDefinitionName }) => roleDefinitionName === of);
      agrees(
        'az role assignment list',
        role(ROLE).map(({ principalId, principalName, principalType, scope }) => ({
          ...{ principalId, principalName, principalType, scope },
        })),
        [
          {
            ...{ principalId: identity.principalId, principalName: identity.clientId },
            ...{ principalType: 'ServicePrincipal', scope: id },
          },
        ],
      );
    });

    it('the way into the cluster', async () => {
      const file = kubeconfig();
      const { code, err } = await az.run(`aks get-credentials ${group} --name demo-aks --file ${file}`);
      expect({ code, err: code ? err : '' }).toEqual({ code: 0, err: '' });
      const { out } = await run('kubectl', ['config', 'view', '--minify', '--output', 'jsonpath={..server}'], {
        env: { ...az.env, KUBECONFIG: file },
      });
      const who = await run('kubectl', ['get', 'namespace', namespace, '--output', 'name'], {
        env: { ...az.env, KUBECONFIG: file },
      });
      agrees(
        'az aks get-credentials, and kubectl by it',
        { server: out.trim(), says: who.out.trim() },
        { server: `https://${lab.cluster().fqdn}:443`, says: `namespace/${namespace}` },
      );
    });
  });

  describe('writes what the guide tells, by hand', () => {
    const [namespace, account, vault, name] = ['az-guide', 'guide', 'az-guide-kv', 'guide-identity'];
    const wanted = `--method workload-identity --vault ${vault} --workload ${account} --namespace ${namespace} --identity ${name} --secret db-password`;

    it('and init finds it so', async () => {
      lab.resolve(`${vault}.vault.azure.net`);
      await az.get(`aks update ${group} --name demo-aks --enable-oidc-issuer --enable-workload-identity`);
      const issuer = await az.get<string>(`aks show ${group} --name demo-aks --query oidcIssuerProfile.issuerUrl`);
      const { clientId, principalId } = await az.get<Identity>(`identity create ${group} --name ${name}`);
      await az.get(
        `identity federated-credential create ${group} --identity-name ${name} --name guide --issuer ${issuer} ` +
          `--subject system:serviceaccount:${namespace}:${account} --audiences api://AzureADTokenExchange`,
      );
      const made = `keyvault create ${group} --name ${vault} --location westeurope --enable-rbac-authorization true`;
      const { id } = await az.get<Named>(made);
      const assign = (who: string, role: string) =>
        az.get(`role assignment create ${who} --role '${role}' --scope ${id}`);
      await assign(`--assignee ${lab.deployer.clientId}`, 'Key Vault Secrets Officer');
      await assign(`--assignee-object-id ${principalId} --assignee-principal-type ServicePrincipal`, ROLE);
      await az.get(`keyvault secret set --vault-name ${vault} --name db-password --value '${VALUE}'`);
      await done(`create namespace ${namespace}`);
      await done(`create serviceaccount ${account} -n ${namespace}`);
      await done(`annotate serviceaccount ${account} -n ${namespace} ${CLIENT_ID}=${clientId}`);

      const mark = lab.sandbox.log.mark();
      const { code, out, err } = await lab.aksSecrets(`init ${wanted} --yes`);
      const writes = lab.sandbox.log.since(mark).filter(({ kind }) => kind === 'write');
      const { line, first } = await diagnose(lab, wanted);
      enter(
        {
          ...{ ...program, case: 'the guide by az and kubectl alone, then init' },
          expected: 'init writes nothing in Azure',
          seen: `exit ${code}, ${writes.length} writes${writes.map(({ method, path }) => ` ${method} ${path}`).join()}`,
          verify: line,
        },
        code === 0 && writes.length === 0 && first === 'well',
      );
      expect({ code, said: code ? out + err : '' }).toEqual({ code: 0, said: '' });
    });

    it('and verify of the running pod, without any file, finds it well', async () => {
      const script =
        "const {readFileSync}=require('node:fs');console.log(process.env.AZURE_CLIENT_ID,readFileSync(process.env.AZURE_FEDERATED_TOKEN_FILE).length>0);setInterval(()=>{},1e6)";
      await lab.apply({
        ...{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: account, namespace } },
        spec: {
          selector: { matchLabels: { app: account } },
          template: {
            metadata: { labels: { app: account, 'azure.workload.identity/use': 'true' } },
            spec: {
              serviceAccountName: account,
              containers: [
                {
                  ...{ name: 'app', image: 'node:24', command: ['node', '-e', script] },
                  env: [{ name: 'KEY_VAULT_URL', value: `https://${vault}.vault.azure.net/` }],
                },
              ],
            },
          },
        },
      });
      const pod = await until('the pod runs', async () => {
        const { out } = await lab.kubectl(
          `get pods -n ${namespace} -l app=${account} -o 'jsonpath={.items[?(@.status.phase=="Running")].metadata.name}'`,
        );
        return out.trim() || undefined;
      });
      // Nobody says which subscription and cluster: az wrote both down, the one as its default, the other as a context.
      const env = { AZURE_CONFIG_DIR: String(az.env.AZURE_CONFIG_DIR), KUBECONFIG: kubeconfig() };
      const { code, out } = await lab.aksSecrets(`verify --pod ${namespace}/${pod} --secret db-password`, {
        bare: true,
        env,
      });
      const found = await lab.aksSecrets(`verify --pod ${namespace}/${pod} --secret db-password -o json`, {
        bare: true,
        env,
      });
      const { summary } = JSON.parse(found.out) as { summary: Record<string, number> };
      enter(
        {
          ...{ ...program, case: 'a pod of what az made' },
          expected: 'verify --pod finds all well',
          seen: `exit ${code}`,
          verify: JSON.stringify(summary),
        },
        code === 0,
      );
      expect(out).not.toMatch(/✗/);
    });
  });

  describe('runs the script that export writes', () => {
    const folder = () => {
      const path = join(lab.folder, 'exported');
      mkdirSync(path, { recursive: true });
      return path;
    };

    it.each(['workload-identity', 'csi', 'dapr'] as const)('of %s', async (method) => {
      // az can only install the extension by one of its own, which is on no package index.
      if (method === 'dapr') await withDapr(lab);
      const vault = `az-script-${method.slice(0, 3)}-kv`;
      lab.resolve(`${vault}.vault.azure.net`);
      const [namespace, workload] = [`az-script-${method}`, 'orders'];
      const wanted = `--method ${method} --vault ${vault} --workload ${workload} --namespace ${namespace} --secret db-password`;
      const exported = await lab.aksSecrets(
        `export ${wanted} --create-vault --secret-value db-password=env:VALUE --format script`,
        { env: { VALUE } },
      );
      expect({ code: exported.code, err: exported.code ? exported.err : '' }).toEqual({ code: 0, err: '' });
      const file = join(folder(), `${method}.sh`);
      writeFileSync(file, exported.out, { mode: 0o700 });
      const ran = await run('/bin/bash', [file], { env: { ...az.env, VALUE }, cwd: folder() });
      const mark = lab.sandbox.log.mark();
      const init = await lab.aksSecrets(`init ${wanted} --yes`);
      const writes = lab.sandbox.log.since(mark).filter(({ kind }) => kind === 'write');
      const { line, first } = await diagnose(lab, wanted);
      enter(
        {
          ...{ ...program, case: `the script of export for ${method}, with az, kubectl and curl` },
          expected: 'its proof holds, and init writes nothing more',
          seen: `exit ${ran.code}: ${ran.out.trim().split('\n').at(-1)} ${ran.code ? ran.err : ''}; ${writes.length} writes`,
          verify: line,
        },
        ran.code === 0 && init.code === 0 && writes.length === 0 && first === 'well',
      );
    });
  });
});
