/** The bytes at a path of the server, for a component: undefined until they are there. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { askBytes } from "../state/ask.ts";

export function useBytes(path: string): Uint8Array | undefined {
  const bytes = useSignal<Uint8Array | undefined>(undefined);
  useEffect(() => {
    let isOver = false;
    const load = async (): Promise<void> => {
      const found = await askBytes(path).catch(() => undefined);
      if (!isOver) bytes.value = found;
    };
    void load();
    return () => void (isOver = true);
  }, [path]);
  return bytes.value;
}
