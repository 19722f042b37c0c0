/** Reading a request's body without trusting its length. */
import { LoopbackError } from "./errors.ts";

/** The whole body. Throws a 413 {@link LoopbackError} as soon as it has more than `limitBytes`. */
export async function readBody(request: Request, limitBytes: number): Promise<Uint8Array> {
  const tooBig = () =>
    new LoopbackError(413, `Failed to read the request: its body may have ${limitBytes} bytes`);
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooBig();
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > limitBytes) throw tooBig();
    parts.push(part);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
