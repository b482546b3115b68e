// A TypeScript service that is compiled to CommonJS as it is loaded.
import { mirror } from "@mirrorball/sdk/express";
import type { MirrorStats } from "@mirrorball/sdk/express";
import express = require("express");

const { use } = require("./use.cjs");
const mirrored = mirror();
const app = express()
  .use(mirrored)
  .use((_req, res) => void res.send("fine"));
void use(app, mirrored).then(({ offered, acked }: MirrorStats) =>
  process.exit(acked === offered ? 0 : 1),
);
