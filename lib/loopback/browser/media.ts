/** Video elements, devices and capture, the way OpenTok.js hands them to a page. */
import type OT from "@opentok/client";
import { ClientError, mediaError } from "./errors.ts";

/** A muted-or-not inline video element that plays `media`. */
export function createVideoElement(media: MediaStream, muted: boolean): HTMLVideoElement {
  const element = document.createElement("video");
  element.autoplay = true;
  element.playsInline = true;
  element.muted = muted;
  element.srcObject = media;
  return element;
}

/** Takes a video element away. Chromium keeps the stream of one that plays, its tracks with it. */
export function removeVideoElement(element: HTMLVideoElement | undefined): void {
  if (element === undefined) return;
  element.remove();
  element.srcObject = null;
}

/** Puts a default-UI element where the caller asked; `insertMode` as OpenTok.js has it. */
export function insertElement(
  element: HTMLElement,
  target: HTMLElement | string | undefined,
  mode: OT.WidgetProperties["insertMode"],
): void {
  const found = typeof target === "string" ? document.getElementById(target) : target;
  if (found === undefined || found === null) document.body.append(element);
  else if (mode === "append") found.append(element);
  else if (mode === "before") found.before(element);
  else if (mode === "after") found.after(element);
  else found.replaceWith(element);
}

/** The cameras and microphones, in OpenTok.js's words. Labels are empty until access was allowed. */
export async function listDevices(): Promise<OT.Device[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices.flatMap(({ kind, deviceId, label }): OT.Device[] => {
    if (kind === "audiooutput") return [];
    return [{ kind: kind === "audioinput" ? "audioInput" : "videoInput", deviceId, label }];
  });
}

/** 1 when this browser can hold a call, else 0. */
export function systemRequirements(): 0 | 1 {
  return typeof RTCPeerConnection === "function" && "mediaDevices" in navigator ? 1 : 0;
}

/** The tracks a publisher was asked to send: given ones as they are, the rest captured. */
export async function openTracks(properties: OT.PublisherProperties): Promise<MediaStreamTrack[]> {
  const { audioSource, videoSource } = properties;
  const given = [audioSource, videoSource].filter((source) => source instanceof MediaStreamTrack);
  const [width, height] = (properties.resolution ?? "640x480").split("x").map(Number);
  const audio: MediaTrackConstraints | false = wantsCapture(audioSource) && {
    echoCancellation: properties.echoCancellation ?? true,
    noiseSuppression: properties.noiseSuppression ?? true,
    autoGainControl: properties.autoGainControl ?? true,
    ...(typeof audioSource === "string" ? { deviceId: { exact: audioSource } } : {}),
  };
  const video: MediaTrackConstraints | false = wantsCapture(videoSource) && {
    width: { ideal: width },
    height: { ideal: height },
    frameRate: { ideal: properties.frameRate ?? 30, max: properties.frameRate ?? 30 },
    ...(typeof videoSource === "string" ? { deviceId: { exact: videoSource } } : {}),
  };
  if (audio === false && video === false) {
    if (given.length > 0) return given;
    throw new ClientError("OT_INVALID_PARAMETER", "Publish: neither audio nor video was asked for");
  }
  try {
    const captured = await navigator.mediaDevices.getUserMedia({ audio, video });
    return [...given, ...captured.getTracks()];
  } catch (error) {
    throw mediaError(error);
  }
}

function wantsCapture(source: string | null | boolean | MediaStreamTrack | undefined): boolean {
  return source === undefined || source === true || typeof source === "string";
}
