/** Errors that end in a page: which status they get, and what the reader may be told. */
import { HttpError } from "fresh";
import { explain } from "./api/problem.ts";

/** An error whose message is written for the reader of the page. */
export class PageError extends HttpError {
  override readonly name = "PageError";
}

/** The page error for what a service threw; null for what nobody expected: its words stay in the log. */
export function toPageError(error: unknown): HttpError | null {
  if (error instanceof HttpError) return error;
  const { status, detail } = explain(error);
  return status === 500 ? null : new PageError(status, detail, { cause: error });
}
