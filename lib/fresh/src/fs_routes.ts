import type { Command } from "./compile.ts";
import { isGroup, patternOf, segmentPattern } from "./patterns.ts";
import type { RouteModule } from "./snapshot.ts";

/** Sorts the more specific first: names, then `[x]`, then `[[x]]`, then `[...x]`. */
function sortKey(file: string): string {
  const rank = (part: string) => ["[...", "[[", "["].findIndex((open) => part.startsWith(open)) + 1;
  return file.split("/").filter((part) => !isGroup(part))
    .map((part) => `${rank(part) && 4 - rank(part)}${part}`).join("/");
}

/** Reads the modules of `routes/`: what folders pass down first, then the routes themselves. */
export function fsCommands<State>(modules: RouteModule[]): Command<State>[] {
  const files = modules.map(({ path, mod }) => ({ path, mod, file: path.replace(/\.[^.]+$/, "") }))
    .sort((a, b) => sortKey(a.file) < sortKey(b.file) ? -1 : 1);
  const inherited: Command<State>[] = [];
  const routes: Command<State>[] = [];
  for (const { file, path, mod } of files) {
    const folders = file.split("/");
    const name = folders.pop();
    const at = folders.map((folder) => segmentPattern(folder).slice(1));
    const { default: component, config } = mod;
    const handler = mod.handlers ?? mod.handler;
    if (!component && !handler && !config) {
      throw new TypeError(`Cannot find a default export, "handler" or "config" in "${path}"`);
    }
    const route = { component, handler, config };
    if (name === "_app") inherited.push({ kind: "app", at, component });
    else if (name === "_layout") inherited.push({ kind: "layout", at, component, config });
    else if (name === "_middleware") {
      inherited.push({ kind: "middleware", at, fns: [handler ?? component].flat() });
    } else if (name === "_error" || name === "_500") inherited.push({ kind: "error", at, route });
    else if (name === "_404") inherited.push({ kind: "notFound", at, route });
    else routes.push({ kind: "route", at, pattern: patternOf(file), route });
  }
  return [...inherited, ...routes];
}
