/** Binary suffixes of a Kubernetes quantity, smallest first. Decimal ones are refused: 1G is not 1Gi. */
const binary = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const;

/** Millicores of a Kubernetes CPU quantity ("500m", "2", "1.5"), or undefined when it is not one. */
export function parseCpu(text: string): number | undefined {
  const millis = /^(\d{1,9})m$/.exec(text)?.[1];
  if (millis !== undefined) return Number(millis);
  if (!/^\d{1,6}(\.\d{1,3})?$/.test(text)) return undefined;
  return Math.round(Number(text) * 1000);
}

/** Bytes of a Kubernetes memory or storage quantity with a binary suffix ("512Mi", "2Gi"), or undefined. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,9})(Ki|Mi|Gi|Ti)$/.exec(text);
  if (match === null) return undefined;
  const bytes = Number(match[1]) * binary[match[2] as keyof typeof binary];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The canonical form that the API server prints, so that a second run sees no difference: 1000 -> "1", 1500 -> "1500m". */
export function formatCpu(millis: number): string {
  return millis % 1000 === 0 ? String(millis / 1000) : `${millis}m`;
}

/** The canonical form that the API server prints: the largest binary suffix that divides evenly. */
export function formatBytes(bytes: number): string {
  for (const [suffix, factor] of Object.entries(binary).reverse()) {
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${suffix}`;
  }
  return String(bytes);
}
