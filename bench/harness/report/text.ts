/** Figures as a person reads them. */

/** For example `12.3 us`. */
export function duration(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(0)} ns`;
  if (ns < 1e6) return `${three(ns / 1e3)} us`;
  if (ns < 1e9) return `${three(ns / 1e6)} ms`;
  return `${three(ns / 1e9)} s`;
}

export function mib(bytes: number): string {
  return `${three(bytes / 2 ** 20)} MiB`;
}

/** For example `+3.2 %`. */
export function signedPercent(share: number): string {
  return `${share < 0 ? '−' : '+'}${(Math.abs(share) * 100).toFixed(1)} %`;
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

/** Three significant digits, never an exponent. */
function three(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
