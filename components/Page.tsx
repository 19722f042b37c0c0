import type { ComponentChildren } from "preact";
import { Head } from "fresh/runtime";

interface PageFrameProps {
  /** The document's title, before the product's name. */
  title: string;
  /** For a single form or message. */
  narrow?: boolean;
  children: ComponentChildren;
}

/** The main part of a page, with its title. */
export function Page({ title, narrow = false, children }: PageFrameProps) {
  return (
    <>
      <Head>
        <title>{`${title} · Gapless`}</title>
      </Head>
      <main id="content" class={narrow ? "page narrow stack" : "page stack"}>
        {children}
      </main>
    </>
  );
}
