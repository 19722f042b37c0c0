/** What an admin can do with a whole recording. */
export function FilmActions({ chainId }: { chainId: string }) {
  return (
    <form
      method="get"
      action={`/player/${encodeURIComponent(chainId)}/delete`}
      class="toolbar"
    >
      <a class="button" href={`/links?${new URLSearchParams({ chain: chainId })}`}>
        Make a link to it
      </a>
      <button type="submit" class="button danger">Delete recording</button>
    </form>
  );
}
