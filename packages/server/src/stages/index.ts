/**
 * The stages there are, in the order messages pass them: gor's, whatever the order of the flags. Middleware stands behind
 * those that say `beforeRelay`.
 */
import type { StageDeclaration } from "../component/define.ts";
import { allowHeader } from "./allow-header.ts";
import { allowMethod } from "./allow-method.ts";
import { allowUrl } from "./allow-url.ts";
import { basicAuthFilter } from "./basic-auth-filter.ts";
import { copyBufferSize } from "./copy-buffer-size.ts";
import { disallowHeader } from "./disallow-header.ts";
import { disallowUrl } from "./disallow-url.ts";
import { headerLimiter } from "./header-limiter.ts";
import { paramLimiter } from "./param-limiter.ts";
import { prettify } from "./prettify.ts";
import { rewriteHeader } from "./rewrite-header.ts";
import { rewriteUrl } from "./rewrite-url.ts";
import { setHeader } from "./set-header.ts";
import { setParam } from "./set-param.ts";

export const stages: readonly StageDeclaration[] = [
  copyBufferSize,
  prettify,
  allowMethod,
  setHeader,
  setParam,
  allowUrl,
  disallowUrl,
  allowHeader,
  disallowHeader,
  basicAuthFilter,
  headerLimiter,
  paramLimiter,
  rewriteUrl,
  rewriteHeader,
];
