import { expect, it } from "vitest";
import { formatFor } from "./accept.ts";

// What Prometheus 2.42 and 3 send.
const PROMETHEUS_2 =
  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
const PROMETHEUS_3 =
  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";

it.each([
  [undefined, "prometheus"],
  ["", "prometheus"],
  ["*/*", "prometheus"],
  ["text/html,application/xhtml+xml,*/*;q=0.8", "prometheus"],
  ["text/plain", "prometheus"],
  [PROMETHEUS_2, "openmetrics"],
  [PROMETHEUS_3, "openmetrics"],
  ["application/openmetrics-text", "openmetrics"],
  ["Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", "openmetrics"],
  ["application/openmetrics-text;version=2.0.0", "prometheus"],
  ["application/openmetrics-text;q=0", "prometheus"],
  ["application/openmetrics-text;q=x", "prometheus"],
  ["application/openmetrics-text;q=0.4,text/plain;q=0.5", "prometheus"],
  ["application/openmetrics-text;q=0.4,text/plain;q=0.3,*/*;q=0.9", "openmetrics"],
  [`application/openmetrics-text,${" ".repeat(5000)}`, "prometheus"],
] as const)("Accept: %s", (accept, format) => {
  expect(formatFor(accept)).toBe(format);
});
