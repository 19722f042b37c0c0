/**
 * What can go wrong in a call, and what a person can do about it. One table for the platform's error
 * names (opentok.js), the browser's (`DOMException.name`) and our own deadlines.
 */
import { ApiError } from "../api/client.ts";

/** A failure as a person reads it: what happened, and the way out. */
export interface Problem {
  /** The platform's, the browser's or our own name for it. */
  code: string;
  text: string;
  /** What to do now, a whole sentence. */
  remedy: string;
}

/** A step of a call that did not work, already in words. */
export class CallError extends Error {
  override readonly name = "CallError";
  constructor(readonly problem: Problem, options?: { cause?: unknown }) {
    super(`${problem.text}. ${problem.remedy}`, options);
  }
}

const RETRY = "Check your network and try again.";
const REJOIN = "Leave and join again.";
const RELOAD = "Reload the page and join again.";
const OPERATOR = "Tell whoever runs this room.";

const BLOCKED: [string, string] = [
  "The browser does not let this page use the camera or microphone",
  "Allow them with the icon beside the address, then try again, or join without them.",
];
const NO_DEVICE: [string, string] = [
  "No camera or microphone was found",
  "Plug one in and try again, or join without.",
];
const IN_USE: [string, string] = [
  "The camera or microphone could not be started",
  "Close other programs that use it, then try again.",
];
const UNSUITED: [string, string] = [
  "The chosen camera or microphone cannot do what was asked",
  "Choose another one.",
];
const LINE_LOST: [string, string] = ["The connection to the call was lost", RETRY];
const NO_ANSWER: [string, string] = [
  "The video platform gave an answer that makes no sense",
  RETRY,
];
const NOT_REACHED: [string, string] = ["The video platform could not be reached", RETRY];
const PROXY: [string, string] = ["The way to the video platform was changed too late", RELOAD];
const NO_SCREEN: [string, string] = [
  "This browser cannot share the screen",
  "Use a current Chrome, Edge, Firefox or Safari on a computer.",
];
const NO_MEDIA: [string, string] = [
  "Sound and picture cannot get through this network",
  "Try another network, or ask for UDP port 3478 and TCP port 443 to be opened.",
];
const PICTURE: [string, string] = [
  "A participant's picture stopped",
  "It is tried again by itself.",
];

