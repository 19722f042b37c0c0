import assert from "node:assert/strict";
import { ApiError } from "../../lib/api/client.ts";
import { CallError, knownCodes, problemOf, toProblem } from "../../lib/call/errors.ts";

/** Every error name in the platform's client: its documentation is in its comments. */
async function sdkErrorNames(): Promise<Set<string>> {
  const source = await Deno.readTextFile(new URL(import.meta.resolve("@opentok/client")));
  return new Set(source.match(/\bOT_[A-Z]+(?:_[A-Z]+)*\b/g));
}

Deno.test("every documented error of the platform has a sentence of its own", async () => {
  const names = await sdkErrorNames();
  assert.ok(names.size > 60 && names.has("OT_AUTHENTICATION_ERROR"), `${names.size} names`);
  assert.deepEqual([...names].filter((name) => !knownCodes.includes(name)), []);
});

Deno.test("every sentence says what happened and what to do, without the code", () => {
  for (const code of knownCodes) {
    const { text, remedy } = problemOf(code);
    assert.match(text, /^[A-Z].*[^.]$/, code);
    assert.match(remedy, /^[A-Z].*\.$/, code);
    assert.ok(!text.includes(code) && !remedy.includes(code), code);
  }
});

Deno.test("an unknown error is shown by its name, so that it can be reported", () => {
  for (const code of ["OT_SOMETHING_NEW", "constructor", ""]) {
    const problem = problemOf(code);
    assert.equal(problem.code, code);
    assert.ok(problem.text.includes(`(${code})`));
  }
});

Deno.test("toProblem() understands whatever is thrown", () => {
  assert.equal(toProblem({ name: "OT_TIMEOUT", message: "x" }).code, "OT_TIMEOUT");
  assert.equal(toProblem(new DOMException("x", "NotAllowedError")).code, "NotAllowedError");
  const own = { code: "http-403", text: "No entry", remedy: "Ask." };
  assert.equal(toProblem(new CallError(own)), own);
  const refused = toProblem(new ApiError(403, "No entry", "Ask."));
  assert.deepEqual(refused, own);
  for (const odd of [null, undefined, 7, "text", {}]) {
    assert.equal(typeof toProblem(odd).text, "string");
  }
});
