/**
 * The browser side of the video platform: its own SDK (2.8 MB), loaded only when a call is joined. The
 * emulator is reached by the same SDK, at another address.
 */
import type * as OT from "@opentok/client";
import type { Join } from "../recording/views.ts";
import { within } from "./deadline.ts";
import { CallError, problemOf } from "./errors.ts";

/** How long the SDK may take to load, ms. */
const LOAD_MS = 30_000;
/**
 * Codes of the SDK's `exception` event when the proxy address was set too late, or twice: every later
 * request would go to the cloud. It is not thrown (measured with 2.35.2).
 */
const PROXY_EXCEPTIONS: ReadonlySet<number> = new Set([2021, 2022]);

/** The part of the SDK that a call uses. */
export type Client = Pick<typeof OT, "initSession" | "initPublisher">;
/** A connection to one session. */
export type Session = OT.Session;
/** Our audio and video on one session. */
export type Publisher = OT.Publisher;
/** Another participant's audio and video. */
export type Subscriber = OT.Subscriber;
/** A stream that is published to a session. */
export type Stream = OT.Stream;
/** One client's presence in a session. */
export type Connection = OT.Connection;
/** What the SDK's callbacks are given when something failed. */
export type ClientFailure = OT.OTError;

/** The address that the SDK of this page was given; undefined before it was loaded. */
let usedProxyUrl: string | null | undefined;
let proxyFailed = false;

/**
 * Loads the SDK and gives it the address that `join` names, once for a page.
 *
 * @throws {CallError} when it cannot be loaded, or was given another address before.
 */
export async function loadClient({ client }: Pick<Join, "client">): Promise<Client> {
  const limit = { action: "Loading the program of the call", ms: LOAD_MS };
  try {
    const sdk = await within(limit, importSdk());
    useProxy(sdk, client.proxyUrl ?? null);
    return sdk;
  } catch (cause) {
    if (cause instanceof CallError) throw cause;
    throw new CallError(problemOf("ClientNotLoaded"), { cause });
  }
}

async function importSdk(): Promise<typeof OT> {
  const module: typeof OT & { default?: typeof OT } = await import("@opentok/client");
  // A UMD file: bundlers put its exports on `default`, its types put them on the module.
  return module.default ?? module;
}

function useProxy(sdk: typeof OT, proxyUrl: string | null): void {
  if (usedProxyUrl === undefined) {
    usedProxyUrl = proxyUrl;
    sdk.on("exception", ({ code }) => proxyFailed ||= PROXY_EXCEPTIONS.has(code));
    if (proxyUrl !== null) sdk.setProxyUrl(new URL(proxyUrl, location.href).href);
  }
  if (proxyFailed || usedProxyUrl !== proxyUrl) {
    throw new CallError(problemOf("OT_SET_PROXY_URL_TIMING_ERROR"));
  }
}
