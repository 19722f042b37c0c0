/**
 * What a call offers to a recorder in its page. On the platform, archives are recorded by its media
 * servers; a platform that has none names a module in the join answer (`client.recorderUrl`) which
 * records in the browser. The call knows nothing else about it.
 */
import { CallError, problemOf } from "./errors.ts";

/** The media of one stream of the primary session: published by this page, or received. */
export interface StreamMedia {
  streamId: string;
  /** Live tracks, at most one of each kind. */
  tracks: readonly MediaStreamTrack[];
}

/** What a call offers to a recorder. */
export interface RecordableCall {
  /** Token of the primary session: names this participant to the platform. */
  readonly token: string;
  /** The streams whose media this page has now. */
  streams(): readonly StreamMedia[];
  /** Calls `listener` after every change of {@link streams}, until the returned function is called. */
  onChange(listener: () => void): () => void;
  /** Shows a warning about the recording to the participant; null takes it back. */
  warn(message: string | null): void;
}

/** A recorder that is attached to a call. */
export interface AttachedRecorder {
  /** The call ends here: resolves when another page records, or after a second at most. */
  leave(): Promise<void>;
}

/** Loads the module that records. Throws a {@link CallError} when it cannot be loaded. */
export async function loadRecorder(url: string): Promise<RecorderModule> {
  try {
    const module: RecorderModule = await import(url);
    return module;
  } catch (cause) {
    throw new CallError(problemOf("ClientNotLoaded"), { cause });
  }
}

/** What the module at `client.recorderUrl` exports. */
export interface RecorderModule {
  attach(call: RecordableCall): AttachedRecorder;
}
