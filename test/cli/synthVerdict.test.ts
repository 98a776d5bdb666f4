import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test, vi } from "vitest";
import type { Synthesis } from "../../charts/synthesize.ts";
import { synth } from "../../cli/synth.ts";
import { fleet, makeProject } from "../support/project.ts";
import { recordedOutput } from "./output.ts";

/** A builder that slips: what the rules would have to catch. */
vi.mock("../../charts/synthesize.ts", async (original) => {
  const { synthesize } = await original<{ synthesize: (spec: never) => Synthesis }>();
  return {
    synthesize: (spec: never) => {
      const synthesis = synthesize(spec);
      for (const { objects } of synthesis.directories) {
        for (const object of objects as { kind: string; spec: PodTemplate }[]) {
          if (object.kind !== "StatefulSet") continue;
          for (const container of object.spec.template.spec.containers)
            container.securityContext.privileged = true;
        }
      }
      return synthesis;
    },
  };
});
interface PodTemplate {
  template: { spec: { containers: { securityContext: { privileged: boolean } }[] } };
}

const parent = mkdtempSync(join(tmpdir(), "clawstack-verdict-"));
const project = makeProject("ward", fleet("st-mary", 1));
afterAll(() => {
  project.remove();
  rmSync(parent, { recursive: true });
});

test.each([false, true])(
  "what fails a rule is not written, and the exit code is 3; --check %s",
  async (check) => {
    const out = join(parent, "deploy");
    const { output, lines } = recordedOutput();
    const context = { env: {}, root: project.directory, output, interrupt: undefined as never };
    const report = await synth(context, { stack: "ward", out, check, force: true });
    expect(report).toMatchObject({
      result: "refused",
      exitCode: 3,
      details: {
        policy: {
          fail: 1,
          violations: [
            {
              policy: "CB-01",
              severity: "critical",
              object: { kind: "StatefulSet", namespace: "st-mary--agent-0", name: "agent" },
              path: "spec.template.spec.containers[0].securityContext.privileged",
            },
          ],
        },
      },
    });
    const said = lines.join("\n");
    expect(said).toMatch(
      /violation {2}CB-01 \(critical\) {2}StatefulSet st-mary--agent-0\/agent\n.*privileged is true/,
    );
    expect(said).toContain("Controls: ");
    expect(said).toContain("Fix: ");
    expect(said).toContain("1 policy violation, nothing was written");
    expect(existsSync(out)).toBe(false);
  },
);
