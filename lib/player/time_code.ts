/** Moments of a film as text: in addresses (`1h2m3s`) and for people (`1:02:03`). Pure. */

/**
 * Reads a `t` parameter: `1h2m3s`, any of its pieces, `90`, `90.5`, `1:02:03`. Returns seconds, or null
 * if it is none of these.
 */
export function parseTimeCode(text: string): number | null {
  const value = text.trim().toLowerCase();
  const named = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,9}(?:\.\d{1,6})?)s?)?$/.exec(value);
  if (value && named) return sum(named.slice(1));
  const colons = /^(?:(\d{1,6}):)?(\d{1,2}):(\d{1,2}(?:\.\d{1,6})?)$/.exec(value);
  return colons ? sum(colons.slice(1)) : null;
}

function sum([hours, minutes, seconds]: (string | undefined)[]): number {
  return Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
}

/** `1h2m3s` for an address: whole seconds, rounded down, so that a link never begins too late. */
export function formatTimeCode(seconds: number): string {
  const { hours, minutes, rest } = split(seconds);
  return (hours ? `${hours}h` : "") + (hours || minutes ? `${minutes}m` : "") + `${rest}s`;
}

/** `1:02:03` or `2:03` for people. */
export function formatClock(seconds: number): string {
  const { hours, minutes, rest } = split(seconds);
  const two = (value: number) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function split(seconds: number): { hours: number; minutes: number; rest: number } {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  return {
    hours: Math.floor(whole / 3600),
    minutes: Math.floor(whole / 60) % 60,
    rest: whole % 60,
  };
}
