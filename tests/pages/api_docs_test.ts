import assert from "node:assert/strict";
import { z } from "zod";
import { wordsOf } from "../../lib/api/reading.ts";
import { assertPage, assertShows, test } from "./support.ts";

const operationsSchema = z.record(z.string(), z.object({ operationId: z.string() }));
const documentSchema = z.object({
  externalDocs: z.object({ url: z.literal("/api/docs") }),
  paths: z.record(z.string(), operationsSchema),
});

test("/api/docs shows every operation and shape of the description, without script", async (app) => {
  const page = await app.get("/api/docs");
  assertPage(page, 200);
  assert.doesNotMatch(page.body, /<script|https?:\/\/(?!gapless\.test)/);
  const description = await app.get("/api/openapi.json");
  const { paths } = documentSchema.parse(JSON.parse(description.body));
  for (const [path, item] of Object.entries(paths)) {
    assertShows(page, `${path}</code>`);
    for (const { operationId } of Object.values(item)) assertShows(page, `id="${operationId}"`);
  }
  for (const [, shape] of page.body.matchAll(/href="#([A-Z]\w*)"/g)) {
    assertShows(page, `id="${shape}"`);
  }
  const ids = [...page.body.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length);
});

test("other addresses under /api stay the API's, also beside the page", async (app) => {
  const { status, headers } = await app.get("/api/docs/more");
  assert.equal(status, 404);
  assert.equal(headers.get("content-type"), "application/problem+json");
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
