import { buildSchema, parse, validate } from "graphql";
import { expect, test } from "vitest";
import text from "../../chat.graphql?raw";
import * as documents from "./documents";

const schema = buildSchema(text);

test.each(Object.entries(documents) as [string, string][])("%s is an operation of the visitor's API", (_, document) => {
  expect(validate(schema, parse(document))).toEqual([]);
});
