/** Times, lengths and sizes in the words of the page's reader. */

/** `h:mm:ss` of whole seconds that are over, as players count; an en dash while it is unknown. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** Some seconds, to a tenth. */
export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}

const UNITS = ["kB", "MB", "GB", "TB"];

/** A size for people, `12.3 MB`, in powers of 1000; an en dash while it is unknown (0). */
export function formatSize(bytes: number): string {
  if (bytes <= 0) return "–";
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = "B";
  for (const next of UNITS) {
    if (value < 1000) break;
    value /= 1000;
    unit = next;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** A share of 1 as per cent. It says `100 %` only when nothing is missing. */
export function formatShare(share: number): string {
  if (share >= 1) return "100 %";
  const floored = Math.floor(share * 10_000) / 100;
  return `${floored} %`;
}

/**
 * The languages of an Accept-Language header (RFC 9110, section 12.5.4), best first; the header
 * comes from outside, so what is no language tag is left out. At most eight are read.
 */
export function preferredLocales(acceptLanguage: string | null): string[] {
  return (acceptLanguage ?? "").split(",", 8)
    .map((item) => {
      const [tag = "", ...parameters] = item.trim().split(";");
      const quality = parameters.map((p) => p.trim()).find((p) => p.startsWith("q="));
      return { tag: tag.trim(), quality: quality ? Number(quality.slice(2)) : 1 };
    })
    .filter(({ tag, quality }) => quality > 0 && isLocale(tag))
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
}

function isLocale(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}

/**
 * Date and time of a moment (ms since the Unix epoch) in the reader's language. The time zone is the
 * server's and is named, because a request does not say where its reader is.
 */
export function formatMoment(ms: number, locales: string[]): string {
  return new Intl.DateTimeFormat([...locales, "en-GB"], {
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    timeZoneName: "short",
  }).format(ms);
}
