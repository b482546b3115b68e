// A plan that would feed itself is refused before anything starts; its neighbours are not.
import { networkInterfaces } from "node:os";
import { expect, it } from "vitest";
import { catalogue } from "../catalogue.ts";
import { planFrom } from "./plan.ts";

function errors(words: string): readonly string[] {
  const made = planFrom(words.split(" "), catalogue);
  return "errors" in made ? made.errors : [];
}

const own = Object.values(networkInterfaces())
  .flatMap((all) => all ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

it.each([
  "--input-http :8080 --output-http http://127.0.0.1:8080",
  "--input-http :8080 --output-http localhost:8080/path",
  "--input-http 127.0.0.1:8080 --output-http http://localhost:8080",
  "--input-http 0.0.0.0:80 --output-http http://127.0.0.2",
  "--input-http [::1]:8443 --output-http https://[::1]:8443",
  "--input-tcp :28020 --output-tcp :28020",
  "--input-tcp unix:/run/a.sock --output-tcp unix:/run/a.sock",
  "--input-raw :80 --output-http http://127.0.0.1:80",
  "--input-raw :80,443 --output-http https://localhost",
  "--input-raw : --output-http localhost:3000",
  "--input-raw lo:80 --output-http localhost",
  `--input-raw :80 --output-http ${own ?? "127.0.0.1"}`,
])("refuses %s", (words) => {
  expect(errors(words)).toEqual([expect.stringContaining("would go round in a circle")]);
});

it.each([
  "--input-http :8080 --output-http http://127.0.0.1:8081",
  "--input-raw :80 --output-http http://staging.test",
  "--input-raw 192.0.2.1:80 --output-http http://127.0.0.1",
  "--input-raw shop.pcap:80 --output-http http://127.0.0.1",
  "--input-tcp :28020 --output-tcp 192.0.2.1:28020",
  "--input-tcp unix:/run/a.sock --output-tcp unix:/run/b.sock",
])("takes %s", (words) => {
  expect(errors(words)).toEqual([]);
});
