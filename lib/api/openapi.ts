/** The API's own description (OpenAPI 3.1), at `/api/openapi.json`. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { ADMIN_COOKIE, LINKS_COOKIE } from "../auth/mod.ts";
import { type ApiEnv, json, problems } from "./router.ts";

/** What the routes are grouped by, in the order they are described. */
const GROUPS = {
  rooms: "Meeting places: making, joining and following them.",
  recording: "Recording a room: start, hand over to the next archive, stop. Safe to repeat.",
  recordings: "Chains of archives that overlap: each is one film.",
  archives: "Single archives as the platform describes them.",
  orphans: "Archives of this app's sessions that belong to no recording: stop or adopt them.",
  links: "What an admin gives to people who may join one room or watch one recording.",
  samples:
    "The endpoints of the dual-session archiving sample, in its shapes, for the main room; at the " +
    "root as well.",
  callbacks: "For the platform, which signs what it tells here.",
  service: "About this server.",
} as const;
/** A group of routes. */
export type GroupName = Exclude<keyof typeof GROUPS, "service">;

const healthSchema = z.object({
  status: z.enum(["ok", "unavailable"]),
  store: z.enum(["ok", "unavailable"]),
  platform: z.enum(["ok", "unavailable"]),
}).meta({ id: "Health" });

/** Describes groups of routes that are about to be added to `api`, and serves the description there. */
export function describeApi(
  api: OpenAPIHono<ApiEnv>,
  groups: Record<GroupName, OpenAPIHono<ApiEnv>>,
): void {
  for (const [name, routes] of Object.entries(groups)) {
    for (const definition of routes.openAPIRegistry.definitions) {
      if (definition.type !== "route") continue;
      const { route } = definition;
      route.tags = [name];
      route.operationId = operationId(route.method, route.path);
      if (name === "samples") route.servers = [{ url: "/api" }, { url: "/" }];
    }
  }
  for (const [cookie, description] of [[ADMIN_COOKIE, "admin"], [LINKS_COOKIE, "link"]] as const) {
    api.openAPIRegistry.registerComponent("securitySchemes", description, {
      type: "apiKey",
      in: "cookie",
      name: cookie,
    });
  }
  api.openAPIRegistry.registerPath({
    method: "get",
    path: "/healthz",
    operationId: "getHealthz",
    tags: ["service"],
    servers: [{ url: "/" }],
    summary: "Whether the store and the platform answer",
    responses: {
      200: json(healthSchema, "Both do"),
      503: json(healthSchema, "One does not"),
      ...problems,
    },
  });
  api.openAPIRegistry.registerPath({
    method: "get",
    path: "/openapi.json",
    operationId: "getOpenapiJson",
    tags: ["service"],
    summary: "This description",
    responses: { 200: json(z.record(z.string(), z.unknown()), "OpenAPI 3.1"), ...problems },
  });
  api.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Gapless",
      version: "1",
      description: "Records a call for as long as it lasts and plays it back as one film. " +
        "Changes need an admin's cookie (sign in at /sign-in) and come from this site's own pages " +
        "or from outside a browser. Failures are problem+json (RFC 9457): `detail` says what " +
        "failed and what to do about it. Lists are read on with `cursor`, until it is null.",
    },
    servers: [{ url: "/api" }],
    security: [{}, { admin: [] }, { link: [] }],
    tags: Object.entries(GROUPS).map(([name, description]) => ({ name, description })),
    externalDocs: { url: "/api/docs", description: "This description to read" },
  });
}

/** `POST /rooms/{room}/join` is `postRoomsRoomJoin`. */
function operationId(method: string, path: string): string {
  return method +
    [...path.matchAll(/\w+/g)].map(([word]) => word.charAt(0).toUpperCase() + word.slice(1)).join(
      "",
    );
}
