/** Reloads the page when the development server comes back with something new. */
const known: { revision?: string } = {};

function connect(): void {
  const { protocol, host } = location;
  const socket = new WebSocket(
    `${protocol === "https:" ? "wss" : "ws"}://${host}/_fresh/alive`,
  );
  socket.onmessage = ({ data }) => {
    known.revision ??= data;
    if (known.revision !== data) location.reload();
  };
  socket.onclose = () => setTimeout(connect, 300);
}

connect();
