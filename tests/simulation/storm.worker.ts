/** One of the workers of `pool.ts`. */
import { stormBatch } from "./batch.ts";
import { PLANTS } from "./planted.ts";
import type { Order } from "./pool.ts";
import { Simulator } from "./storm.ts";

/** As much of a worker's global scope as is used here. */
declare const self: {
  onmessage: (event: MessageEvent<Order>) => void;
  postMessage(message: unknown): void;
};

// Whoever listens only after waiting misses the first order.
const opening = {
  real: Simulator.open(),
  mirror: Simulator.open({ database: "mirror" }),
};
self.onmessage = async ({ data: { from, count, plant, database } }) => {
  const simulator = await opening[database];
  self.postMessage(await stormBatch(simulator, from, count, { plant: PLANTS[plant ?? ""] }));
};
