/** Storms on several cores: each worker has a database of its own and takes the next seeds. */
import { addBatch, type Batch, emptyBatch } from "./batch.ts";

/** Seeds that a worker is given at once. */
const CHUNK = 50;

/** What a worker is asked for. */
export interface Order {
  from: number;
  count: number;
  plant?: string;
}

/** Lets `storms` storms rage from seed `from` on `jobs` workers; `told` hears of every chunk. */
export async function stormPool(
  { from, storms, jobs, plant }: { from: number; storms: number; jobs: number; plant?: string },
  told: (sum: Batch, chunk: Batch) => void,
): Promise<Batch> {
  const sum = emptyBatch();
  let next = from;
  const work = async () => {
    const worker = new Worker(new URL("./storm.worker.ts", import.meta.url), { type: "module" });
    try {
      while (next < from + storms) {
        const order = { from: next, count: Math.min(CHUNK, from + storms - next) };
        next += order.count;
        const chunk = await ask(worker, plant === undefined ? order : { ...order, plant });
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
