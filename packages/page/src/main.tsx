/** Starts the page: state first, then what shows it. */
import { render } from "preact";
import { App } from "./app.tsx";
import { connect } from "./state/connection.ts";
import { listenForKeys } from "./state/keys.ts";
import { applyTheme } from "./state/theme.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";

applyTheme();
listenForKeys();
connect();
render(<App />, document.body);
