/**
 * The way of a camera's pictures from the camera worker to the recording worker: a MessagePort. The
 * memory of pictures that are done with goes back through it, to be used again. What both workers say
 * is typed and not parsed: both come from one build, and so the camera worker stays small.
 */
import { type Planes, planesOf } from "./recorder_planes.ts";

/** From the page to the camera worker: a camera's frames, and where its pictures go. */
export interface CameraRequest {
  readable: ReadableStream;
  port: MessagePort;
}

/** From the camera worker, through the port; the other way goes memory. */
export type FromCamera = {
  type: "picture";
  /** When it was captured, ms since 1970: the workers' own clocks begin at different moments. */
  epochMs: number;
  width: number;
  height: number;
  data: Uint8Array<ArrayBuffer>;
  /** Pictures lost since the one before, because so many were lent already. */
  lost: number;
} | { type: "end" };

/** What is done with a camera's pictures. */
export interface PictureReceiver {
  /** Takes a picture of a moment, ms on this worker's clock; its memory is to be given back. */
  take(planes: Planes, atMs: number): void;
  lost(pictures: number): void;
  /** The camera has ended. */
  end(): void;
}

/** The receiving end of a camera. */
export class CameraPictures {
  constructor(private readonly port: MessagePort) {}

  /** Begins to receive. */
  receive(receiver: PictureReceiver): void {
    this.port.onmessage = ({ data: message }: MessageEvent<FromCamera>) => {
      if (message.type === "end") return receiver.end();
      const { width, height } = message;
      if (message.lost > 0) receiver.lost(message.lost);
      const planes = planesOf(width, height, message.data);
      receiver.take(planes, message.epochMs - performance.timeOrigin);
    };
  }

  /** Gives a picture's memory back. */
  giveBack({ data }: Planes): void {
    this.port.postMessage(data, [data.buffer]);
  }

  /** Receives nothing more. */
  close(): void {
    this.port.close();
  }
}
