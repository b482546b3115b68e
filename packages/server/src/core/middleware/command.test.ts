// Words as a shell makes them, without anything else a shell does.
import { describe, expect, it } from "vitest";
import { splitCommand } from "./command.ts";

describe("splitCommand", () => {
  it.each([
    ["cat", ["cat"]],
    ["  node   echo.js\t-x ", ["node", "echo.js", "-x"]],
    [`bash -c 'while read line; do echo "$line"; done'`, ["bash", "-c", `while read line; do echo "$line"; done`]],
    [`"/opt/my app/run" --name="a b"c`, ["/opt/my app/run", "--name=a bc"]],
    [String.raw`a\ b "c\"d\\e\f" 'g\h'`, ["a b", String.raw`c"d\e\f`, String.raw`g\h`]],
    [`x ''`, ["x", ""]],
    ["echo $HOME *.js | cat", ["echo", "$HOME", "*.js", "|", "cat"]],
  ])("splits %j", (text, args) => {
    expect(splitCommand(text)).toEqual({ args });
  }); // prettier-ignore

  it.each([
    ["", "must be a command or a plugin file"],
    ["   ", "must be a command or a plugin file"],
    ["'' x", "must be a command or a plugin file"],
    ["a 'b", "must close its quote '"],
    [`a "b`, `must close its quote "`],
    ["a \\", "must not end in a backslash"],
  ])("refuses %j", (text, rule) => {
    expect(splitCommand(text)).toEqual({ rule });
  });
});
