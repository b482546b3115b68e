/**
 * How instances are called in logs, on the counters page, by `check` and in a journal, which knows outputs by these names: what they
 * were called stays.
 */
import { maskUserinfo } from "../../component/mask.ts";

export function nameOf(component: string, argument: string): string {
  return argument === "" ? component : `${component} ${maskUserinfo(argument)}`;
}
