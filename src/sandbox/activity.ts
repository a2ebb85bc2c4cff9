/** What is going on in the sandbox; time stands still for it. */
export interface Activity {
  /** Something begins; the answer ends it (once, however often it is called). */
  begin(): () => void;
  during<T>(work: Promise<T>): Promise<T>;
  /** What is open stands aside while it waits for simulated time itself. */
  aside<T>(wait: Promise<T>): Promise<T>;
  /** Something happened that begins nothing. */
  touch(): void;
  readonly open: number;
  /** Grows with everything that happens. */
  readonly count: number;
}

export function createActivity(): Activity {
  let open = 0;
  let count = 0;
  const begin = () => {
    open += 1;
    count += 1;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      open -= 1;
      count += 1;
    };
  };
  return {
    begin,
    async during(work) {
      const end = begin();
      try {
        return await work;
      } finally {
        end();
      }
    },
    async aside(wait) {
      open -= 1;
      try {
        return await wait;
      } finally {
        open += 1;
        count += 1;
      }
    },
    touch() {
      count += 1;
    },
    get open() {
      return open;
    },
    get count() {
      return count;
    },
  };
}
