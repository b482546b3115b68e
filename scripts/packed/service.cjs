// A CommonJS service.
const express = require("express");
const { mirror } = require("@mirrorball/sdk/express");
const { use } = require("./use.cjs");

const mirrored = mirror();
const app = express()
  .use(mirrored)
  .use((req, res) => res.send("fine"));
void use(app, mirrored).then(({ offered, acked }) => process.exit(acked === offered ? 0 : 1));
