import { expect, test } from "vitest";
import { parse, validate } from "graphql";
import { schema } from "./schema";

const guides = import.meta.glob<string>(["../../README.md", "../../docs/*.md"], {
  eager: true,
  query: "?raw",
  import: "default",
});

/** Every ```graphql block of every guide. */
const blocks = Object.entries(guides).flatMap(([file, text]) =>
  [...text.matchAll(/^```graphql\n(.*?)^```$/gms)].map(([, block = ""], index) => ({ file, index, block })),
);

test("the guides have examples", () => expect(blocks.length).toBeGreaterThan(5));

test.each(blocks)("what $file tells people to send is valid: block $index", ({ block }) => {
  expect(validate(schema, parse(block))).toEqual([]);
});
