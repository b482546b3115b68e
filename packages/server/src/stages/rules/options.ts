/** Options that several rules share. The same objects everywhere, so that each is one flag. */
import { flag } from "../../component/kinds.ts";
import type { OptionSpec } from "../../component/option.ts";

export const gorRules: OptionSpec<boolean> = flag({
  flag: "http-gor-rules",
  help: "Apply rules as gor does: of repeated fields and parameters only one counts, what cannot be parsed passes allow rules, header rewriting ends at the first field that is missing.",
  default: false,
});

export const setAfterFilters: OptionSpec<boolean> = flag({
  flag: "http-set-after-filters",
  help: "Set headers and parameters behind the filters and limiters, which then see requests as they came; gor sets them first.",
  default: false,
});
