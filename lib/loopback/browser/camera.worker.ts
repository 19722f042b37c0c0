/**
 * The camera worker of a page: it copies the pictures of every camera and passes them on. Nothing else
 * runs here: Chromium lends two pictures of a camera at a time, so one that is not read within two
 * frames' time is lost.
 */
import type { CameraRequest, FromCamera } from "./camera_pictures.ts";
import { CameraClock } from "./recorder_clock.ts";
import { copyPlanes, SpareMemory } from "./recorder_planes.ts";

/** Pictures of one camera that the recording worker may have; five seconds of them. */
const maxLent = 150;

globalThis.addEventListener("message", ({ data }: MessageEvent<CameraRequest>) => {
  void pass(data.readable, data.port);
});

/** Passes a camera's pictures on until it ends. */
async function pass(readable: ReadableStream, port: MessagePort): Promise<void> {
  const clock = new CameraClock();
  const spare = new SpareMemory();
  let lent = 0;
  let lost = 0;
  const send = (message: FromCamera, transfer: Transferable[] = []) =>
    port.postMessage(message, transfer);
  port.onmessage = ({ data }: MessageEvent<Uint8Array<ArrayBuffer>>) => {
    lent -= 1;
    spare.give(data);
  };

  const take = async (frame: VideoFrame): Promise<void> => {
    const atMs = clock.moment(frame, performance.now());
    if (atMs === null) return;
    if (lent >= maxLent) return void (lost += 1);
    const { width, height, data } = await copyPlanes(frame, spare.take());
    const epochMs = performance.timeOrigin + atMs;
    send({ type: "picture", epochMs, width, height, data, lost }, [data.buffer]);
    lent += 1;
    lost = 0;
  };

  const reader = readable.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(() => ({ done: true, value: null }));
    if (done) break;
    if (!(value instanceof VideoFrame)) continue;
    // A frame that cannot be read (its camera has just gone) is one lost frame, not a lost recording.
    await take(value).catch(() => lost += 1);
    value.close();
  }
  send({ type: "end" });
  port.close();
}
