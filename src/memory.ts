/** Makes it at the first call, and then hands out the same. A failure is forgotten, so that a later call tries anew. */
export function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}

/** Equal reads made once, also those that fail. */
export function createMemory(): <T>(key: string, read: () => Promise<T>) => Promise<T> {
  const held = new Map<string, Promise<unknown>>();
  return <T>(key: string, read: () => Promise<T>) => {
    const found = held.get(key) as Promise<T> | undefined;
    if (found) return found;
    const asked = read();
    held.set(key, asked);
    return asked;
  };
}
