import { formatMoment, preferredLocales } from "./format.ts";

/** A moment (ms since the Unix epoch), written for the reader of `request`. */
export function Moment({ ms, request }: { ms: number; request: Request }) {
  const locales = preferredLocales(request.headers.get("accept-language"));
  return <time datetime={new Date(ms).toISOString()}>{formatMoment(ms, locales)}</time>;
}
