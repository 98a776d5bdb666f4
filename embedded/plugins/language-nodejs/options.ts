import * as z from "zod";

const optionsSchema = z.strictObject({
  typescript: z.boolean().default(true),
  tsconfig: z.string().optional(),
  nodeargs: z.string().default(""),
  production: z.boolean().optional(),
  packagemanager: z.enum(["auto", "npm", "yarn", "pnpm", "bun"]).optional(),
});

/** The `runtime.options` of Pulumi.yaml or PulumiPolicy.yaml, with the official host's defaults. */
export type RuntimeOptions = z.infer<typeof optionsSchema>;

/** Parses `runtime.options`; throws an error that names every key that is wrong. */
export function parseOptions(options: unknown): RuntimeOptions {
  const parsed = optionsSchema.safeParse(options ?? {});
  if (parsed.success) return parsed.data;
  throw new Error(`runtime.options of the project are not valid: ${z.prettifyError(parsed.error)}`);
}

/** The environment variables through which the SDK learns of the options. */
export function optionsEnvironment(options: RuntimeOptions): Record<string, string> {
  return {
    ...(options.typescript ? { PULUMI_NODEJS_TYPESCRIPT: "true" } : {}),
    ...(options.tsconfig === undefined ? {} : { PULUMI_NODEJS_TSCONFIG_PATH: options.tsconfig }),
  };
}

/**
 * Splits `nodeargs` into words: blanks separate, single and double quotes group, a backslash takes the next character
 * as it is (not between single quotes). Throws on an open quote.
 */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === "\\" && quote !== "'") word = (word ?? "") + text.charAt(++i);
    else if (quote !== "" && char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) {
      quote = char;
      word ??= "";
    } else if (quote === "" && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + char;
  }
  if (quote !== "") throw new Error(`runtime option nodeargs has an open ${quote} quote: ${text}`);
  if (word !== undefined) words.push(word);
  return words;
}
