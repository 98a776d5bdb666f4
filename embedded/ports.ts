import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { EngineError } from "./errors.ts";

/** Whether 127.0.0.1:`port` can be listened on now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on("error", () => resolve(false));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

// Below the ranges from which Linux and macOS take the local ports of outgoing connections.
const range = { first: 20000, end: 32768 };

/**
 * A free TCP port on 127.0.0.1, at random between 20000 and 32767.
 *
 * @param except ports that are not to be chosen.
 * @throws EngineError when 100 tries found none.
 */
export async function choosePort(except: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(range.first, range.end);
    if (!except.includes(port) && (await isPortFree(port))) return port;
  }
  throw new EngineError(`No free TCP port on 127.0.0.1 between ${range.first} and ${range.end - 1}.`);
}
