import { define } from "../lib/define.ts";

/** The dual-session sample's admin page. */
export const handler = define.handlers({ GET: (ctx) => ctx.redirect("/host", 308) });
