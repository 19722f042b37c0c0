/** What a process tells an OpenTelemetry collector, over OTLP, with Deno's own exporter. */
import assert from "node:assert/strict";
import { z } from "zod";

const valueSchema = z.record(z.string(), z.unknown()).transform((value) => Object.values(value)[0]);
const attributesSchema = z.array(z.object({ key: z.string(), value: valueSchema }))
  .transform((list) => Object.fromEntries(list.map(({ key, value }) => [key, value])));
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string(),
  name: z.string(),
  attributes: attributesSchema,
  status: z.object({ code: z.number().default(0), message: z.string().default("") }).prefault({}),
});
type Span = z.infer<typeof spanSchema>;
const tracesSchema = z.object({
  resourceSpans: z.array(z.object({
    scopeSpans: z.array(
      z.object({ scope: z.object({ name: z.string() }), spans: z.array(spanSchema) }),
    ),
  })),
}).transform(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans))
  // The runtime's own spans, of requests, carry addresses whole: see docs/DEPLOY.md.
  .transform((scopes) => scopes.filter(({ scope }) => scope.name === "gapless"))
  .transform((scopes) => scopes.flatMap(({ spans }) => spans));

/** Runs a recording in a process of its own that exports to a collector; answers what came. */
async function collect(env: Record<string, string>): Promise<{ spans: Span[]; all: string }> {
  const bodies: string[] = [];
  const spans: Span[] = [];
  const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
  const collector = Deno.serve(options, async (request) => {
    const body = await request.text();
    bodies.push(body);
    if (request.url.endsWith("/v1/traces")) spans.push(...tracesSchema.parse(JSON.parse(body)));
    return Response.json({});
  });
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/api/telemetry_run.ts"],
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      ...env,
    },
  }).output();
  await collector.shutdown();
  assert.ok(success, new TextDecoder().decode(stderr));
  return { spans, all: bodies.join("\n") };
}

Deno.test("OTEL_DENO=true tells of platform calls and steps of recording, and of no secret", async () => {
  const { spans, all } = await collect({ OTEL_DENO: "true" });
  const named = (name: string) => {
    const found = spans.find((span) => span.name === name);
    assert.ok(found, `"${name}" is missing in ${JSON.stringify(spans.map((s) => s.name))}`);
    return found;
  };
  const step = named("start: starting");
  assert.deepEqual(step.attributes, {
    "gapless.room": "main",
    "gapless.command": "start-archive",
    "gapless.attempt": step.attributes["gapless.attempt"],
    "gapless.outcome": "ok",
  });
  const call = named("opentok: start an archive");
  assert.equal(call.parentSpanId, step.spanId);
  assert.equal(call.traceId, step.traceId);
  assert.equal(Number(call.attributes["http.response.status_code"]), 200);
  assert.equal(Number(call.attributes["opentok.tries"]), 1);
  assert.ok(named("opentok: create a session"));
  assert.ok(named("stop: stopping"));

  const failed = spans.find((span) => span.attributes["error.type"] === "not-found");
  assert.ok(failed);
  assert.equal(failed.name, "opentok: read the archive");
  assert.equal(failed.status.code, 2);
  assert.match(failed.status.message, /^Cannot read the archive/);

  const ours = JSON.stringify(spans);
  for (const secret of [/eyJ/, /Bearer/i, /token/i, /https?:/, /secret/i]) {
    assert.doesNotMatch(ours, secret);
  }
  assert.ok(!all.includes("correct horse battery"));
  assert.doesNotMatch(all, /cookie/i);
});

Deno.test("without OTEL_DENO nothing is told", async () => {
  const { all } = await collect({ OTEL_DENO: "" });
  assert.equal(all, "");
});
