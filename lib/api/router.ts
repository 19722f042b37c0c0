/** What every group of API routes is built with. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import type { Auth, Identity } from "../auth/mod.ts";
import type { Config } from "../config.ts";
import type { Chains } from "../handover/chains.ts";
import type { Platform } from "../platform/platform.ts";
import type { Room } from "../recording/model.ts";
import type { Join } from "../recording/views.ts";
import type { Store } from "../store/mod.ts";
import { InvalidInputError } from "./problem.ts";
import { problemShape } from "./shapes.ts";

/** What the API works with. */
export interface ApiContext {
  config: Config;
  store: Store;
  platform: Platform;
  chains: Chains;
  auth: Auth;
  /** Opens a room, making its sessions the first time. */
  openRoom(name: string, title?: string): Promise<Room>;
  /** Origin of the emulator, or null. */
  emulatorOrigin: () => string | null;
  /** What browsers need besides the platform's own SDK: see `joinSchema`. */
  client: Join["client"];
  /** Secret of the platform's callbacks; null takes unsigned ones. */
  signatureSecret: string | null;
  /** Ends every event stream when the process closes. */
  closing: AbortSignal;
}

/** What a handler finds in its context. */
export interface ApiEnv {
  Variables: { identity: Identity };
}

/** A router whose failed validations become problems that name the field. */
export function createRouter(): OpenAPIHono<ApiEnv> {
  return new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) throw new InvalidInputError(result.error);
    },
  });
}

/** The default answer of every route. */
export const problems = {
  default: {
    description: "What failed and what to do about it",
    content: { "application/problem+json": { schema: problemShape } },
  },
};

/** A JSON answer or body of this shape. */
export function json<T extends z.ZodType>(schema: T, description: string) {
  return { description, content: { "application/json": { schema } } };
}

/** A JSON body that must be there. */
export function body<T extends z.ZodType>(schema: T) {
  return { required: true, content: { "application/json": { schema } } };
}

/** Which page of a list. */
export const pageQuery = z.object({
  cursor: z.string().max(1000).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** A page of a list; `cursor` continues it, null at its end. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), cursor: z.string().nullable() });
}

/** The name people give a recording. */
export const archiveName = z.string().trim().min(1, "Give the archive a name").max(200);
/** The name a person joins with. */
export const personName = z.string().trim().min(1, "Enter your name").max(80);
/** An id as the platform and this app make them; it becomes part of the platform's addresses. */
export const idParam = z.object({
  id: z.string().regex(/^[\w-]{1,100}$/, "Use letters, digits, hyphens and underscores"),
});
