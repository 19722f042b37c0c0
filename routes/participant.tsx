/** The archiving sample's participant page: the same as `/`. */
export { default, handler } from "./index.tsx";
