import { join } from "node:path";
import { synthesize } from "../charts/synthesize.ts";
import { resolve } from "../presets/resolve.ts";
import { judgeGroups } from "./judgement.ts";
import type { Session } from "./session.ts";
import { readState } from "./state.ts";

const ownProgram = join(import.meta.dirname, "..", "stacks", "index.ts");

/**
 * How many objects a stack without state declares, when a preview could tell nothing more about them: there is nothing
 * to delete or replace, the program is this repository's, and every rule holds over all that its configuration declares.
 * Undefined where only a preview can tell. The policy pack judges the update in either case.
 */
export async function declaredByFreshStack({ file, stack }: Session): Promise<number | undefined> {
  if (file.config === undefined || file.program !== ownProgram) return undefined;
  if ((await readState(stack)).objects.length > 0) return undefined;
  const { directories } = synthesize(resolve(file.config, file.stack));
  const groups = new Map(directories.map(({ path, objects }) => [path, objects]));
  if (judgeGroups(groups).violations.length > 0) return undefined;
  return [...groups.values()].reduce((sum, objects) => sum + objects.length, 0);
}
