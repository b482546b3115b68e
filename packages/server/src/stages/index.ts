/** The stages there are, in the order messages pass them. Filters, rewrites and limiters are added here. */
import type { StageDeclaration } from "../component/define.ts";

export const stages: readonly StageDeclaration[] = [];
