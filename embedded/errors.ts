/** A failure that the person at the keyboard can act on: the message says what is wrong and how to mend it, so callers print it without a stack. */
export class EngineError extends Error {
  override readonly name = "EngineError";
}

/** The message of anything thrown, for embedding in another message. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Whether `thrown` is a system error with this code, e.g. `ENOENT`. */
export function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === code;
}
