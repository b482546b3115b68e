/** The frame around every view: where one is, whether the server is there, and the view itself. */
import type { JSX } from "preact";
import { DifferencesView } from "./differences/differences-view.tsx";
import { Help } from "./parts/help.tsx";
import { Locked } from "./parts/locked.tsx";
import { TopBar } from "./parts/top-bar.tsx";
import { NowView } from "./now/now-view.tsx";
import { view } from "./state/address.ts";
import type { View } from "./state/address.ts";
import { connection, hello } from "./state/connection.ts";
import { helpShown } from "./state/keys.ts";
import { TrafficView } from "./traffic/traffic-view.tsx";

const VIEWS: Readonly<Record<View, () => JSX.Element>> = {
  now: () => <NowView />,
  traffic: () => <TrafficView />,
  differences: () => <DifferencesView />,
};

export function App(): JSX.Element {
  if (connection.value === "locked") return <Locked />;
  // A recording has no now.
  const shown = hello.value?.mode === "recording" && view.value === "now" ? "traffic" : view.value;
  return (
    <>
      <TopBar shown={shown} />
      <main>{VIEWS[shown]()}</main>
      {helpShown.value && <Help />}
    </>
  );
}
