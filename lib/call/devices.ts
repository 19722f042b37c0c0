/** This person's camera and microphone: which there are, which are chosen, what they deliver. */
import { computed, signal } from "@preact/signals";
import { type Problem, toProblem } from "./errors.ts";

/** The two things a person can send. */
export type Kind = "camera" | "microphone";
/** A choice in a list of cameras or microphones. */
export interface Device {
  id: string;
  label: string;
}
/** Chosen instead of a device: send nothing of this kind. */
export const NO_DEVICE = "none";
/** Chosen until a person chooses: whatever the browser takes. */
const ANY_DEVICE = "";

/**
 * Camera picture asked for: what a tile needs, and what four people's computers can carry. No frame
 * rate: cameras give 30 by themselves, and asked for a rate Chromium throws away what comes in a burst
 * after a busy moment.
 */
const PICTURE = { width: { ideal: 640 }, height: { ideal: 480 } };

/** One kind of device. */
class Outlet {
  readonly track = signal<MediaStreamTrack | null>(null);
  readonly choices = signal<readonly Device[]>([]);
  /** A device id, "" (any) or {@link NO_DEVICE}. */
  readonly chosen = signal(ANY_DEVICE);
  readonly problem = signal<Problem | null>(null);
}

/** Camera and microphone of this page. Nothing is asked for before {@link Devices.open}. */
export class Devices {
  readonly camera = new Outlet();
  readonly microphone = new Outlet();
  /** True until the first {@link Devices.open} is done, and whenever a device is being started. */
  readonly opening = signal(true);
  #work: Promise<void> = Promise.resolve();
  #closed = true;
  readonly #refresh = () => void this.#list();

  /** The one thing that is wrong with both devices, or null: said once, not twice. */
  readonly problem = computed(() => {
    const [camera, microphone] = [this.camera.problem.value, this.microphone.problem.value];
    return camera?.code === microphone?.code ? camera : null;
  });

  /** Opens what is chosen and not open yet. The outcome is in the signals; never throws. */
  open(): Promise<void> {
    if (this.#closed) navigator.mediaDevices?.addEventListener("devicechange", this.#refresh);
    this.#closed = false;
    return this.#queue(() => this.#openMissing());
  }

  /** Takes another device, or none, and resolves when it delivers. */
  choose(kind: Kind, id: string): Promise<void> {
    this[kind].chosen.value = id;
    return this.#queue(async () => {
      // The new one first: if it fails, the old one goes on.
      const before = this[kind].track.value;
      if (id === NO_DEVICE) this.#put(kind, null);
      else await this.#openKinds([kind]);
      if (this[kind].track.value !== before) before?.stop();
    });
  }

  /** Resolves when nothing is being opened. */
  ready(): Promise<void> {
    return this.#work;
  }

  /** Switches camera and microphone off. They can be opened again. */
  close(): void {
    this.#closed = true;
    navigator.mediaDevices?.removeEventListener("devicechange", this.#refresh);
    for (const outlet of [this.camera, this.microphone]) {
      outlet.track.value?.stop();
      outlet.track.value = null;
    }
  }

  #queue(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(async () => {
      this.opening.value = true;
      try {
        await work();
      } finally {
        this.opening.value = false;
      }
    });
    return this.#work;
  }

  async #openMissing(): Promise<void> {
    const missing = (["camera", "microphone"] as const).filter((kind) =>
      this[kind].track.value === null && this[kind].chosen.value !== NO_DEVICE
    );
    if (missing.length > 0) await this.#openKinds(missing);
  }

  /** Both in one question to the person; if that fails, each by itself, without asking again. */
  async #openKinds(kinds: readonly Kind[]): Promise<void> {
    try {
      await this.#ask(kinds);
    } catch (error) {
      for (const kind of kinds) this[kind].problem.value = toProblem(error);
      if (kinds.length > 1) {
        const refused = error instanceof DOMException && error.name === "NotAllowedError";
        for (const kind of kinds) {
          if (refused && !(await isGranted(kind))) continue;
          await this.#ask([kind]).catch((alone) => {
            this[kind].problem.value = toProblem(alone);
          });
        }
      }
    }
    await this.#list();
  }

  async #ask(kinds: readonly Kind[]): Promise<void> {
    const wanted = (kind: Kind, more: MediaTrackConstraints) => {
      if (!kinds.includes(kind)) return false;
      const id = this[kind].chosen.value;
      // `ideal`: a remembered device that is gone must not keep anybody out.
      return id === ANY_DEVICE ? more : { ...more, deviceId: { ideal: id } };
    };
    if (!navigator.mediaDevices) throw new DOMException("No secure context", "SecurityError");
    const stream = await navigator.mediaDevices.getUserMedia({
      // No noise suppression: it eats quiet sounds, and a recording is to hold what was heard.
      audio: wanted("microphone", { echoCancellation: true, noiseSuppression: false }),
      video: wanted("camera", PICTURE),
    });
    for (const track of stream.getTracks()) {
      if (this.#closed) track.stop();
      else this.#put(track.kind === "video" ? "camera" : "microphone", track);
    }
  }

  #put(kind: Kind, track: MediaStreamTrack | null): void {
    const outlet = this[kind];
    outlet.track.value = track;
    outlet.problem.value = null;
    track?.addEventListener("ended", () => {
      // Unplugged, or permission taken back: `stop()` by ourselves does not come here.
      if (outlet.track.value !== track) return;
      outlet.track.value = null;
      outlet.problem.value = {
        code: "TrackEnded",
        text: `The ${kind} has stopped`,
        remedy: "Plug it in again or choose another one.",
      };
    });
  }

  async #list(): Promise<void> {
    const all = await navigator.mediaDevices?.enumerateDevices().catch(() => []) ?? [];
    for (const [kind, name] of [["camera", "videoinput"], ["microphone", "audioinput"]] as const) {
      this[kind].choices.value = all
        .filter((one) => one.kind === name && one.deviceId !== "")
        .map((one, n) => ({ id: one.deviceId, label: one.label || `${name} ${n + 1}` }));
    }
  }
}

async function isGranted(kind: Kind): Promise<boolean> {
  try {
    return (await navigator.permissions.query({ name: kind })).state ===
      "granted";
  } catch {
    // Not every browser tells; then do not bother the person again.
    return false;
  }
}
