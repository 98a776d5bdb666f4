import { styleText } from "node:util";

/** How text may be emphasised; `plain` returns it unchanged. */
export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";
export type Paint = (style: Style, text: string) => string;

/** Where a command's words go: `text` is for people; the JSON document, when one is wanted, goes to stdout alone. */
export interface Output {
  readonly json: boolean;
  /** Whether `stream` is a terminal that can redraw lines. */
  readonly live: boolean;
  /** Whether the terminal shows more than ASCII. */
  readonly unicode: boolean;
  /** Width of the terminal in columns; 100 when it is not one. */
  readonly columns: number;
  readonly paint: Paint;
  /** Writes lines for people: to stdout, or to stderr when stdout carries JSON. */
  text(lines: string): void;
  /** Writes to the same stream as `text`, as it is. */
  write(raw: string): void;
  /** Writes to stderr. */
  error(lines: string): void;
  /** The command's one JSON document. */
  document(value: unknown): void;
}

export const plain: Paint = (_style, text) => text;

/** Output on the process's own streams. Colour only on a terminal, without NO_COLOR and with a capable TERM. */
export function processOutput(json: boolean, env: NodeJS.ProcessEnv): Output {
  const stream = json ? process.stderr : process.stdout;
  const live = stream.isTTY === true && env["TERM"] !== "dumb" && env["CI"] === undefined;
  const colour = stream.isTTY === true && env["TERM"] !== "dumb" && !env["NO_COLOR"];
  const paint: Paint = colour ? (style, text) => styleText(style, text, { validateStream: false }) : plain;
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "";
  return {
    json,
    live,
    unicode: stream.isTTY === true && /utf-?8/i.test(locale),
    get columns() {
      return stream.columns || 100;
    },
    paint,
    text: (lines) => void stream.write(`${lines}\n`),
    write: (raw) => void stream.write(raw),
    error: (lines) => void process.stderr.write(`${lines}\n`),
    document: (value) => void process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`),
  };
}

/** A reader that goes away (`clawstack status | head`) ends the output, not the command with an error message. */
export function ignoreBrokenPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}
