/** How much of something a test tries: enough in every run, and more in `deno task test:long`. */

/** Variable that says that this is the long run. */
export const LONG = "GAPLESS_TESTS_LONG";

/** `usual` in every run, `long` in the long one. */
export function quantity(usual: number, long: number): number {
  return Deno.env.has(LONG) ? long : usual;
}
