/**
 * The browser side of the video platform, as far as a call needs it. Two programs fit: the
 * platform's own (2.8 MB, loaded only when a call is joined) and the loopback stand-in's. Nothing
 * else in this folder knows which one it speaks to.
 */
import type * as OT from "@opentok/client";
import type { Join } from "../recording/views.ts";
import { within } from "./deadline.ts";
import { CallError, problemOf } from "./errors.ts";

/** How long the client's program may take to load, ms: the platform's is 2.8 MB. */
const LOAD_MS = 30_000;

/** The part of OpenTok.js that a call uses. */
export type Client = Pick<typeof OT, "initSession" | "initPublisher">;
/** A connection to one session. */
export type Session = OT.Session;
/** Our sound and picture on one session. */
export type Publisher = OT.Publisher;
/** Somebody else's sound and picture. */
export type Subscriber = OT.Subscriber;
/** A stream that is published to a session. */
export type Stream = OT.Stream;
/** One client's presence in a session. */
export type Connection = OT.Connection;
/** What the platform's callbacks hand over when something failed. */
export type ClientFailure = OT.OTError;

/** Loads the client that `join` names. Throws {@link CallError} when it cannot be loaded. */
export async function loadClient(join: Pick<Join, "client">): Promise<Client> {
  const limit = { action: "Loading the program of the call", ms: LOAD_MS };
  try {
    return await within(limit, join.client === "loopback" ? loadLoopback() : loadOpenTok());
  } catch (cause) {
    if (cause instanceof CallError) throw cause;
    throw new CallError(problemOf("ClientNotLoaded"), { cause });
  }
}

async function loadLoopback(): Promise<Client> {
  return (await import("../loopback/browser/mod.ts")).OT;
}

async function loadOpenTok(): Promise<Client> {
  const module: typeof OT & { default?: Client } = await import("@opentok/client");
  // A UMD file: bundlers put its exports on `default`, its types put them on the module.
  return module.default ?? module;
}
