/** A request that the emulator refuses, with the HTTP status that OpenTok documents for it. */
export class EmulatorError extends Error {
  override readonly name = "EmulatorError";
  constructor(
    readonly status: 400 | 403 | 404 | 409 | 413 | 426 | 429 | 500 | 503,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}
