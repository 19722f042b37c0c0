/** The errors of the browser client, under the names and codes that OpenTok.js documents. */

/** Code of each error name, as OpenTok.js's exception codes have it. */
const codes = {
  OT_AUTHENTICATION_ERROR: 1004,
  OT_CONNECT_FAILED: 1006,
  OT_NOT_CONNECTED: 1010,
  OT_INVALID_PARAMETER: 1011,
  OT_USER_MEDIA_ACCESS_DENIED: 1500,
  OT_HARDWARE_UNAVAILABLE: 1500,
  OT_NO_DEVICES_FOUND: 1500,
  OT_CONSTRAINTS_NOT_SATISFIED: 1500,
  OT_MEDIA_ERR_ABORTED: 1500,
  OT_STREAM_CREATE_FAILED: 1500,
  OT_TIMEOUT: 1541,
  OT_CREATE_PEER_CONNECTION_FAILED: 1501,
  OT_STREAM_DESTROYED: 1604,
  OT_UNEXPECTED_SERVER_RESPONSE: 2001,
} as const;

/** Names of the errors this client reports. */
export type ErrorName = keyof typeof codes;

/** A failed call of the browser client; `name` is what OpenTok.js documents for the same failure. */
export class ClientError extends Error {
  override readonly name: ErrorName;
  /** OpenTok.js's numeric code for the failure. */
  readonly code: number;
  constructor(name: ErrorName, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = name;
    this.code = codes[name];
  }
}

/** Names of `getUserMedia`'s DOMExceptions (Media Capture and Streams, 10.3.1) in OpenTok.js's words. */
const mediaErrorNames: Record<string, ErrorName> = {
  NotAllowedError: "OT_USER_MEDIA_ACCESS_DENIED",
  SecurityError: "OT_USER_MEDIA_ACCESS_DENIED",
  NotFoundError: "OT_NO_DEVICES_FOUND",
  NotReadableError: "OT_HARDWARE_UNAVAILABLE",
  OverconstrainedError: "OT_CONSTRAINTS_NOT_SATISFIED",
};

/** Turns a failure of `getUserMedia` into the error OpenTok.js gives for it. */
export function mediaError(cause: unknown): ClientError {
  const name = cause instanceof Error ? mediaErrorNames[cause.name] : undefined;
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new ClientError(
    name ?? "OT_MEDIA_ERR_ABORTED",
    `Open the camera and microphone: ${detail}`,
    { cause },
  );
}

/** Any failure as a {@link ClientError}; what is none already becomes `fallback`. */
export function clientError(cause: unknown, fallback: ErrorName): ClientError {
  if (cause instanceof ClientError) return cause;
  return new ClientError(fallback, cause instanceof Error ? cause.message : String(cause), {
    cause,
  });
}
