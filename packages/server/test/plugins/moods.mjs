// A plugin in many moods, for tests: what it does is in the request's path.
import { definePlugin } from "@mirrorball/server/plugin";

let tries = 0;

export const plugin = definePlugin({
  async onReplay(response, { exchange }) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    response.setHeader("X-Target", String(exchange["target"]));
  },
  onResponse(response, { exchange }) {
    response.setHeader("X-Target", String(exchange["target"]));
    if (exchange["target"] === "/secret") return false;
    return undefined;
  },
  onRequest(request, { exchange }) {
    exchange["target"] = request.target;
    const [, mood = ""] = request.target.split("/");
    if (mood === "drop") return false;
    if (mood === "throw") throw new Error("this handler throws");
    if (mood === "reject") return Promise.reject(new Error("this handler rejects"));
    if (mood === "late") return new Promise((resolve) => setTimeout(resolve, 5));
    if (mood === "print") console.log("printed by the plugin");
    if (mood === "edit") {
      request.setHeader("X-Seen", request.context.route ?? "none");
      request.setBody(request.text.toUpperCase());
    }
    if (mood === "die") process.exit(7);
    if (mood === "crash") setTimeout(() => nothing.like.this, 0);
    if (mood === "hang" && (tries += 1) > 0) for (;;);
    return undefined;
  },
});
