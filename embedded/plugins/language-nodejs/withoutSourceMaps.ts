// Preloaded into programs that Node runs without compilation. The SDK would install source-map-support, which maps
// every stack trace, and the SDK takes one for each resource: a third of the program's time, to map lines that are
// right already.
import { createRequire } from "node:module";

const require = createRequire(process.argv[1] ?? import.meta.filename);
try {
  const id = require.resolve("source-map-support/register");
  const stub: Partial<NodeJS.Module> = {
    id,
    filename: id,
    loaded: true,
    exports: {},
    children: [],
    paths: [],
  };
  require.cache[id] = stub as NodeJS.Module;
} catch {
  // An SDK without the package installs nothing.
}
