import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseSync } from "@swc/core";
import { expect, test } from "vitest";

const dir = fileURLToPath(new URL("../../src/compose/", import.meta.url));

interface Node {
  type: string;
  span?: { start: number };
  [field: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Node).type === "string";

/** Property names do not use a variable, and types do not exist at run time. */
function* below(node: Node): Generator<Node> {
  for (const [field, value] of Object.entries(node)) {
    if (/^type[A-Z]|^returnType$/.test(field)) continue;
    const isName = field === "key" || (node.type === "MemberExpression" && field === "property");
    if (isName && isNode(value) && value.type === "Identifier") continue;
    for (const child of [value].flat()) {
      // The parser wraps a declarator, an argument or an array element in an object without a type.
      const inner = isNode(child) ? child : Object.values(child ?? {}).find(isNode);
      if (isNode(inner)) yield inner;
    }
  }
}

const isFunction = ({ type }: Node) => /^(Function|Arrow)|Method/.test(type);

function* all(node: Node, enters: (node: Node) => boolean = () => true): Generator<Node> {
  yield node;
  for (const child of below(node)) if (enters(child)) yield* all(child, enters);
}

/** The variables that a function itself declares, without those of inner functions, and their positions. */
function declarationsOf(fn: Node): Map<string, number> {
  const own = [...below(fn)].flatMap((node) =>
    isFunction(node) ? [] : [...all(node, (it) => !isFunction(it))],
  );
  const patterns = own.flatMap((node) => (node.type === "VariableDeclarator" ? [node.id as Node] : []));
  const bindings = patterns
    .flatMap((pattern) => [...all(pattern)])
    .flatMap((node) => (node.type === "AssignmentPatternProperty" ? [node.key as Node] : [node]))
    .filter(({ type }) => type === "Identifier");
  return new Map(bindings.map(({ value, span }) => [String(value), span!.start]));
}

/** Uses of a variable before its declaration, also in closures. Functions may be used earlier. */
function usesBeforeDeclaration(text: string): string[] {
  const module = parseSync(text, { syntax: "typescript" }) as unknown as Node;
  const early = [...all(module)].filter(isFunction).flatMap((fn) => {
    const declared = declarationsOf(fn);
    return [...all(fn)].filter(
      ({ type, value, span }) => type === "Identifier" && span!.start < (declared.get(String(value)) ?? 0),
    );
  });
  return early.map(({ value }) => String(value));
}

test("a use before the declaration is found, also in a closure", () => {
  const early = usesBeforeDeclaration(`
    export function create() {
      const a = make({ later: () => b.call(), c, run: (x) => d(x) });
      const b = make(a);
      const { c } = a;
      const d = hoisted;
      function hoisted() { return b; }
      return { a, b };
    }`);
  expect(early.sort()).toEqual(["b", "c", "d"]);
});

const files = readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));

test.each(files)("compose/%s uses nothing before it is declared", (file) => {
  expect(usesBeforeDeclaration(readFileSync(dir + file, "utf8"))).toEqual([]);
});
