/** Refusals, and the reading of requests that leads to them. */
import { bodyLimit } from "hono/body-limit";
import { z } from "zod";

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

/** Throws an {@link EmulatorError} unless the condition holds. */
export function ensure(
  condition: unknown,
  status: EmulatorError["status"],
  message: string,
): asserts condition {
  if (!condition) throw new EmulatorError(status, message);
}

/** Refuses bodies of more bytes with a 413 {@link EmulatorError}. */
export function limitBody(maxSize: number) {
  const onError = () => {
    throw new EmulatorError(413, `The body may have ${maxSize} bytes`);
  };
  return bodyLimit({ maxSize, onError });
}

/** The value of a JSON text: `jsonText.pipe(schema)`. */
export const jsonText = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue("the text is not JSON");
    return z.NEVER;
  }
});

/** Parses a part of a request. Throws a 400 {@link EmulatorError} that says what is wrong. */
export function parse<T>(schema: z.ZodType<T>, value: unknown, action: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const why = parsed.error.issues.map(({ path, message }) => [...path, message].join(": "));
  throw new EmulatorError(400, `Cannot ${action}: ${why.join("; ")}`);
}
