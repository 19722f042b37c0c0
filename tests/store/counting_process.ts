/** A process that counts up, beside others, in the store at the path given: run by `store_test.ts`. */
import { z } from "zod";
import { openStore } from "../../lib/store/mod.ts";

const [path = "", times = "0"] = Deno.args;
const store = await openStore(path);
for (let i = 0; i < Number(times); i++) {
  await store.values.update(["count"], z.number(), (count) => (count ?? 0) + 1);
}
store.close();
