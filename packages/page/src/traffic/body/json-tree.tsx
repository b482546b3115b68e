/** JSON, folded where it is long; what differs is marked, and what is looked for is opened. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { Page } from "@mirrorball/server";
import { Digits } from "./exact-json.ts";
import { Found } from "../found.tsx";

/** Levels that are open at first, and members of one value that are shown before somebody asks for more. */
const OPEN_DEPTH = 3;
const MEMBERS_SHOWN = 100;
const DEPTH_MAX = 64;

export interface JsonTreeProps {
  readonly value: unknown;
  readonly places: readonly Page.Place[];
  readonly needle: string;
}

/** Places as the comparison names them, and whether they matter. */
type Marks = ReadonlyMap<string, "changed" | "noise">;

export function JsonTree({ value, places, needle }: JsonTreeProps): JSX.Element {
  const marks = new Map<string, "changed" | "noise">();
  for (const { part, path, noise } of places) {
    if (part === "body" && path !== "") marks.set(path, noise === null ? "changed" : "noise");
  }
  return (
    <div class="json">
      <Node name={undefined} value={value} path="$" depth={0} marks={marks} needle={needle} />
    </div>
  );
}

interface NodeProps {
  readonly name: string | undefined;
  readonly value: unknown;
  readonly path: string;
  readonly depth: number;
  readonly marks: Marks;
  readonly needle: string;
}

function Node(props: NodeProps): JSX.Element {
  const { name, value, path, depth, marks, needle } = props;
  const label = name === undefined ? null : <span class="name">{name}: </span>;
  const mark = marks.get(path) ?? "";
  if (typeof value !== "object" || value === null || value instanceof Digits || depth > DEPTH_MAX) {
    const text = value instanceof Digits ? value.text : (JSON.stringify(value) ?? "");
    return (
      <div class={`leaf ${mark}`}>
        {label}
        <span class={value instanceof Digits ? "number" : typeof value}>
          <Found text={text} needle={needle} />
        </span>
      </div>
    );
  }
  return <Branch {...props} value={value} label={label} mark={mark} />;
}

interface BranchProps extends NodeProps {
  readonly value: object;
  readonly label: JSX.Element | null;
  readonly mark: string;
}

function Branch({ value, path, depth, marks, needle, label, mark }: BranchProps): JSX.Element {
  const isList = Array.isArray(value);
  const entries = Object.entries(value);
  const isWanted = needle !== "" && has(value, needle.toLowerCase());
  const open = useSignal<boolean | undefined>(undefined);
  const shown = useSignal(MEMBERS_SHOWN);
  const isOpen =
    open.value ?? (isWanted || (depth < OPEN_DEPTH && entries.length <= MEMBERS_SHOWN));
  const [left, right] = isList ? ["[", "]"] : ["{", "}"];
  return (
    <div class={`branch ${mark}`}>
      <button
        type="button"
        class="fold"
        aria-expanded={isOpen}
        onClick={() => (open.value = !isOpen)}
      >
        <i aria-hidden="true">{isOpen ? "▾" : "▸"}</i>
        {label}
        {left}
        {!isOpen && (
          <span class="soft">{`${entries.length} ${isList ? "elements" : "members"}${right}`}</span>
        )}
      </button>
      {isOpen && (
        <div class="inside">
          {entries.slice(0, shown.value).map(([key, each]) => (
            <Node
              key={key}
              name={key}
              value={each}
              path={isList ? `${path}[]` : `${path}.${key}`}
              depth={depth + 1}
              marks={marks}
              needle={needle}
            />
          ))}
          {entries.length > shown.value && (
            <button type="button" onClick={() => (shown.value *= 4)}>
              {entries.length - shown.value} more
            </button>
          )}
        </div>
      )}
      {isOpen && <span>{right}</span>}
    </div>
  );
}

/** Whether a name or value in it holds the text. */
function has(value: unknown, needle: string): boolean {
  return (JSON.stringify(value) ?? "").toLowerCase().includes(needle);
}
