/** A kubeconfig with one cluster and one user, as JSON (which is YAML). */
export const kubeconfigOf = (of: {
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
  readonly name?: string;
}): string => {
  const { name = 'lab' } = of;
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name,
          cluster: { server: of.server, 'certificate-authority-data': Buffer.from(of.ca).toString('base64') },
        },
      ],
      users: [{ name, user: { token: of.token } }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      'current-context': name,
    },
    null,
    2,
  );
};
