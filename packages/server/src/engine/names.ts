/** How instances are called in logs, on the counters page and by `check`: `output-http http://staging`. */

export function nameOf(component: string, argument: string): string {
  return argument === "" ? component : `${component} ${withoutPassword(argument)}`;
}

function withoutPassword(argument: string): string {
  return argument.replace(/^((?:[a-z][a-z\d+.-]*:\/\/)?[^/@:]*):[^/@]*@/i, "$1:***@");
}
