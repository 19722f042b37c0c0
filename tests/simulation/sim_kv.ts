/**
 * Deno KV as one simulated process sees it. The database is the real one; its operations run one at a
 * time in the order they were asked for, so that a seed always gives the same history.
 */
export class SerialKv {
  #last: Promise<unknown> = Promise.resolve();
  #open = 0;

  constructor(readonly kv: Deno.Kv) {}

  get busy(): boolean {
    return this.#open > 0;
  }

  run<T>(operation: () => Promise<T>): Promise<T> {
    this.#open++;
    const result = this.#last.then(operation);
    this.#last = result.then(() => {}, () => {});
    return result.finally(() => this.#open--);
  }

  /** The database behind `gate`, which may delay an operation, fail its commit or never answer. */
  asSeenThrough(gate: Gate): Deno.Kv {
    const { kv } = this;
    const run = <T>(operation: () => Promise<T>) => gate.pass(() => this.run(operation));
    const seen: Partial<Deno.Kv> = {
      get: (...args: Parameters<Deno.Kv["get"]>) => run(() => kv.get(...args)),
      getMany: (...args: Parameters<Deno.Kv["getMany"]>) => run(() => kv.getMany(...args)),
      delete: (...args: Parameters<Deno.Kv["delete"]>) => run(() => kv.delete(...args)),
      list: (...args: Parameters<Deno.Kv["list"]>) => {
        // One batch is one operation, as in the real database.
        let batch: Promise<{ result: IteratorResult<unknown>; cursor: string }[]> | null = null;
        let cursor = "";
        const wrapped = {
          async next() {
            batch ??= run(() => drain(kv.list(...args)));
            const step = (await batch).shift();
            cursor = step?.cursor ?? cursor;
            return step?.result ?? { done: true, value: undefined };
          },
          get cursor() {
            return cursor;
          },
          [Symbol.asyncIterator]: () => wrapped,
        };
        return wrapped;
      },
      atomic: () => {
        const operation = kv.atomic();
        const commit = operation.commit.bind(operation);
        operation.commit = () =>
          run(() => gate.commitFails() ? Promise.resolve({ ok: false as const }) : commit());
        return operation;
      },
    } as Partial<Deno.Kv>;
    return seen as Deno.Kv;
  }
}

async function drain(iterator: Deno.KvListIterator<unknown>) {
  const steps: { result: IteratorResult<unknown>; cursor: string }[] = [];
  for (let result = await iterator.next(); !result.done; result = await iterator.next()) {
    steps.push({ result, cursor: iterator.cursor });
  }
  return steps;
}

/** What stands between a process and the world. */
export interface Gate {
  pass<T>(operation: () => Promise<T>): Promise<T>;
  commitFails(): boolean;
}
