/** The relays there are: what stands, asynchronously, between the inputs and the stages. */
import type { RelayDeclaration } from "../component/define.ts";
import { middleware } from "./middleware.ts";

export const relays: readonly RelayDeclaration[] = [middleware];
