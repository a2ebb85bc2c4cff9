/** Why a volume could not be mounted, in the words that the event quotes. */
export class MountError extends Error {}
