/** Why an export failed, in words a person can act on: pure. */
import { MediaFetchError, type Trouble, UnplayableFileError } from "../player/media_fetch.ts";

const TROUBLES: Record<Trouble, string> = {
  unreachable: "The recording could not be reached. Check the connection and try again",
  expired: "A part is no longer there. Try again to put the others together",
  gone: "A part is no longer there. Try again to put the others together",
  denied: "You may no longer watch this film. Sign in again or ask for a new link",
  blocked: "The server with the parts does not let this page read them. Download the parts instead",
  "no-ranges": "The server with the parts sends only whole files. Download the parts instead",
};

/** One or two sentences without the last full stop. */
export function failureText(error: unknown): string {
  if (error instanceof MediaFetchError) return TROUBLES[error.trouble];
  if (error instanceof UnplayableFileError) {
    return `A part ${error.message}. Try again to put the others together`;
  }
  const name = error instanceof Error || error instanceof DOMException ? error.name : "";
  if (name === "QuotaExceededError") {
    return "There is not enough room on the disk. Make some and try again";
  }
  if (name === "NotAllowedError" || name === "NoModificationAllowedError") {
    return "The browser was not allowed to write the file. Choose another place and try again";
  }
  if (name === "NotFoundError" || name === "InvalidStateError") {
    return "The file was moved or removed while it was written. Try again";
  }
  const detail = error instanceof Error ? error.message : String(error);
  return `The film could not be put together: ${detail}. Try again, or download the parts instead`;
}
