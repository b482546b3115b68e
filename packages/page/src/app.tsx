/** The frame around every view: where one is, whether the server is there, and the view itself. */
import type { JSX } from "preact";
import { Help } from "./parts/help.tsx";
import { Locked } from "./parts/locked.tsx";
import { TopBar } from "./parts/top-bar.tsx";
import { NowView } from "./now/now-view.tsx";
import { view } from "./state/address.ts";
import { connection } from "./state/connection.ts";
import { helpShown } from "./state/keys.ts";
import { TrafficView } from "./traffic/traffic-view.tsx";

export function App(): JSX.Element {
  if (connection.value === "locked") return <Locked />;
  return (
    <>
      <TopBar />
      <main>{view.value === "traffic" ? <TrafficView /> : <NowView />}</main>
      {helpShown.value && <Help />}
    </>
  );
}
