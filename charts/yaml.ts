import { Document, Scalar, visit } from "yaml";

/** Keys that people look for first, wherever they are; the others follow in the order of their code units. */
const leading = ["apiVersion", "kind", "metadata", "name", "namespace"];

/**
 * Plain strings that some reader takes for something else: whatever begins like a number (YAML 1.2 reads `0o7` as 7,
 * YAML 1.1 reads `1:20` as 80), the merge key `<<` and the default value `=` of YAML 1.1.
 */
const numberLike = /^[-+.=<~0-9]/;

/** Characters that YAML 1.1 takes for line breaks or for a byte order mark, also between quotes. */
const invisible = /[\u0085\u2028\u2029\ufeff]/g;

/**
 * One YAML document that is read alike by YAML 1.1 and 1.2 readers and does not change unless `value` does: keys are
 * sorted, lines are never folded, strings of several lines are literal blocks, nothing is an alias. Ends in a newline.
 *
 * cdk8s's own `Yaml` writes for YAML 1.1 only, and its key order depends on the environment.
 */
export function renderYaml(value: unknown): string {
  const document = new Document(value, {
    version: "1.1",
    // With it the string `<<` is written plain, as the merge key itself.
    customTags: (tags) =>
      tags.filter((tag) => typeof tag !== "object" || tag.tag !== "tag:yaml.org,2002:merge"),
    aliasDuplicateObjects: false,
    sortMapEntries: (a, b) => compareKeys(keyOf(a.key), keyOf(b.key)),
  });
  visit(document, {
    Scalar: (_key, node) => {
      if (typeof node.value !== "string") return;
      if (numberLike.test(node.value) || node.value.search(invisible) !== -1) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0 }).replace(invisible, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function keyOf(key: unknown): string {
  return String(key instanceof Scalar ? key.value : key);
}

function compareKeys(a: string, b: string): number {
  const [rankA, rankB] = [rank(a), rank(b)];
  if (rankA !== rankB) return rankA - rankB;
  return a < b ? -1 : 1;
}

function rank(key: string): number {
  const index = leading.indexOf(key);
  return index === -1 ? leading.length : index;
}
