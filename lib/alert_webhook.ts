/** Alerts as they leave this app: a line in the log and, if one is set, a request to a webhook. */
import type { TellAlert, ToldAlert } from "./handover/mod.ts";
import { log } from "./log.ts";

const DEADLINE_MS = 5_000;

/** What a webhook is sent, as JSON. Documented in docs/DEPLOY.md. */
export interface WebhookBody {
  /** The same for every try of one alert. */
  id: string;
  kind: ToldAlert["kind"];
  /** In words for the host. */
  text: string;
  room: string;
  chainId: string;
  /** Name of the recording. */
  recording: string;
  /** When it began, and when it ended (null: it goes on), ISO 8601. */
  from: string;
  to: string | null;
}

/** Logs every alert once, and posts it to `webhookUrl` unless that is null. */
export function createTellAlert(
  webhookUrl: string | null,
  deadlineMs: number = DEADLINE_MS,
): TellAlert {
  return async (alert, attempt) => {
    const { id, kind, text, room, chainId, recording } = alert;
    if (attempt === 1) log("error", "recording alert", { id, kind, text, room, chainId });
    if (webhookUrl === null) return;
    const iso = (ms: number) => new Date(ms).toISOString();
    const body: WebhookBody = {
      id,
      kind,
      text,
      room,
      chainId,
      recording,
      from: iso(alert.fromMs),
      to: alert.toMs === null ? null : iso(alert.toMs),
    };
    const answer = await fetch(webhookUrl, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "manual",
      signal: AbortSignal.timeout(deadlineMs),
    }).catch((error) => {
      // The address may hold a secret, and failures name it.
      const why = error instanceof Error && error.name === "TimeoutError"
        ? `no answer within ${deadlineMs} ms`
        : "it cannot be reached";
      throw new Error(`Post to ALERT_WEBHOOK_URL: ${why}`);
    });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`Post to ALERT_WEBHOOK_URL: it answered ${answer.status}`);
  };
}
