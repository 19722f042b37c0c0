import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { openStore } from "../../lib/store/mod.ts";

Deno.test("processes that write to the same file at once all get through", async () => {
  const dir = await Deno.makeTempDir({ prefix: "store-" });
  try {
    const script = fileURLToPath(new URL("./counting_process.ts", import.meta.url));
    const ended = await Promise.all(
      [1, 2].map(() =>
        new Deno.Command(Deno.execPath(), { args: ["run", "-A", script, `${dir}/kv`, "100"] })
          .output()
      ),
    );
    for (const { success, stderr } of ended) {
      assert.ok(success, new TextDecoder().decode(stderr));
    }
    const store = await openStore(`${dir}/kv`);
    assert.equal(await store.values.get(["count"], z.number()), 200);
    store.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
