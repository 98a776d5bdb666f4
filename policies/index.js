// The SDK compiles a TypeScript entry with ts-node, which knows no .ts imports; from here Node strips types itself.
import "./pack.ts";
