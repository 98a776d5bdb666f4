/**
 * The values under `<project>:` of Pulumi's flat configuration, with structured ones decoded. Keys of other
 * namespaces (`pulumi:`, providers) are not ours to judge.
 *
 * @param flat keys such as `clawstack:organizations`; structured values are JSON text, as the engine passes them
 */
export function decodeConfig(
  flat: Readonly<Record<string, string>>,
  project: string,
): Record<string, unknown> {
  const entries = Object.entries(flat)
    .filter(([key]) => key.startsWith(`${project}:`))
    .map(([key, text]) => [key.slice(project.length + 1), decode(text)]);
  return Object.fromEntries(entries);
}

function decode(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
