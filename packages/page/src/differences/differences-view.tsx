/** The inbox: what the target answers differently, the most severe and surest first; below, what varies and why it does not count. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { Notice } from "../parts/notice.tsx";
import { hello } from "../state/connection.ts";
import { findingsOf, followReport, rememberSeen, report, seenBefore } from "../state/report.ts";
import { count } from "../format.ts";
import { FindingCard } from "./finding-card.tsx";
import { NoiseList } from "./noise-list.tsx";

export function DifferencesView(): JSX.Element {
  const seen = useMemo(() => seenBefore(), []);
  const onlyNew = useSignal(false);
  useEffect(() => followReport(), []);
  // What was shown until the reader left has been seen.
  useEffect(
    () => () => {
      const last = report.peek();
      if (typeof last === "object") rememberSeen(findingsOf(last).map(({ key }) => key));
    },
    [],
  );
  const found = report.value;
  if (hello.value?.compares === false) {
    return (
      <Notice title="Nothing compares in this run">
        <code>--output-compare report.html</code> does.
      </Notice>
    );
  }
  if (typeof found === "string") {
    return <Notice title={found === "loading" ? "Asking the comparison" : "There is no report"} />;
  }
  const findings = findingsOf(found);
  const fresh = findings.filter(({ key }) => !seen.has(key));
  const shown = onlyNew.value ? fresh : findings;
  return (
    <div class="inbox">
      <Verdict report={found} />
      <div class="range">
        <button type="button" aria-pressed={!onlyNew.value} onClick={() => (onlyNew.value = false)}>
          all {findings.length}
        </button>
        <button type="button" aria-pressed={onlyNew.value} onClick={() => (onlyNew.value = true)}>
          new since the last look {fresh.length}
        </button>
      </div>
      {shown.length === 0 && <Notice title="Nothing differs here" />}
      {shown.map((finding) => (
        <FindingCard key={finding.key} finding={finding} isNew={!seen.has(finding.key)} />
      ))}
      <NoiseList endpoints={found.endpoints} />
    </div>
  );
}

function Verdict({
  report: { verdict, exchanges, remarks },
}: {
  readonly report: Page.Report;
}): JSX.Element {
  const tone = verdict === "same" ? "good" : verdict === "different" ? "bad" : "warn";
  return (
    <section class="verdict">
      <h1 class={tone}>{verdict}</h1>
      <p>
        {count(exchanges.compared)} exchanges compared, {count(exchanges.statusAlike)} with the same
        status; {count(exchanges.failed)} failed, {count(exchanges.unpaired)} unpaired,{" "}
        {count(exchanges.setAside)} set aside.
      </p>
      {remarks.map((remark) => (
        <p key={remark} class="soft">
          {remark}
        </p>
      ))}
    </section>
  );
}
