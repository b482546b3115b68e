/**
 * Event streams (`text/event-stream`): what the data of an event says, over all its lines, is looked into as a text of its own; other lines
 * as plain text. In: text. Out: the same string when there is nothing to replace.
 */

/** `data` with or without a value; one blank behind the colon is no part of it. A byte order mark may stand in front. */
const DATA = /^(\ufeff?data)(?::( ?)|$)/;

export function redactEvents(
  text: string,
  data: (payload: string) => string,
  other: (line: string) => string,
): string {
  // Lines and their ends in turn.
  const lines = text.split(/(\r\n|\r|\n)/);
  let changed = false;
  let group: number[] = [];
  const endEvent = (): void => {
    const payload = group.map((at) => (lines[at] ?? "").replace(DATA, "")).join("\n");
    const safe = group.length === 0 ? payload : data(payload);
    if (safe !== payload) {
      changed = true;
      put(lines, group, safe);
    }
    group = [];
  };
  for (let i = 0; i < lines.length; i += 2) {
    const line = lines[i] ?? "";
    if (line === "") endEvent();
    else if (DATA.test(line)) group.push(i);
    else {
      const safe = other(line);
      changed ||= safe !== line;
      lines[i] = safe;
    }
  }
  endEvent();
  return changed ? lines.join("") : text;
}

/** All of the payload where its first line was. */
function put(lines: string[], group: readonly number[], payload: string): void {
  const [first = 0, ...others] = group;
  const end = lines[first + 1] ?? "\n";
  const name = DATA.exec(lines[first] ?? "");
  const begin = name?.[1] ?? "data";
  const space = name?.[2] ?? " ";
  const [head = "", ...rest] = payload.split("\n");
  lines[first] = [`${begin}:${space}${head}`, ...rest.map((line) => `data:${space}${line}`)].join(
    end === "" ? "\n" : end,
  );
  for (const at of others) {
    lines[at] = "";
    // Their ends go with them, but for the last one's, which the first line has now.
    lines[at - 1] = "";
  }
}
