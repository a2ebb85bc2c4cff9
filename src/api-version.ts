/** Of the file and of every document that is printed as JSON. */
export const API_VERSION = 'aks-secrets/v1';
