/** Recording rooms without losing a moment: everything the rest of the app needs of it. */
export type { TellAlert, ToldAlert } from "./alerting.ts";
export { ChainError, type Chains } from "./chains.ts";
export { type ChainsOptions, createChains, type HandoverSettings } from "./create.ts";
export { MAIN_ROOM, openRoom } from "./open_room.ts";
