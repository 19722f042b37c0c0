import { asset } from "fresh/runtime";
import { SiteHeader } from "../components/SiteHeader.tsx";
import { define } from "../lib/define.ts";

/** The document around every page. */
export default define.page(function App({ Component, state, url }) {
  // An error thrown before the caller was identified is rendered in here too.
  const role = state.identity?.role ?? "nobody";
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href={asset("/favicon.svg")} type="image/svg+xml" />
        <link rel="stylesheet" href={asset("/styles.css")} />
      </head>
      <body>
        <a class="skip-link" href="#content">Skip to the content</a>
        <SiteHeader path={url.pathname} isAdmin={role === "admin"} />
        <Component />
      </body>
    </html>
  );
});
