import { asset, Head } from "fresh/runtime";
import SessionSwitcher from "../islands/SessionSwitcher.tsx";
import VideoPublisher from "../islands/VideoPublisher.tsx";
import { type Strategy, strategyWords } from "../lib/recording/model.ts";
import { Page } from "./Page.tsx";

interface RoomCallProps {
  room: string;
  title: string;
  host: boolean;
  /** How its recordings hand over; said to the host. */
  strategy?: Strategy;
}

/** A room's call, and for its host the controls of its recording. */
export function RoomCall({ room, title, host, strategy }: RoomCallProps) {
  return (
    <Page title={host ? `Host ${title}` : title}>
      <Head>
        <link key="call.css" rel="stylesheet" href={asset("/call.css")} />
      </Head>
      <h1>{host ? `Host: ${title}` : title}</h1>
      {host && strategy
        ? (
          <p class="muted">
            {`Recordings that start here hand over ${strategyWords[strategy]}. `}
            <a href={`/rooms/${room}/edit`}>Change</a>
          </p>
        )
        : null}
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
