import { type Command, routeEndpoint } from "./app.ts";
import { joinPath, patternOf, segmentPattern, segmentsOf } from "./patterns.ts";
import type { RouteModule } from "./snapshot.ts";

/** Routes of files that are more specific come first: names, then `[x]`, `[[x]]`, then `[...x]`. */
function specificity(path: string): string {
  return path.split("/").filter((part) => !/^\(.*\)$/.test(part)).map(
    (part) => {
      const rank = part.startsWith("[...")
        ? 3
        : part.startsWith("[[")
        ? 2
        : part.startsWith("[")
        ? 1
        : 0;
      return `${rank}${part}`;
    },
  ).join("/");
}

/** Reads the modules of `routes/`: what folders pass down first, then the routes themselves. */
export function fsCommands<State>(
  modules: RouteModule[],
  base: string,
): Exclude<Command<State>, { kind: "fsRoutes" }>[] {
  const inherited: Exclude<Command<State>, { kind: "fsRoutes" }>[] = [];
  const routes: Exclude<Command<State>, { kind: "fsRoutes" }>[] = [];
  const sorted = modules.map((module) => ({
    ...module,
    file: module.path.replace(/\.[^.]+$/, ""),
  }))
    .sort((a, b) => specificity(a.file) < specificity(b.file) ? -1 : 1);

  for (const { file, path, mod } of sorted) {
    const parts = file.split("/");
    const name = parts.pop() ?? "";
    const at = [
      ...segmentsOf(base),
      ...parts.flatMap((part) => segmentPattern(part, path).slice(1)),
    ];
    const handler = mod.handlers ?? mod.handler;
    const route = { component: mod.default, handler, config: mod.config };
    if (!mod.default && !handler && !mod.config) {
      throw new TypeError(
        `Cannot find a default export, "handler" or "config" in the route "${path}"`,
      );
    }
    switch (name) {
      case "_app":
        inherited.push({ kind: "app", at, component: mod.default });
        break;
      case "_layout":
        inherited.push({
          kind: "layout",
          at,
          component: mod.default,
          config: mod.config,
        });
        break;
      case "_middleware": {
        const fns = handler ?? mod.default;
        inherited.push({
          kind: "middleware",
          at,
          fns: Array.isArray(fns) ? fns : [fns],
        });
        break;
      }
      case "_error":
      case "_500":
        inherited.push({ kind: "error", at, route });
        break;
      case "_404":
        inherited.push({ kind: "notFound", at, route });
        break;
      default:
        routes.push(routeEndpoint(joinPath(base, patternOf(file)), at, route));
    }
  }
  return [...inherited, ...routes];
}
