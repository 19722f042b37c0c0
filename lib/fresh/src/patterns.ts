/**
 * Route patterns: from a file's name to Fresh's pattern, and from there to what Hono's router reads.
 */

/** Joins a base path and a pattern. */
export function joinPath(base: string, pattern: string): string {
  const trimmed = base.replace(/\/?\*?$/, "");
  if (pattern === "*" || pattern === "/*") return `${trimmed}/*`;
  return trimmed !== "" && pattern === "/" ? trimmed : trimmed + pattern;
}

/** The segments of a pattern that others can be below. Optional ones and `*` at the end are not. */
export function segmentsOf(pattern: string): string[] {
  return pattern.replaceAll(/\{[^}]*\}\??/g, "").split("/").filter((
    part,
    i,
    all,
  ) => part !== "" && !(part === "*" && i === all.length - 1));
}

/** Whether a pattern matches one address only. */
export function isStatic(pattern: string): boolean {
  return !/[*:{}()+?]/.test(pattern);
}

/** The pattern of a file below `routes/`, given without its extension: `blog/[slug]`. */
export function patternOf(file: string): string {
  let pattern = "";
  const parts = file.split("/").filter((part) => !/^\(.*\)$/.test(part));
  if (parts.at(-1) === "index") parts.pop();
  for (const part of parts) pattern += segmentPattern(part, file);
  // At the root the slash itself is not optional.
  if (pattern.startsWith("{/")) return "/{" + pattern.slice(2);
  return pattern || "/";
}

/** One folder or file name as a segment: `[id]` is `/:id`, `[[id]]` `{/:id}?`, `[...id]` `/:id*`. */
export function segmentPattern(part: string, file: string): string {
  const [, optional, rest, name] = /^(?:\[\[(\w+)\]\]|\[\.\.\.(\w+)\]|\[(\w+)\])$/.exec(part) ?? [];
  if (optional) return `{/:${optional}}?`;
  if (rest) return `/:${rest}*`;
  if (name) return `/:${name}`;
  if (/[[\]]/.test(part)) {
    throw new SyntaxError(`Cannot read the route pattern of "${file}"`);
  }
  return `/${part}`;
}

/** Writes a pattern for Hono's router, which needs one path for each way to leave something out. */
export function variantsOf(pattern: string): string[] {
  const group = /\{([^{}]*)\}\?/.exec(pattern);
  if (group) {
    const [whole, inner = ""] = group;
    return [pattern.replace(whole, ""), pattern.replace(whole, inner)].flatMap(
      variantsOf,
    );
  }
  const rest = /^(.*)\/:(\w+)([*?])$/.exec(pattern);
  if (rest) {
    const [, before = "", name, many] = rest;
    return [before || "/", `${before}/:${name}${many === "*" ? "{.+}" : ""}`];
  }
  const hono = pattern.replace(/:(\w+)\+$/, ":$1{.+}").replaceAll(
    /:(\w+)\(([^)]*)\)/g,
    ":$1{$2}",
  );
  if (/[{}()?+](?![^{]*\})/.test(hono.replaceAll(/\{[^}]*\}/g, ""))) {
    throw new SyntaxError(`Cannot read the route pattern "${pattern}"`);
  }
  return [hono.replace(/\/$/, "") || "/"];
}
