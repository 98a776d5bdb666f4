const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/**
 * Value of any Kubernetes quantity (apimachinery `resource.Quantity`), a string or a number as YAML gives it, or
 * undefined when it is none. Wider than presets/quantity.ts, which is about what an operator may write.
 */
export function parseQuantity(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string") return undefined;
  const match = /^([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)$/.exec(value);
  if (match === null) return undefined;
  const number = Number(match[1]);
  return match[2] === undefined
    ? number * (suffixes[match[3] ?? ""] ?? Number.NaN)
    : number * 10 ** Number(match[2]);
}

/** Whether `value` is a quantity above zero: zero means "no limit" to some runtimes and nothing to others. */
export function isPositive(value: unknown): boolean {
  const parsed = parseQuantity(value);
  return parsed !== undefined && parsed > 0;
}

/** Whether `value` is a quantity of exactly zero. */
export function isZero(value: unknown): boolean {
  return parseQuantity(value) === 0;
}
