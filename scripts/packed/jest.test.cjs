// Jest's own `require`, in its own global object.
const express = require("express");
const { createMirror } = require("@mirrorball/sdk");
const { mirror } = require("@mirrorball/sdk/express");
const { use } = require("./use.cjs");

test("exchanges are mirrored", async () => {
  expect(typeof createMirror).toBe("function");
  const mirrored = mirror();
  const app = express()
    .use(mirrored)
    .use((req, res) => res.send("fine"));
  const { offered, acked } = await use(app, mirrored);
  expect(offered).toBe(process.env.PATHS.split(" ").length);
  expect(acked).toBe(offered);
});
