import { Fragment, jsx } from "hono/jsx";
import { expect, test } from "vitest";
import { findParts, Live } from "../../../src/http/page/part.js";

const live = (name: string, text: string) => jsx(Live, { name }, text);

test("the parts of a page are found in their order, in whatever they are, and nothing around them is written", () => {
  let written = 0;
  const around = {
    toString() {
      written += 1;
      return "around";
    },
  };
  const Box = ({ children }: { children: unknown }) => jsx("section", { title: around }, children as string);
  const page = jsx(
    Fragment,
    {},
    jsx("h1", { title: around }, "Title"),
    jsx(Box, {}, [live("one", "first"), jsx("p", { title: around }, live("two", "second"))] as never),
    null,
    live("three", "third"),
  );
  const parts = findParts(page);
  expect(parts.map(({ name }) => name)).toEqual(["one", "two", "three"]);
  expect(parts.map(({ html }) => />(.+)</.exec(html(undefined))?.[1])).toEqual(["first", "second", "third"]);
  expect(written).toBe(0);
  expect(String(page)).toContain("around");
});
