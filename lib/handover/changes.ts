/** Tells the parts of this process that a room's recording has changed. */
interface Listeners {
  version: number;
  waiting: Set<() => void>;
}

/** Counts the changes of each room, and wakes those who wait for the next. */
export class Changes {
  readonly #rooms = new Map<string, Listeners>();

  /** How often the room has changed; read it before reading the state, then nothing is missed. */
  version(room: string): number {
    return this.#of(room).version;
  }

  notify(room: string): void {
    const listeners = this.#of(room);
    listeners.version++;
    const waiting = [...listeners.waiting];
    listeners.waiting.clear();
    for (const wake of waiting) wake();
  }

  notifyAll(): void {
    for (const room of this.#rooms.keys()) this.notify(room);
  }

  /** Resolves once the room has changed after `version`, or when `signal` aborts. */
  after(room: string, version: number, signal: AbortSignal): Promise<void> {
    const listeners = this.#of(room);
    if (listeners.version !== version || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        listeners.waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      listeners.waiting.add(wake);
      signal.addEventListener("abort", wake);
    });
  }

  #of(room: string): Listeners {
    const known = this.#rooms.get(room) ?? { version: 0, waiting: new Set() };
    this.#rooms.set(room, known);
    return known;
  }
}
