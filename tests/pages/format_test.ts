import assert from "node:assert/strict";
import {
  formatDuration,
  formatMoment,
  formatShare,
  formatSize,
  preferredLocales,
} from "../../components/format.ts";

Deno.test("formatDuration() writes h:mm:ss, and a dash for what is unknown", () => {
  const texts = [0, 59.6, 4 * 3600 + 62, -3, null].map(formatDuration);
  assert.deepEqual(texts, ["0:00:00", "0:00:59", "4:01:02", "0:00:00", "–"]);
});

Deno.test("formatSize() keeps two digits and picks the unit", () => {
  const texts = [0, 999, 1500, 12_300_000, 3_210_000_000].map(formatSize);
  assert.deepEqual(texts, ["–", "999 B", "1.5 kB", "12 MB", "3.2 GB"]);
});

Deno.test("formatShare() says 100 % only when nothing is missing", () => {
  assert.deepEqual([1, 0.999999, 0].map(formatShare), ["100 %", "99.99 %", "0 %"]);
});

Deno.test("preferredLocales() orders by quality and drops what is no language", () => {
  const locales = preferredLocales("de;q=0.5, fr-CH, *;q=0.1, not_a_tag, en;q=0");
  assert.deepEqual(locales, ["fr-CH", "de"]);
  assert.deepEqual(preferredLocales(null), []);
});

Deno.test("formatMoment() speaks the reader's language and names its time zone", () => {
  const text = formatMoment(Date.UTC(2026, 4, 3, 10, 0, 7), ["de"]);
  assert.match(text, /Mai/);
  assert.match(text, /UTC|GMT|[A-Z]{3,4}/);
});