/** Error name -> [what happened, what to do]. */
const TABLE: Record<string, [string, string]> = {
  // Entering a session.
  OT_AUTHENTICATION_ERROR: ["The room no longer accepts this entry pass", RELOAD],
  OT_API_KEY_DISABLED: ["The video project of this server is disabled", OPERATOR],
  OT_BADLY_FORMED_RESPONSE: NO_ANSWER,
  OT_CONNECT_FAILED: ["The call could not be reached", RETRY],
  OT_CONNECTION_LIMIT_EXCEEDED: ["The room is full", "Try again when somebody has left."],
  OT_EMPTY_RESPONSE_BODY: NO_ANSWER,
  OT_INVALID_HTTP_STATUS: NO_ANSWER,
  OT_INVALID_PARAMETER: ["The video platform refused the request", RELOAD],
  OT_INVALID_SESSION_ID: ["The room's session is unknown to the video platform", OPERATOR],
  OT_NOT_CONNECTED: ["You are not connected to the call", REJOIN],
  OT_DISCONNECTED: LINE_LOST,
  OT_TERMS_OF_SERVICE_FAILURE: ["The video project of this server is blocked", OPERATOR],
  OT_UNEXPECTED_ERROR_CODE: NO_ANSWER,
  OT_UNEXPECTED_HTTP_STATUS: NO_ANSWER,
  OT_UNEXPECTED_SERVER_RESPONSE: NO_ANSWER,
  OT_HTTP_ERROR: NOT_REACHED,
  OT_UNKNOWN_HTTP_ERROR: NOT_REACHED,
  OT_XDOMAIN_OR_PARSING_ERROR: NOT_REACHED,
  OT_INVALID_ENCRYPTION_SECRET: ["The room is encrypted with another secret", OPERATOR],
  OT_PROXY_URL_ALREADY_SET_ERROR: PROXY,
  OT_SET_PROXY_URL_TIMING_ERROR: PROXY,
  OT_SOCKET_ALREADY_CONNECTED_CONNECTING: ["This page is already joining", "Wait a moment."],
  OT_SOCKET_CLOSE_ABNORMAL: LINE_LOST,
  OT_SOCKET_CLOSE_CONNECT_EXCEPTION: LINE_LOST,
  OT_SOCKET_CLOSE_CONNECTIVITY_LOSS: LINE_LOST,
  OT_SOCKET_CLOSE_FALLBACK_CODE: LINE_LOST,
  OT_SOCKET_CLOSE_GOING_AWAY: LINE_LOST,
  OT_SOCKET_CLOSE_INCONSISTENT_DATA: LINE_LOST,
  OT_SOCKET_CLOSE_NO_STATUS: LINE_LOST,
  OT_SOCKET_CLOSE_POLICY_VIOLATION: LINE_LOST,
  OT_SOCKET_CLOSE_PROTOCOL_ERROR: LINE_LOST,
  OT_SOCKET_CLOSE_TIMEOUT: LINE_LOST,
  OT_SOCKET_CLOSE_TOO_LARGE: LINE_LOST,
  OT_SOCKET_CLOSE_UNEXPECTED_CONDITION: LINE_LOST,
  OT_SOCKET_CLOSE_UNSUPPORTED: LINE_LOST,
  OT_TIMEOUT: ["The video platform took too long to answer", RETRY],
  OT_CANCEL: ["The step was called off", "Try again."],
  OT_RATE_LIMIT_EXCEEDED: ["Too much was asked at once", "Wait a moment and try again."],
  OT_UNSUPPORTED_BROWSER: [
    "This browser cannot hold video calls",
    "Use a current Chrome, Edge, Firefox or Safari.",
  ],
  // Camera and microphone, by the platform's client.
  OT_CHROME_MICROPHONE_ACQUISITION_ERROR: [
    "The browser failed to open the microphone",
    "Quit the browser completely and start it again.",
  ],
  OT_CONSTRAINTS_NOT_SATISFIED: UNSUITED,
  OT_HARDWARE_UNAVAILABLE: IN_USE,
  OT_INVALID_AUDIO_OUTPUT_SOURCE: ["The chosen loudspeaker cannot be used", "Choose another one."],
  OT_INVALID_VIDEO_SOURCE: UNSUITED,
  OT_NO_DEVICES_FOUND: NO_DEVICE,
  OT_NO_VALID_CONSTRAINTS: ["Neither camera nor microphone is chosen", "Choose at least one."],
  OT_NOT_SUPPORTED: ["This browser cannot use the chosen camera or microphone", "Choose another."],
  OT_REQUESTED_DEVICE_PERMISSION_DENIED: BLOCKED,
  OT_SCREEN_SHARING_EXTENSION_NOT_INSTALLED: NO_SCREEN,
  OT_SCREEN_SHARING_EXTENSION_NOT_REGISTERED: NO_SCREEN,
  OT_SCREEN_SHARING_NOT_SUPPORTED: NO_SCREEN,
  OT_SET_VIDEO_SOURCE_FAILURE: IN_USE,
  OT_UNABLE_TO_ACCESS_MEDIA_ENGINE: IN_USE,
  OT_UNABLE_TO_CAPTURE_MEDIA: IN_USE,
  OT_UNABLE_TO_CAPTURE_SCREEN: ["The screen could not be captured", "Allow it and try again."],
  OT_USER_MEDIA_ACCESS_DENIED: BLOCKED,
  // Sending and receiving.
  OT_CREATE_PEER_CONNECTION_FAILED: [
    "This browser refuses to send sound and picture",
    "Switch off extensions that block WebRTC, then reload.",
  ],
  OT_FAILED_SET_CONFIGURATION: NO_MEDIA,
  OT_GET_RTC_STATS_REPORT_NOT_SUPPORTED: [
    "This browser does not tell how good the connection is",
    "The call goes on without.",
  ],
  OT_ICE_WORKFLOW_FAILED: NO_MEDIA,
  OT_PEER_CONNECTION_NOT_CONNECTED: NO_MEDIA,
  OT_SET_REMOTE_DESCRIPTION_FAILED: NO_MEDIA,
  OT_MEDIA_ENDED: PICTURE,
  OT_MEDIA_ERR_ABORTED: PICTURE,
  OT_MEDIA_ERR_DECODE: PICTURE,
  OT_MEDIA_ERR_NETWORK: PICTURE,
  OT_MEDIA_ERR_SRC_NOT_SUPPORTED: PICTURE,
  OT_NOT_FOUND: ["The participant has left", "Nothing needs to be done."],
  OT_PERMISSION_DENIED: [
    "Your entry pass does not let you send sound and picture",
    "Ask the host for another link.",
  ],
  OT_REPORT_ISSUE_FAILED: ["The report could not be sent", RETRY],
  OT_STREAM_CREATE_FAILED: ["The call did not accept your sound and picture", RETRY],
  OT_STREAM_DESTROYED: ["The participant has left", "Nothing needs to be done."],
  OT_STREAM_LIMIT_EXCEEDED: [
    "Too many people send sound and picture",
    "Join without camera and microphone, or wait until somebody has left.",
  ],
  OT_STREAM_NOT_FOUND: ["The participant has left", "Nothing needs to be done."],
  OT_UNABLE_TO_SUBSCRIBE: ["A participant cannot be shown", RETRY],
  // Camera and microphone, by the browser.
  AbortError: IN_USE,
  InvalidStateError: ["The page is not in front", "Bring it to the front and try again."],
  NotAllowedError: BLOCKED,
  NotFoundError: NO_DEVICE,
  NotReadableError: IN_USE,
  OverconstrainedError: UNSUITED,
  SecurityError: [
    "Browsers give camera and microphone only to pages over https",
    "Open this page over https, or at localhost on the computer that runs it. Its operator can put a proxy with a certificate in front (docs/DEPLOY.md), and you may join without them.",
  ],
  // Our own.
  forceDisconnected: [
    "The host has removed you from the call",
    "Ask the host to let you in again.",
  ],
  networkDisconnected: LINE_LOST,
  ClientNotLoaded: ["The program of the call could not be loaded", RETRY],
};

/** Every error name that has its own sentence. */
export const knownCodes: readonly string[] = Object.keys(TABLE);

/** The sentence for an error name; an unknown name is shown, so that it can be reported. */
export function problemOf(code: string): Problem {
  const entry = Object.hasOwn(TABLE, code) ? TABLE[code] : undefined;
  const [text, remedy] = entry ?? [`Something went wrong in the call (${code})`, RELOAD];
  return { code, text, remedy };
}

/** Puts anything that was thrown or handed to a callback into words. */
export function toProblem(error: unknown): Problem {
  if (error instanceof CallError) return error.problem;
  if (error instanceof ApiError) {
    const { status, message, remedy } = error;
    return { code: status === null ? "http" : `http-${status}`, text: message, remedy };
  }
  if (error instanceof Error || isNamed(error)) return problemOf(error.name);
  return problemOf(String(error));
}

function isNamed(error: unknown): error is { name: string } {
  return typeof error === "object" && error !== null && "name" in error &&
    typeof error.name === "string";
}
