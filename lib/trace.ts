/**
 * Spans for OpenTelemetry, on what Deno has built in (`OTEL_DENO=true`, see docs/DEPLOY.md). Without
 * it, work is only done. Spans nest under the request or the cron run that caused them. Callers put
 * no secrets, no tokens and no addresses into attributes.
 */
/** What a span tells beside its name and its time. */
export type SpanAttributes = Record<string, string | number | boolean>;

/** A span as OpenTelemetry's API has it; as much of it as is used here. */
interface Span {
  setAttributes(attributes: SpanAttributes): void;
  setStatus(status: { code: typeof FAILED; message: string }): void;
  end(): void;
}
interface Tracer {
  startActiveSpan<T>(
    name: string,
    options: { attributes: SpanAttributes },
    work: (span: Span) => T,
  ): T;
}
/** `SpanStatusCode.ERROR`. */
const FAILED = 2;

const tracer = openTracer();

/**
 * Does `work` in a span. A rejection marks the span as failed, with its message, and is passed on.
 * What `work` notes is added to the span's attributes.
 *
 * @example
 * ```ts
 * const archive = await traced("opentok start an archive", {}, () => platform.startArchive(id, options));
 * ```
 */
export function traced<T>(
  name: string,
  attributes: SpanAttributes,
  work: (note: (attributes: SpanAttributes) => void) => Promise<T>,
): Promise<T> {
  if (!tracer) return work(() => {});
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work((more) => span.setAttributes(more));
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      span.setStatus({ code: FAILED, message });
      throw error;
    } finally {
      span.end();
    }
  });
}

/** The runtime's tracer, or null where telemetry is off. */
function openTracer(): Tracer | null {
  // Otherwise the provider's spans throw.
  const { OTEL_DENO, OTEL_SDK_DISABLED } = Deno.env.toObject();
  if (!/^(1|true)$/.test(OTEL_DENO ?? "") || OTEL_SDK_DISABLED === "true") return null;
  return Deno.telemetry.tracerProvider.getTracer("gapless");
}
