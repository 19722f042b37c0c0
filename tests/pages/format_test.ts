import assert from "node:assert/strict";
import {
  formatDuration,
  formatMoment,
  formatShare,
  formatSize,
  preferredLocales,
} from "../../components/format.ts";

Deno.test("formatDuration() writes h:mm:ss, and a dash for what is unknown", () => {
  assert.equal(formatDuration(0), "0:00:00");
  assert.equal(formatDuration(59.6), "0:00:59");
  assert.equal(formatDuration(4 * 3600 + 62), "4:01:02");
  assert.equal(formatDuration(-3), "0:00:00");
  assert.equal(formatDuration(null), "–");
});

Deno.test("formatSize() keeps two digits and picks the unit", () => {
  assert.equal(formatSize(0), "–");
  assert.equal(formatSize(999), "999 B");
  assert.equal(formatSize(1500), "1.5 kB");
  assert.equal(formatSize(12_300_000), "12 MB");
  assert.equal(formatSize(3_210_000_000), "3.2 GB");
});

Deno.test("formatShare() says 100 % only when nothing is missing", () => {
  assert.equal(formatShare(1), "100 %");
  assert.equal(formatShare(0.999999), "99.99 %");
  assert.equal(formatShare(0), "0 %");
});

Deno.test("preferredLocales() orders by quality and drops what is no language", () => {
  assert.deepEqual(preferredLocales("de;q=0.5, fr-CH, *;q=0.1, not_a_tag, en;q=0"), [
    "fr-CH",
    "de",
  ]);
  assert.deepEqual(preferredLocales(null), []);
});

Deno.test("formatMoment() speaks the reader's language and names its time zone", () => {
  const text = formatMoment(Date.UTC(2026, 4, 3, 10, 0, 7), ["de"]);
  assert.match(text, /Mai/);
  assert.match(text, /UTC|GMT|[A-Z]{3,4}/);
});
