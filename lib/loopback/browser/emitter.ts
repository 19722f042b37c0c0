/** Events as OpenTok.js has them: `on`, `once`, `off`, and event objects that can be prevented. */

/** An event; what it carries beside these fields depends on its type. */
export interface ClientEvent {
  readonly type: string;
  readonly target: object;
  readonly cancelable: boolean;
  isDefaultPrevented(): boolean;
  preventDefault(): void;
  readonly [field: string]: unknown;
}

/** What is called with an event. */
export type Handler = (event: ClientEvent) => void;

interface Entry {
  handler: Handler;
  context: object | undefined;
  once: boolean;
}

/** The event half of sessions, publishers and subscribers. */
export class Emitter {
  readonly #entries = new Map<string, Entry[]>();

  /** Calls `handler` at every event of that type; a map of types to handlers is taken too. */
  on(type: string | Record<string, Handler>, handler?: Handler | object, context?: object): this {
    return this.#add(type, handler, context, false);
  }

  /** Like {@link on}, for the next event only. */
  once(type: string | Record<string, Handler>, handler?: Handler | object, context?: object): this {
    return this.#add(type, handler, context, true);
  }

  /** Removes handlers: all of them, those of one type, one handler, or those of a context. */
  off(type?: string | Record<string, Handler>, handler?: Handler, context?: object): this {
    if (type === undefined) this.#entries.clear();
    else if (typeof type === "object") {
      for (const [name, each] of Object.entries(type)) this.off(name, each);
    } else {
      const kept = (this.#entries.get(type) ?? []).filter((entry) =>
        (handler !== undefined && entry.handler !== handler) ||
        (context !== undefined && entry.context !== context)
      );
      this.#entries.set(type, kept);
    }
    return this;
  }

  /**
   * Dispatches an event to its handlers, in the order they were added. A handler that throws is
   * reported to the page and does not keep the others from running. `fields.type` overrides the
   * event's type.
   */
  emit(type: string, fields: Record<string, unknown> = {}, cancelable = false): ClientEvent {
    let prevented = false;
    const event: ClientEvent = {
      type,
      ...fields,
      target: this,
      cancelable,
      isDefaultPrevented: () => prevented,
      preventDefault: () => {
        prevented = cancelable;
      },
    };
    for (const entry of [...this.#entries.get(type) ?? []]) {
      if (entry.once) this.off(type, entry.handler);
      try {
        entry.handler.call(entry.context, event);
      } catch (error) {
        reportError(error);
      }
    }
    return event;
  }

  #add(
    type: string | Record<string, Handler>,
    handler: Handler | object | undefined,
    context: object | undefined,
    once: boolean,
  ): this {
    if (typeof type === "object") {
      const shared = typeof handler === "object" ? handler : context;
      for (const [name, each] of Object.entries(type)) this.#add(name, each, shared, once);
    } else if (isHandler(handler)) {
      const entries = this.#entries.get(type) ?? [];
      entries.push({ handler, context, once });
      this.#entries.set(type, entries);
    }
    return this;
  }
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}
