import { Kind, parse, validate, type OperationDefinitionNode } from "graphql";
import { expect, test } from "vitest";
import { schema } from "../testing/schema";
import { examples } from "./examples";

const document = parse(examples.query);
const operations = document.definitions.filter(
  (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
);

test("every example is valid against the schema", () => {
  expect(validate(schema, document)).toEqual([]);
});

test("the examples show a query, a mutation and a subscription, each under its own name", () => {
  expect(new Set(operations.map((operation) => operation.operation))).toEqual(new Set(["query", "mutation", "subscription"]));
  const names = operations.map((operation) => operation.name?.value);
  expect(new Set(names).size).toBe(operations.length);
  expect(names).not.toContain(undefined);
});

test("Variables holds every variable that an example asks for, and no other", () => {
  const asked = operations.flatMap((operation) => operation.variableDefinitions?.map((one) => one.variable.name.value) ?? []);
  expect(Object.keys(JSON.parse(examples.variables)).sort()).toEqual([...new Set(asked)].sort());
});
