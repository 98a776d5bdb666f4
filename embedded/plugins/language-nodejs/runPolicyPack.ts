// Runs a policy pack that Node can load as it is. The SDK's own cmd/run-policy-pack always compiles TypeScript with
// ts-node, which refuses imports with .ts suffixes; the runner behind it can be told not to.
import { createRequire } from "node:module";
import { join } from "node:path";

/** Exit code that says that the user has already seen the error. */
const ALREADY_REPORTED = 32;

/** The part of the SDK's runner that is used (cmd/run-policy-pack/run). */
interface Runner {
  run(options: {
    argv: { _: string[] };
    programStarted: () => void;
    reportLoggedError: (error: Error) => void;
    typeScript: boolean;
  }): Promise<unknown>;
}

const directory = process.argv.at(-1) ?? ".";
const runner: Runner = createRequire(join(directory, "package.json"))(
  "@pulumi/pulumi/cmd/run-policy-pack/run",
);
await runner.run({
  argv: { _: [directory] },
  programStarted: () => {},
  reportLoggedError: () => {
    process.exitCode = ALREADY_REPORTED;
  },
  typeScript: false,
});
