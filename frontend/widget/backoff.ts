// How long to wait before trying again.

const FIRST = 1_000;
const LONGEST = 60_000;

/**
 * Milliseconds before try number `attempt`, counted from 0: doubling, and never the same for two visitors, so that a
 * server that comes back is not asked by all of them in one moment.
 */
export function waitBefore(attempt: number, random: () => number = Math.random): number {
  return Math.min(LONGEST, FIRST * 2 ** attempt) * (0.5 + random() / 2);
}
