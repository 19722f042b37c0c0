import { asset, Head } from "fresh/runtime";
import SessionSwitcher from "../islands/SessionSwitcher.tsx";
import VideoPublisher from "../islands/VideoPublisher.tsx";
import { Page } from "./Page.tsx";

/** A room's call, and for its host the controls of its recording. */
export function RoomCall({ room, title, host }: { room: string; title: string; host: boolean }) {
  return (
    <Page title={host ? `Host ${title}` : title}>
      <Head>
        <link key="call.css" rel="stylesheet" href={asset("/call.css")} />
      </Head>
      <h1>{host ? `Host: ${title}` : title}</h1>
      {host
        ? (
          <div class="host-layout">
            <VideoPublisher room={room} title={title} host />
            <SessionSwitcher room={room} />
          </div>
        )
        : <VideoPublisher room={room} title={title} host={false} />}
    </Page>
  );
}
