import { appendFileSync } from "node:fs";
import { readIfExists } from "./files.ts";

/** Counts compiled packages from the lines of `go build -v`, across interrupted runs: the count is kept in a file. */
export class CompileCount {
  readonly total: number;
  readonly #expected: ReadonlySet<string>;
  readonly #compiled: Set<string>;
  readonly #file: string;

  /** @param packages import paths of everything that goes into the binary */
  constructor(packages: readonly string[], file: string) {
    this.#expected = new Set(packages);
    this.#file = file;
    this.total = Math.max(1, this.#expected.size);
    this.#compiled = new Set(
      (readIfExists(file) ?? "").split("\n").filter((line) => this.#expected.has(line)),
    );
  }

  get done(): number {
    return this.#compiled.size;
  }

  /** Takes a line of output; lines that are not one of the packages are ignored. */
  add(line: string): void {
    if (!this.#expected.has(line) || this.#compiled.has(line)) return;
    this.#compiled.add(line);
    try {
      appendFileSync(this.#file, `${line}\n`);
    } catch {
      // Only the count shown after an interruption depends on it; a full disk is reported by Go itself.
    }
  }
}
