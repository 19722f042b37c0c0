/** What is written to the logs while everything goes wrong: events a machine can read, no secrets. */
import assert from "node:assert/strict";
import { z } from "zod";
import { PASSWORD } from "../support/test_services.ts";
import { assertJson, assertProblem, openServer } from "./server.ts";

const lineSchema = z.object({
  time: z.iso.datetime(),
  level: z.enum(["info", "warning", "error"]),
  event: z.string().min(1),
});

/** A session of the project 123, as the SDK reads ids. */
const sessionId = (name: string) => `1_${btoa(`1~123~~1700000000000~${name}~`)}`;

Deno.test("logs are one JSON object a line, and hold no secret, cookie or link", async () => {
  const { log, error } = console;
  using _restored = { [Symbol.dispose]: () => Object.assign(console, { log, error }) };
  const lines: string[] = [];
  console.log = console.error = (line: unknown) => void lines.push(String(line));
  const secrets = await useSecrets();
  assert.ok(lines.some((line) => line.includes("Cannot create a session")), lines.join("\n"));
  for (const line of lines) lineSchema.parse(JSON.parse(line));
  const all = lines.join("\n");
  assert.doesNotMatch(all, /hush|eyJ|Bearer|T1==/);
  for (const secret of secrets) assert.ok(secret.length > 8 && !all.includes(secret));
});

/** Uses every kind of secret on a server whose platform fails; returns those to look for in the logs. */
async function useSecrets(): Promise<string[]> {
  await using server = await openServer({
    API_KEY: "123",
    API_SECRET: "project-hush-hush",
    SIGNATURE_SECRET: "signature-hush-hush",
    OPENTOK_API_URL: "http://127.0.0.1:1",
    SESSION_ID_PRIMARY: sessionId("one"),
    SESSION_ID_SECONDARY: sessionId("two"),
  });
  const { admin, asAdmin, askWith } = server;
  const scope = { kind: "room", room: "main" };
  const link = assertJson(await admin("POST", "/api/links", { scope }), 201);
  assertProblem(await admin("POST", "/api/rooms", { name: "other" }), 503);
  const host = { name: "Ada", host: true };
  const joined = assertJson(await admin("POST", "/api/rooms/main/join", host));
  await admin("GET", "/api/archives?limit=1&token=query-hush-hush");
  const authorization = "Bearer eyJhbGciOiJIUzI1NiJ9.e30.hush-hush";
  const hint = { id: "a", sessionId: "s" };
  await askWith({ authorization })("POST", "/api/callbacks/archive", hint);
  return [
    PASSWORD,
    asAdmin.cookie.split("=")[1] ?? "",
    link.url.split("/open/")[1],
    joined.primary.token,
    joined.secondary.token,
  ];
}
