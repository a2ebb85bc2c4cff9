import { Refusal, type Reply } from '../parts.ts';

/** Throws Key Vault's error body: `code` is what clients key on, `inner` says which kind of Forbidden or Conflict. */
export function refuse(status: number, code: string, message: string, inner?: string): never {
  throw new Refusal({ status, body: { error: { code, message, ...(inner && { innererror: { code: inner } }) } } });
}

export const badParameter = (message: string): never => refuse(400, 'BadParameter', message);

/** The two kinds of 404: the object, and the object in its deleted state. */
export function notFound(type: 'secret' | 'key' | 'certificate', name: string, version?: string): never {
  const named = version ? `${name}/${version}` : name;
  const article = `A ${type}`;
  const code = `${type.charAt(0).toUpperCase()}${type.slice(1)}NotFound`;
  return refuse(
    404,
    code,
    `${article} with (name/id) ${named} was not found in this key vault. If you recently deleted this ${type} you may ` +
      'be able to recover it using the correct recovery command. For help resolving this issue, please see ' +
      'https://go.microsoft.com/fwlink/?linkid=2125182',
  );
}

/** Azure has it, the sandbox does not. 501 is the one server error that the Azure SDKs do not try again. */
export const notSimulated = (what: string): Reply => ({
  status: 501,
  body: { error: { code: 'NotSimulated', message: `The sandbox's Key Vault does not know ${what}.` } },
});
