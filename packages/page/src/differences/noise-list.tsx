/** What varies and does not count, each with its reason, by endpoint. */
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { count } from "../format.ts";

export function NoiseList({
  endpoints,
}: {
  readonly endpoints: readonly Page.EndpointReport[];
}): JSX.Element | null {
  const noisy = endpoints.filter(({ noise }) => noise.length > 0);
  if (noisy.length === 0) return null;
  return (
    <section>
      <h2>What varies, and why it does not count</h2>
      {noisy.map(({ method, route, noise }) => (
        <details key={`${method} ${route}`} class="card">
          <summary>
            <code>
              {method} {route}
            </code>{" "}
            <span class="soft">{noise.length}</span>
          </summary>
          <table>
            <tbody>
              {noise.map(({ part, path, why, count: n, of }, i) => (
                <tr key={i}>
                  <td>
                    {part} <code>{path}</code>
                  </td>
                  <td>{why}</td>
                  <td>
                    {count(n)} of {count(of)}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      ))}
    </section>
  );
}
