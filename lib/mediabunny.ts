/**
 * mediabunny for code that runs in a browser. Its flat bundle imports nothing of Node, so that it works
 * with bundlers that do not read the `browser` field of a package, as Fresh's own.
 *
 * @module
 */
// @ts-types="mediabunny"
export * from "../node_modules/mediabunny/dist/bundles/mediabunny.mjs";
