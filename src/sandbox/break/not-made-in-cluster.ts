/** Failures of the driver, the operator and Dapr that the sandbox does not make: why not, as a clause. */
export const notMadeInCluster: Readonly<Record<string, string>> = {
  F128: 'what the operator ignores of another cloud shows only there, and the sandbox has the public cloud alone; its webhook denies such a store',
  F147: 'Key Vault imports no certificate that it cannot read, and the provider here converts none: what it would say is not known from a capture',
  F149: "the driver's program is not run, so nothing of it can panic",
};
