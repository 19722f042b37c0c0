import type { PageProps } from "fresh";
import { ErrorPage } from "../components/ErrorPage.tsx";

/** Whatever went wrong on the way to a page. */
export default function Error({ error, url }: PageProps) {
  return <ErrorPage error={error} url={url} />;
}
