/** The shapes that have a name in the API's description; the rest is described where it is used. */
import { linkSchema } from "../auth/mod.ts";
import { chainSchema, roomSchema } from "../recording/model.ts";
import { filmSchema, joinSchema, roomViewSchema } from "../recording/views.ts";
import { archiveJsonSchema } from "./archive_json.ts";
import { problemSchema } from "./problem.ts";

/** What failed and what to do about it. */
export const problemShape = problemSchema.meta({ id: "Problem" });
/** A room without what opens its sessions. */
export const roomShape = roomSchema.omit({ sessions: true }).meta({ id: "Room" });
/** The state of a room's recording. */
export const roomViewShape = roomViewSchema.meta({ id: "RoomView" });
/** What a client needs to enter a room. */
export const joinShape = joinSchema.meta({ id: "Join" });
/** A recording. */
export const chainShape = chainSchema.meta({ id: "Chain" });
/** A recording as one film. */
export const filmShape = filmSchema.meta({ id: "Film" });
/** An archive as the platform documents it. */
export const archiveShape = archiveJsonSchema.meta({ id: "Archive" });
/** A link, without what opens it. */
export const linkShape = linkSchema.meta({ id: "Link" });
