/** The one typed door from routes to the app's state: every page and handler is made with `define`. */
import { createDefine } from "fresh";
import type { Identity } from "./auth/mod.ts";
import type { Services } from "./services.ts";

/** What every request carries, put there by the middleware in `app.ts`. */
export interface State {
  services: Services;
  /** Who is asking, as far as the cookies tell. */
  identity: Identity;
}

/** Typed helpers for pages, handlers, layouts and middleware of this app. */
export const define = createDefine<State>();
