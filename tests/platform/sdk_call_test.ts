/** One call of the SDK always settles, once, whatever the SDK does with its callback. */
import assert from "node:assert/strict";
import { callSdk } from "../../lib/platform/sdk_call.ts";

Deno.test("callSdk() counts only the first of two answers", async () => {
  const first = await callSdk((done) => {
    done(null, "archive");
    done(new Error("again"));
  }, 1_000);
  assert.deepEqual([first.error, first.values], [null, ["archive"]]);
  const failed = await callSdk((done) => {
    done(new Error("refused"));
    done(null, "archive");
  }, 1_000);
  assert.match(String(failed.error), /refused/);
  assert.deepEqual(failed.values, []);
});

Deno.test("callSdk() settles for an SDK that throws, and at its deadline for one that is silent", async () => {
  const thrown = await callSdk(() => {
    throw new TypeError("no session");
  }, 1_000);
  assert.match(String(thrown.error), /no session/);
  let answer = () => {};
  const silent = await callSdk((done) => answer = () => done(null, "late"), 10);
  assert.equal(silent.timedOut, true);
  answer();
  assert.deepEqual(silent.values, []);
});
