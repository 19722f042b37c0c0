import type { ComponentChildren } from "preact";

interface ConfirmFormProps {
  /** The question, as the page's heading. */
  question: string;
  /** What goes, and what stays. */
  children: ComponentChildren;
  /** The words on the button that does it. */
  doIt: string;
  /** Where "Cancel" leads. */
  back: string;
  /** What went wrong the last time it was tried. */
  error?: string;
}

/** Asks before something is lost. Its POST goes to the page's own address. */
export function ConfirmForm({ question, children, doIt, back, error }: ConfirmFormProps) {
  return (
    <form method="post" class="card stack">
      <h1>{question}</h1>
      {error ? <p class="notice error" role="alert">{error}</p> : null}
      {children}
      <div class="toolbar">
        <button type="submit" class="button danger primary">{doIt}</button>
        <a class="button quiet" href={back}>Cancel</a>
      </div>
    </form>
  );
}
