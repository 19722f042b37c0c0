import assert from "node:assert/strict";
import { wordsOf } from "../../lib/api/reading.ts";
import { withApp } from "./support.ts";

Deno.test("/api/docs shows every operation and shape of the description, without script", async () => {
  await withApp({}, async (app) => {
    const { status, headers, body } = await app.get("/api/docs");
    assert.equal(status, 200, body);
    assert.match(headers.get("content-type") ?? "", /^text\/html/);
    assert.doesNotMatch(body, /<script|https?:\/\/(?!gapless\.test)/);
    const description = JSON.parse((await app.get("/api/openapi.json")).body);
    assert.equal(description.externalDocs.url, "/api/docs");
    for (
      const [path, item] of Object.entries<Record<string, { operationId: string }>>(
        description.paths,
      )
    ) {
      assert.ok(body.includes(`${path}</code>`), path);
      for (const { operationId } of Object.values(item)) {
        assert.ok(body.includes(`id="${operationId}"`), operationId);
      }
    }
    for (const [, shape] of body.matchAll(/href="#([A-Z]\w*)"/g)) {
      assert.ok(body.includes(`id="${shape}"`), `${shape} is referred to but not there`);
    }
    const ids = [...body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    assert.equal(new Set(ids).size, ids.length);
  });
});

Deno.test("other addresses under /api stay the API's, also beside the page", async () => {
  await withApp({}, async (app) => {
    const { status, headers } = await app.get("/api/docs/more");
    assert.equal(status, 404);
    assert.equal(headers.get("content-type"), "application/problem+json");
  });
});

const shapes: [string, Record<string, unknown>, string][] = [
  ["a reference", { $ref: "#/components/schemas/Room" }, "Room"],
  ["choices", { type: "string", enum: ["a", "b"] }, '"a" | "b"'],
  ["several types", { type: ["string", "null"] }, "string | null"],
  ["a list of choices", { type: "array", items: { enum: ["a", "b"] } }, '("a" | "b")[]'],
  [
    "limits",
    { type: "integer", minimum: 1, maximum: 100, default: 20 },
    "number /* whole, 1 to 100, default 20 */",
  ],
  [
    "an object",
    {
      type: "object",
      properties: { a: { type: "string" }, b: { type: "boolean" } },
      required: ["a"],
    },
    "{\n  a: string;\n  b?: boolean;\n}",
  ],
  ["anything", {}, "unknown"],
];
for (const [what, schema, words] of shapes) {
  Deno.test(`wordsOf() says ${what}`, () => assert.equal(wordsOf(schema), words));
}
