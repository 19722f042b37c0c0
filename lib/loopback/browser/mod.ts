/**
 * The browser side of the loopback platform, with OpenTok.js's interface: what the call code uses of
 * `@opentok/client` works here under the same names, events and errors.
 */
import type SDK from "@opentok/client";
import { listDevices, systemRequirements } from "./media.ts";
import { clientError } from "./errors.ts";
import { Publisher } from "./publisher.ts";
import { settle, withPromise } from "./promise.ts";
import { Session } from "./session.ts";

/** The part of OpenTok.js that a call uses. */
export type OpenTokClient = Pick<
  typeof SDK,
  "initSession" | "initPublisher" | "getDevices" | "checkSystemRequirements"
>;

/** Publisher methods and fields that work here; using any other one fails as "not a function". */
export type PublisherPart = Pick<
  SDK.Publisher,
  | "on"
  | "once"
  | "off"
  | "id"
  | "accessAllowed"
  | "element"
  | "destroy"
  | "publishAudio"
  | "publishVideo"
  | "setAudioSource"
  | "setVideoSource"
  | "getVideoSource"
  | "videoWidth"
  | "videoHeight"
>;

const sessions = new Map<string, Session>();

/**
 * Makes a client of the loopback platform at `apiUrl` (the page's own origin + `/loopback` when
 * null). As with OpenTok.js, the same session id gives the same session object, old handlers included.
 */
export function createClient({ apiUrl }: { apiUrl: string | null }): OpenTokClient {
  const address = () => new URL(apiUrl ?? "/loopback", location.href);

  const initSession = (_apiKey: string, sessionId: string): Session => {
    const key = `${address()} ${sessionId}`;
    const known = sessions.get(key) ?? new Session(address(), sessionId);
    sessions.set(key, known);
    return known;
  };

  const initPublisher = (
    target?: HTMLElement | string,
    properties: SDK.PublisherProperties = {},
    callback?: (error?: SDK.OTError) => void,
  ): Publisher => {
    const publisher = new Publisher(target, { ...properties });
    settle(publisher.ready, callback);
    return publisher;
  };

  const getDevices = async (
    callback?: (error: SDK.OTError | undefined, devices?: SDK.Device[]) => void,
  ): Promise<SDK.Device[]> => {
    try {
      const devices = await listDevices();
      callback?.(undefined, devices);
      return devices;
    } catch (cause) {
      const error = clientError(cause, "OT_NO_DEVICES_FOUND");
      callback?.(error);
      throw error;
    }
  };

  const client = {
    initSession,
    initPublisher: withPromise(
      initPublisher,
      async (target?: HTMLElement | string, properties?: SDK.PublisherProperties) => {
        const publisher = initPublisher(target, properties);
        await publisher.ready;
        return publisher;
      },
    ),
    getDevices,
    checkSystemRequirements: systemRequirements,
  };
  // The SDK's classes have members that no call of ours uses; the ones here have none of those.
  return client as unknown as OpenTokClient;
}

/** The platform of the page's own origin. */
export const OT: OpenTokClient = createClient({ apiUrl: null });
export default OT;
