import { define } from "../lib/define.ts";

/** The dual-session sample's player page. */
export const handler = define.handlers({ GET: (ctx) => ctx.redirect("/player", 308) });
