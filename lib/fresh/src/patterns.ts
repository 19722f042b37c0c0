/** Route patterns: from a file's name to Fresh's pattern, and from there to what Hono reads. */

/** The segments of a pattern that others can be below: not optional ones, nor `*` at the end. */
export function segmentsOf(pattern: string): string[] {
  return pattern.replaceAll(/\{[^}]*\}\?/g, "").replace(/\*$/, "").split("/").filter(Boolean);
}

/** Whether a pattern matches one address only. */
export function isStatic(pattern: string): boolean {
  return !/[*:{]/.test(pattern);
}

/** Whether a folder is only there to group routes. */
export function isGroup(folder: string): boolean {
  return /^\(.*\)$/.test(folder);
}

/** The pattern of a file below `routes/`, given without its extension: `blog/[slug]`. */
export function patternOf(file: string): string {
  const parts = file.split("/").filter((part) => !isGroup(part));
  if (parts.at(-1) === "index") parts.pop();
  const pattern = parts.map((part) => segmentPattern(part)).join("");
  // At the root the slash itself is not optional.
  return pattern.startsWith("{/") ? `/{${pattern.slice(2)}` : pattern || "/";
}

/** One folder or file name: `[id]` is `/:id`, `[[id]]` is `{/:id}?`, `[...id]` is `/:id*`. */
export function segmentPattern(part: string): string {
  const [, optional, rest, name] = /^(?:\[\[(\w+)\]\]|\[\.\.\.(\w+)\]|\[(\w+)\])$/.exec(part) ?? [];
  if (optional) return `{/:${optional}}?`;
  if (rest) return `/:${rest}*`;
  if (!name && /[[\]]/.test(part)) throw new SyntaxError(`Cannot read the route pattern "${part}"`);
  return name ? `/:${name}` : `/${part}`;
}

/** Writes a pattern for Hono's router: one path for each way to leave something out. */
export function variantsOf(pattern: string): string[] {
  const [optional, inner = ""] = /\{([^{}]*)\}\?/.exec(pattern) ?? [];
  if (optional) {
    return ["", inner].flatMap((kept) => variantsOf(pattern.replace(optional, kept)));
  }
  const [, before = "", name] = /^(.*)\/:(\w+)\*$/.exec(pattern) ?? [];
  if (name) return [before || "/", `${before}/:${name}{.+}`];
  if (/[{}()?+]/.test(pattern)) throw new SyntaxError(`Cannot read the route pattern "${pattern}"`);
  return [pattern.replace(/(.)\/$/, "$1")];
}
