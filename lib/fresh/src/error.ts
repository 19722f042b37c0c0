/**
 * An error that ends a request with an HTTP status. Throw it from a handler, a middleware or a
 * page; the nearest error page answers.
 *
 * @example
 * ```ts
 * throw new HttpError(404, "No such room");
 * ```
 */
export class HttpError extends Error {
  /** The HTTP status of the response, 400 to 599. */
  status: number;

  /** Without a message, the error page decides what to say. */
  constructor(status: number, message?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HttpError";
    this.status = status;
  }
}
