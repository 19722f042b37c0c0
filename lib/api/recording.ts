/** Recording a room: start, hand over, stop. Each answers when it is done. */
import { createRoute, type OpenAPIHono } from "@hono/zod-openapi";
import { z } from "zod";
import { demandAdmin } from "../auth/mod.ts";
import { ChainError, type Chains } from "../handover/mod.ts";
import { archiveOptionsSchema, roomSchema } from "../recording/model.ts";
import { enterRoom, requireRoom } from "./rooms.ts";
import {
  type ApiContext,
  type ApiEnv,
  archiveName,
  body,
  createRouter,
  json,
  problems,
} from "./router.ts";
import { roomViewShape } from "./shapes.ts";

const params = z.object({ room: roomSchema.shape.name });

/** The routes under `/rooms/{room}` that record it. */
export function recordingRoutes(context: ApiContext): OpenAPIHono<ApiEnv> {
  const { chains } = context;
  const router = createRouter();

  router.openapi(
    createRoute({
      method: "post",
      path: "/rooms/{room}/start",
      summary: "Start recording; answers when the first archive runs",
      request: {
        params,
        body: body(
          z.object({ name: archiveName, options: archiveOptionsSchema.prefault({}) }),
        ),
      },
      responses: { 200: json(roomViewShape, "The state after it"), ...problems },
    }),
    async (c) => {
      demandAdmin(c.var.identity, "start an archive");
      const { room } = c.req.valid("param");
      const { name, options } = c.req.valid("json");
      await enterRoom(context, room);
      await chains.start(room, { name, archive: options });
      return c.json(await chains.view(room), 200);
    },
  );

  for (const verb of ["restart", "stop"] as const) {
    router.openapi(
      createRoute({
        method: "post",
        path: `/rooms/{room}/${verb}` as const,
        summary: verb === "restart"
          ? "Hand over to the next archive without losing a moment; answers when it is done"
          : "Stop recording; answers when the last archive is stopped",
        request: { params },
        responses: { 200: json(roomViewShape, "The state after it"), ...problems },
      }),
      async (c) => {
        demandAdmin(c.var.identity, `${verb} an archive`);
        const { room } = c.req.valid("param");
        await requireRoom(context, room);
        if (verb === "restart") await chains.handOver(room);
        else await stopIfRecorded(chains, room);
        return c.json(await chains.view(room), 200);
      },
    );
  }
  return router;
}

/** Stops a room's recording; pressed again, there is nothing left to stop, which is as wanted. */
async function stopIfRecorded(chains: Chains, room: string): Promise<void> {
  try {
    await chains.stop(room);
  } catch (error) {
    if (!(error instanceof ChainError && error.kind === "not-found")) throw error;
  }
}
