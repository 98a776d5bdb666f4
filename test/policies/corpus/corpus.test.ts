import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { policiesFor } from "../../../policies/crossguard.ts";
import { judge } from "../../../policies/judge.ts";
import { parseObject, showRef } from "../../../policies/object.ts";
import { rules } from "../../../policies/rules.ts";
import { readManifests } from "../../../policies/scanner/manifests.ts";
import { readState } from "../../../policies/scanner/state.ts";
import { scan } from "../../../policies/scanner.ts";
import { preview, type Resource, urnOf } from "../analyzer.ts";
import type { Loose } from "../fixture.ts";
import type { Mutation } from "./bend.ts";
import { cleanFleet, registries } from "./fleet.ts";
import { mutations } from "./mutations.ts";

const settings = { registries };

function mutated({ apply }: Mutation): Loose[] {
  const objects = cleanFleet();
  apply(objects);
  // As a manifest would hold it: without what is undefined.
  return JSON.parse(JSON.stringify(objects));
}

/** Rule and object of every failure. */
function verdicts(objects: readonly Loose[], given = {}): readonly string[] {
  return judge(objects, rules, given)
    .filter(({ verdict }) => verdict === "fail")
    .map(({ rule, object }) => `${rule} ${showRef(object)}`);
}

const distinct = (values: readonly string[]) => [...new Set(values)].sort();

describe("the mutation corpus", () => {
  it("starts from a fleet in which nothing is found", () => {
    const found = judge(cleanFleet(), rules, settings);
    expect(found.filter(({ verdict }) => verdict === "fail" || verdict === "undetermined")).toEqual([]);
  });

  it("is large, covers every rule at least twice, and repeats nothing", () => {
    expect(mutations.length).toBeGreaterThanOrEqual(150);
    for (const { id } of rules) {
      expect(mutations.filter(({ rule }) => rule === id).length, id).toBeGreaterThanOrEqual(2);
    }
    const clean = JSON.stringify(cleanFleet());
    const fleets = mutations.map((mutation) => JSON.stringify(mutated(mutation)));
    expect(fleets).not.toContain(clean);
    expect(new Set(fleets).size).toBe(mutations.length);
    expect(new Set(mutations.map(({ rule, name }) => `${rule} ${name}`)).size).toBe(mutations.length);
  });

  it.each(mutations)("$rule catches $name", (mutation) => {
    const failed = verdicts(mutated(mutation), settings).map((verdict) => verdict.split(" ")[0]);
    expect(failed).toContain(mutation.rule);
  });
});

describe("one verdict everywhere", () => {
  it.each(mutations)("judge, pack and scanner agree on $rule: $name", async (mutation) => {
    const objects = mutated(mutation);
    const expected = distinct(verdicts(objects));
    expect(distinct(await byPack(objects))).toEqual(expected);
    expect(distinct(byScanner(objects))).toEqual(expected);
    expect(distinct(byState(objects))).toEqual(expected);
  });
});

function resourceOf(props: Loose, index: number): Resource {
  const version = props.apiVersion.includes("/") ? props.apiVersion : `core/${props.apiVersion}`;
  return { type: `kubernetes:${version}:${props.kind}`, name: `object-${index}`, props };
}

async function byPack(objects: readonly Loose[]): Promise<readonly string[]> {
  const resources = objects.map(resourceOf);
  const names = new Map(resources.map((one) => [urnOf(one), showRef(parseObject(one.props).ref)]));
  const found = await preview(policiesFor(), resources);
  return found
    .filter(({ level }) => level === "mandatory")
    .map(({ policy, urn }) => `${policy} ${names.get(urn)}`);
}

function byScanner(objects: readonly Loose[]): readonly string[] {
  const text = objects.map((object) => stringify(object, { aliasDuplicateObjects: true })).join("---\n");
  const { declared, problems } = readManifests(text, "fleet.yaml");
  expect(problems).toEqual([]);
  return failuresOf(declared);
}

function byState(objects: readonly Loose[]): readonly string[] {
  const resources = objects
    .map(resourceOf)
    .map((one) => ({ urn: urnOf(one), type: one.type, inputs: one.props }));
  return failuresOf(readState({ version: 3, deployment: { resources } }, "state.json").declared);
}

function failuresOf(declared: Parameters<typeof scan>[0]): readonly string[] {
  return scan(declared, rules)
    .results.filter(({ verdict }) => verdict === "fail")
    .map(({ rule, object }) => `${rule.id} ${showRef(object)}`);
}
