/**
 * The statistics of a comparison: intervals of shares, and evidence that may be looked at at any time. Pure.
 *
 * Evidence: of N pairs in which exactly one side differs, b are the replayed one. If the build does not matter, b is Binomial(N, 1/2).
 * The evidence is the likelihood of b under a uniform mixture over p in (1/2, 1), divided by that under 1/2. By Ville's inequality
 * P(sup over time >= 1/alpha) <= alpha, so that looking often does not raise false alarms.
 */

/** Two-sided 95 %. */
export const Z_95 = 1.959_964;
/** Two-sided 99 %: for deciding what is noise, where many places are asked at once. */
export const Z_99 = 2.575_829;

/** Wilson's interval of a share. */
export function wilson(count: number, of: number, z: number = Z_95): [low: number, high: number] {
  if (of <= 0) return [0, 1];
  const share = Math.min(1, count / of);
  const zz = z * z;
  const centre = share + zz / (2 * of);
  const spread = z * Math.sqrt((share * (1 - share)) / of + zz / (4 * of * of));
  const scale = 1 + zz / of;
  return [Math.max(0, (centre - spread) / scale), Math.min(1, (centre + spread) / scale)];
}

/** Natural logarithm of the evidence that b of b + c discordant pairs are more than chance; see above. */
export function logEvidence(b: number, c: number): number {
  const n = b + c;
  if (n === 0) return 0;
  return Math.LN2 + n * Math.LN2 - Math.log(n + 1) - logChoose(n, b) + logBinomialAtMost(n + 1, b);
}

/** The same as a plain number, at most `Number.MAX_VALUE`. */
export function evidence(b: number, c: number): number {
  return Math.min(Math.exp(logEvidence(b, c)), Number.MAX_VALUE);
}

export function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

/** ln P(Bin(n, 1/2) <= k). */
function logBinomialAtMost(n: number, k: number): number {
  if (k >= n) return 0;
  let sum = 0;
  const top = logChoose(n, k);
  // Terms relative to the largest one that is summed, from k downwards; beyond the middle the whole is near 1.
  const from = Math.min(k, n);
  let term = 1;
  for (let i = from; i >= 0; i -= 1) {
    sum += term;
    term *= i / (n - i + 1);
    if (term < sum * 1e-16) break;
  }
  return Math.min(0, top + Math.log(sum) - n * Math.LN2);
}

const LANCZOS: readonly number[] = [
  676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_13, -176.615_029_162_140_6,
  12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
  1.505_632_735_149_311_6e-7,
];

/** ln Γ(x) for x > 0, Lanczos with g = 7. */
export function logGamma(x: number): number {
  const z = x - 1;
  let sum = 0.999_999_999_999_809_93;
  for (const [i, coefficient] of LANCZOS.entries()) sum += coefficient / (z + i + 1);
  const t = z + LANCZOS.length - 0.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** The ranks, from 0, between which the true quantile lies with 95 %, for sorted values. */
export function quantileRanks(count: number, share: number): [low: number, high: number] {
  const spread = Z_95 * Math.sqrt(count * share * (1 - share));
  const low = Math.floor(count * share - spread);
  const high = Math.ceil(count * share + spread);
  return [Math.max(0, low), Math.min(count - 1, high)];
}
