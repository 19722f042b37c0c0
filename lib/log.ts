/** Structured logs: one JSON object a line. Callers pass no secrets, no queries and no tokens. */

/** Writes one line. `event` says what happened, in a few words. */
export function log(
  level: "info" | "warning" | "error",
  event: string,
  fields: Record<string, string | number | boolean | null> = {},
): void {
  const line = JSON.stringify({ time: new Date().toISOString(), level, event, ...fields });
  // deno-lint-ignore no-console -- the one place that writes logs
  (level === "info" ? console.log : console.error)(line);
}
