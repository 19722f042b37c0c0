/**
 * The API: routes with their schemas, described by OpenAPI, under `/api`; the sample's endpoints also
 * at the root; `/healthz`. One function from request to answer, which never throws.
 */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { requireSameOrigin } from "../auth/mod.ts";
import { archiveRoutes } from "./archives.ts";
import { callbackRoutes } from "./callbacks.ts";
import { chainRoutes } from "./chains.ts";
import { healthCheck } from "./health.ts";
import { linkRoutes } from "./links.ts";
import { log } from "../log.ts";
import { problemResponse, RequestError } from "./problem.ts";
import { orphanRoutes } from "./orphans.ts";
import { recordingRoutes } from "./recording.ts";
import { roomRoutes } from "./rooms.ts";
import { describeApi, type GroupName } from "./openapi.ts";
import { type ApiContext, type ApiEnv, createRouter } from "./router.ts";
import { sampleRoutes } from "./samples.ts";

export type { ApiContext } from "./router.ts";
export { isSamplePath } from "./samples.ts";

/** The largest body of a request. */
export const MAX_BODY_BYTES = 64 * 1024;

/** Makes the API. */
export function createApi(context: ApiContext): (request: Request) => Promise<Response> {
  const app = createApiApp(context);
  return async (request) => await app.fetch(request);
}

/** The API with the list of its routes, for who compares them with their description. */
export function createApiApp(context: ApiContext): OpenAPIHono<ApiEnv> {
  const app = createRouter();
  app.onError((error, c) => problemResponse(error, c.req.raw));
  app.notFound((c) => {
    const { pathname } = new URL(c.req.url);
    return problemResponse(
      new RequestError(404, `Cannot ${c.req.method} "${pathname}": there is nothing there`),
      c.req.raw,
    );
  });

  app.use(async (c, next) => {
    const startedMs = performance.now();
    await next();
    if (c.req.method === "GET" || c.req.method === "HEAD") return;
    log("info", "change", {
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      durationMs: Math.round(performance.now() - startedMs),
    });
  });
  app.use(async (c, next) => {
    const { platform } = context.config;
    if (platform.kind === "missing") {
      throw new RequestError(503, `Cannot answer yet: set ${platform.variables.join(", ")}`);
    }
    await next();
    if (!c.res.headers.has("cache-control")) c.header("cache-control", "no-store");
  });
  app.get("/healthz", healthCheck(context));
  app.use(async (c, next) => {
    requireSameOrigin(c.req.raw);
    c.set("identity", await context.auth.identify(c.req.raw));
    await next();
  });
  app.use(bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => {
      throw new RequestError(413, `Cannot take more than ${MAX_BODY_BYTES} bytes in one request`);
    },
  }));

  const samples = sampleRoutes(context);
  const api = createRouter();
  const groups: Record<GroupName, OpenAPIHono<ApiEnv>> = {
    rooms: roomRoutes(context),
    recording: recordingRoutes(context),
    recordings: chainRoutes(context),
    samples,
    archives: archiveRoutes(context),
    orphans: orphanRoutes(context),
    links: linkRoutes(context),
    callbacks: callbackRoutes(context),
  };
  describeApi(api, groups);
  for (const routes of Object.values(groups)) api.route("/", routes);
  app.route("/api", api);
  app.route("/", samples);
  return app;
}
