// A service of ES modules.
import { mirror } from "@mirrorball/sdk/express";
import express from "express";
import { use } from "./use.cjs";

const mirrored = mirror();
const app = express()
  .use(mirrored)
  .use((req, res) => res.send("fine"));
const { offered, acked } = await use(app, mirrored);
process.exit(acked === offered ? 0 : 1);
