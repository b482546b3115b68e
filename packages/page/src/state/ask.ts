/** Asks the server. In: a path. Out: what it says, or why it does not. */

/** `locked`: this browser has not shown the token. `gone`: no such thing any more. `lost`: no server. */
export type AskFault = "locked" | "gone" | "lost" | { readonly why: string };

export class Refused extends Error {
  readonly fault: AskFault;
  constructor(fault: AskFault) {
    super(typeof fault === "string" ? fault : fault.why);
    this.fault = fault;
  }
}

export async function ask<T>(path: string): Promise<T> {
  const answer = await request(path);
  return (await answer.json()) as T;
}

export async function askBytes(path: string): Promise<Uint8Array> {
  const answer = await request(path);
  return new Uint8Array(await answer.arrayBuffer());
}

async function request(path: string): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path);
  } catch {
    throw new Refused("lost");
  }
  if (answer.ok) return answer;
  if (answer.status === 401) throw new Refused("locked");
  if (answer.status === 404) throw new Refused("gone");
  throw new Refused({ why: (await answer.text()).trim() });
}
