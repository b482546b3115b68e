/**
 * How instances are called in logs, on the counters page, by `check` and in a journal, which knows outputs by these names: what they
 * were called stays.
 */
import { withoutUserinfo } from "../component/mask.ts";

export function nameOf(component: string, argument: string): string {
  return argument === "" ? component : `${component} ${withoutPassword(argument)}`;
}

function withoutPassword(argument: string): string {
  const masked = argument.replace(
    /^((?:[a-z][a-z\d+.-]*:\/\/)?[^/@:]*):[^/@]*@(?=[^@]*$)/i,
    "$1:***@",
  );
  return masked === argument ? withoutUserinfo(argument) : masked;
}
