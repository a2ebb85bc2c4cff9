/** Failures of Azure, of identities and of wiring that the sandbox does not make: why not, as a clause. */
export const notMadeInAzure: Readonly<Record<string, string>> = {
  F006: 'an assignment of the same principal, role and scope is what init wants, so that nothing fails',
  F012: 'a name is given to init, not found in the world, and init refuses a bad one before it asks Azure',
  F018: 'nothing that this tool does switches the add-on off',
  F041:
    'whether a user may read a file is for the container runtime, and the sandbox runs scripts as the user that it ' +
    'runs as',
  F144: 'the Key Vault service itself fails, and no state of a world is behind it',
};
