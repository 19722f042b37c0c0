import { HttpError } from "fresh";
import { Page } from "./Page.tsx";
import { PageError } from "../lib/page_error.ts";

const PLATFORM_TROUBLE = {
  title: "The video platform does not answer",
  text: "Recordings that run go on running. Try again in a moment.",
};
/** What a status means for whoever reads it, and what to do about it. */
const WORDS: Record<number, { title: string; text: string }> = {
  400: { title: "That cannot be read", text: "Go back, look at what was sent and try again." },
  401: { title: "Sign in first", text: "This is for admins." },
  403: { title: "This is not open to you", text: "Sign in, or ask for a link that opens it." },
  404: {
    title: "There is nothing here",
    text: "The address may be mistyped, or what was here is gone.",
  },
  405: { title: "That does not work here", text: "Go back and use the page's own buttons." },
  409: { title: "Not possible right now", text: "Something else is going on with it. Look again." },
  413: { title: "That is too much", text: "Go back and send less at once." },
  421: {
    title: "This server does not answer to this name",
    text: "Or open it at localhost, on the machine that it runs on.",
  },
  429: { title: "Too many requests", text: "Wait a minute, then try again." },
  410: { title: "It is gone", text: "What was here was deleted or has expired." },
  502: PLATFORM_TROUBLE,
  503: PLATFORM_TROUBLE,
  504: PLATFORM_TROUBLE,
};
const UNEXPECTED = {
  title: "Something went wrong",
  text: "It is not your fault. Try again; if it stays, tell whoever runs this server.",
};

/** The page for everything that ends in an error. It shows our own sentences, never an error's insides. */
export function ErrorPage({ error, url }: { error: unknown; url: URL }) {
  const status = error instanceof HttpError ? error.status : 500;
  const { title, text } = WORDS[status] ?? UNEXPECTED;
  return (
    <Page title={title} narrow>
      <div class="card stack">
        <div class="stack tight">
          <p class="muted number">Error {status}</p>
          <h1>{title}</h1>
        </div>
        {error instanceof PageError ? <p>{error.message}.</p> : null}
        <p class="muted">{text}</p>
        <div class="toolbar">
          {status === 401 || status === 403
            ? (
              <a
                class="button primary"
                href={`/sign-in?next=${encodeURIComponent(url.pathname + url.search)}`}
              >
                Sign in
              </a>
            )
            : null}
          <a class="button" href="/">Go to the call</a>
          <a class="button quiet" href="/rooms">All rooms</a>
        </div>
      </div>
    </Page>
  );
}
