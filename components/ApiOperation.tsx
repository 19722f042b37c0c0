import type { Operation } from "../lib/api/reading.ts";

/** One thing the API does: closed it says what, open it says how. */
export function ApiOperation({ operation }: { operation: Operation }) {
  const { id, method, paths, summary, parameters, body, answers } = operation;
  return (
    <details class="operation" id={id}>
      <summary>
        <span class={`badge ${METHOD_LOOK[method] ?? ""}`}>{method}</span>
        {paths.map((path) => <code key={path}>{path}</code>)}
        <span class="muted">{summary}</span>
      </summary>
      <div class="stack tight">
        {parameters.length > 0
          ? (
            <>
              <h3>Parameters</h3>
              <table class="table">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">In</th>
                    <th scope="col">What</th>
                  </tr>
                </thead>
                <tbody>
                  {parameters.map((parameter) => (
                    <tr key={parameter.name}>
                      <td data-label="Name">
                        <code>{parameter.name}</code>
                      </td>
                      <td data-label="In">
                        {parameter.where}
                        {parameter.required ? ", required" : ""}
                      </td>
                      <td data-label="What">
                        <code>{parameter.shape}</code>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </>
          )
          : null}
        {body === null ? null : (
          <>
            <h3>Body</h3>
            <pre tabindex={0}>{body}</pre>
          </>
        )}
        <h3>Answers</h3>
        {answers.map(({ status, description, shape }) => (
          <div key={status} class="stack tight">
            <p>
              <strong>{status}</strong>
              {` ${description}`}
              {shape !== null && isName(shape)
                ? (
                  <>
                    {": "}
                    <a href={`#${shape}`}>{shape}</a>
                  </>
                )
                : null}
            </p>
            {shape === null || isName(shape) ? null : <pre tabindex={0}>{shape}</pre>}
          </div>
        ))}
      </div>
    </details>
  );
}

const METHOD_LOOK: Record<string, string> = { GET: "ok", POST: "wait", DELETE: "bad" };

/** True for a shape that is described elsewhere on the page. */
function isName(shape: string): boolean {
  return /^[A-Z]\w*$/.test(shape);
}
