/** The API's description is valid OpenAPI 3.1 and describes exactly what is served. */
import assert from "node:assert/strict";
import { z } from "zod";
import { createApiApp } from "../../lib/api/mod.ts";
import { assertJson, test } from "./server.ts";

/** JSON Schema 2020-12, as much of it as may occur; an unknown keyword is a mistake. */
const schemaObject: z.ZodType = z.lazy(() =>
  z.strictObject({
    $ref: z.string().startsWith("#/components/schemas/"),
    type: z.union([typeName, z.array(typeName).min(2)]),
    enum: z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])).min(1),
    const: z.unknown(),
    default: z.unknown(),
    description: z.string(),
    format: z.string(),
    pattern: z.string(),
    minLength: size,
    maxLength: size,
    minimum: z.number(),
    maximum: z.number(),
    exclusiveMinimum: z.number(),
    exclusiveMaximum: z.number(),
    minItems: size,
    maxItems: size,
    items: schemaObject,
    properties: z.record(z.string(), schemaObject),
    required: z.array(z.string()),
    additionalProperties: z.union([z.boolean(), schemaObject]),
    propertyNames: schemaObject,
    anyOf: z.array(schemaObject).min(1),
    oneOf: z.array(schemaObject).min(1),
    allOf: z.array(schemaObject).min(1),
    discriminator: z.strictObject({
      propertyName: z.string(),
      mapping: z.record(z.string(), z.string()).optional(),
    }),
  }).partial()
);
const size = z.number().int().min(0);
const typeName = z.enum(["string", "number", "integer", "boolean", "object", "array", "null"]);
const content = z.record(
  z.string().regex(/^[\w.+-]+\/[\w.+*-]+$/),
  z.strictObject({ schema: schemaObject }),
);
const server = z.strictObject({ url: z.string(), description: z.string().optional() });
const security = z.array(z.record(z.string(), z.array(z.string())));
const parameter = z.strictObject({
  name: z.string().min(1),
  in: z.enum(["query", "header", "path", "cookie"]),
  required: z.boolean().optional(),
  description: z.string().optional(),
  schema: schemaObject,
}).refine((p) => p.in !== "path" || p.required === true, "a path parameter is required");
const response = z.strictObject({
  description: z.string().min(1),
  headers: z.record(z.string(), z.strictObject({ schema: schemaObject })).optional(),
  content: content.optional(),
});
const operation = z.strictObject({
  tags: z.array(z.string()).min(1),
  summary: z.string().min(1),
  description: z.string().optional(),
  operationId: z.string().regex(/^[a-z]\w+$/i),
  parameters: z.array(parameter).optional(),
  requestBody: z.strictObject({
    description: z.string().optional(),
    required: z.boolean().optional(),
    content,
  }).optional(),
  responses: z.record(z.string().regex(/^([1-5](\d\d|XX)|default)$/), response),
  servers: z.array(server).optional(),
  security: security.optional(),
});
const documentSchema = z.strictObject({
  openapi: z.string().regex(/^3\.1\.\d+$/),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  servers: z.array(server),
  security,
  tags: z.array(z.strictObject({ name: z.string(), description: z.string() })),
  externalDocs: z.strictObject({ url: z.string(), description: z.string() }),
  components: z.strictObject({
    schemas: z.record(z.string().regex(/^[\w.-]+$/), schemaObject),
    parameters: z.record(z.string(), parameter),
    securitySchemes: z.record(
      z.string(),
      z.strictObject({ type: z.literal("apiKey"), in: z.literal("cookie"), name: z.string() }),
    ),
  }),
  paths: z.record(
    z.string().startsWith("/"),
    z.partialRecord(z.enum(["get", "post", "put", "patch", "delete"]), operation),
  ),
  webhooks: z.strictObject({}),
});

function operationsOf(document: z.infer<typeof documentSchema>) {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, ...operation }))
  );
}

test("the description is valid OpenAPI 3.1", async ({ ask }) => {
  const answer = await ask("GET", "/api/openapi.json");
  const document = documentSchema.parse(assertJson(answer));
  const operations = operationsOf(document);
  assert.ok(operations.length > 20);

  const ids = operations.map((operation) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length, `every operation has its id: ${ids}`);
  const tags = document.tags.map((tag) => tag.name);
  const schemes = Object.keys(document.components.securitySchemes);
  for (const { path, method, tags: used, parameters = [], security = [] } of operations) {
    const what = `${method} ${path}`;
    assert.ok(used.every((tag) => tags.includes(tag)), what);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const given = parameters.filter((p) => p.in === "path").map((p) => p.name);
    assert.deepEqual(given.sort(), inPath.sort(), what);
    const names = parameters.map((p) => `${p.in} ${p.name}`);
    assert.equal(new Set(names).size, names.length, what);
    const needed = [...security, ...document.security].flatMap(Object.keys);
    assert.ok(needed.every((name) => schemes.includes(name)), what);
  }
  for (const [, name = ""] of answer.text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(document.components.schemas[name], `${name} is referred to but not there`);
  }
});

test("every route that is served is described, and nothing else", async ({ ask, services }) => {
  const document = documentSchema.parse(assertJson(await ask("GET", "/api/openapi.json")));
  const stated = operationsOf(document).flatMap(({ path, method, servers = document.servers }) =>
    servers.map(({ url }) => `${method.toUpperCase()} ${url === "/" ? "" : url}${path}`)
  );
  const { routes } = createApiApp({
    ...services,
    client: {},
    signatureSecret: null,
    closing: new AbortController().signal,
  });
  const served = routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}")}`);
  assert.deepEqual([...new Set(stated)].sort(), [...new Set(served)].sort());
});

test("every list is read on with a cursor", async ({ ask }) => {
  const document = documentSchema.parse(assertJson(await ask("GET", "/api/openapi.json")));
  const lists = operationsOf(document).filter(({ method, responses }) =>
    method === "get" && JSON.stringify(responses["200"] ?? {}).includes('"cursor"')
  );
  const paths = lists.map((list) => list.path).sort();
  assert.deepEqual(paths, ["/archives", "/chains", "/links", "/orphans", "/rooms"]);
  for (const { path, parameters = [] } of lists) {
    const query = parameters.filter((p) => p.in === "query").map((p) => p.name);
    assert.ok(query.includes("cursor") && query.includes("limit"), path);
  }
});
