/** Storms on several cores: each worker has a database of its own and takes the next seeds. */
import type { DatabaseKind } from "./storm.ts";
import { addBatch, type Batch, emptyBatch } from "./batch.ts";

/** Seeds that a worker is given at once. */
const CHUNK = 50;

/** What a worker is asked for. */
export interface Order {
  from: number;
  count: number;
  plant: string | undefined;
  database: DatabaseKind;
}

/** One chunk in so many rages on a real Deno KV, the others on its mirror, unless asked otherwise. */
const REAL_EVERY = 10;

/** Lets `storms` storms rage from seed `from` on `jobs` workers; `told` hears of every chunk. */
export async function stormPool(
  { from, storms, jobs, plant, database, signal }: {
    from: number;
    storms: number;
    jobs: number;
    plant: string | undefined;
    database: DatabaseKind | undefined;
    /** Once it aborts, what has begun is finished, and no more. */
    signal: AbortSignal;
  },
  told: (sum: Batch, chunk: Batch) => void,
): Promise<Batch> {
  const sum = emptyBatch();
  let next = from;
  const work = async () => {
    const worker = new Worker(new URL("./storm.worker.ts", import.meta.url), { type: "module" });
    try {
      while (next < from + storms && !signal.aborted) {
        const usual = (next - from) / CHUNK % REAL_EVERY === 0 ? "real" : "mirror";
        const count = Math.min(CHUNK, from + storms - next);
        const order = { from: next, count, plant, database: database ?? usual };
        next += count;
        const chunk = await ask(worker, order);
        addBatch(sum, chunk);
        told(sum, chunk);
      }
    } finally {
      worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  sum.failed.sort((a, b) => a.seed - b.seed);
  return sum;
}

function ask(worker: Worker, order: Order): Promise<Batch> {
  return new Promise((resolve, reject) => {
    worker.onmessage = (event: MessageEvent<Batch>) => resolve(event.data);
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`Let storms ${order.from} and on rage: ${event.message}`));
    };
    worker.postMessage(order);
  });
}
