import { parse, validate } from "graphql";
import { expect, test } from "vitest";
import { schema } from "../testing/schema";
import { connectOperation } from "./connect";

test.each([
  { kind: "TELEGRAM", credentials: { botToken: "7000000001:sandbox" } },
  { kind: "VK", credentials: { groupId: "7000000002", accessToken: "vk1.a.sandbox" } },
  { kind: "VIBER", credentials: { authToken: "4f00-sandbox" } },
] as const)("what connects $kind is valid, whatever the bot is called", (bot) => {
  expect(validate(schema, parse(connectOperation({ ...bot, name: 'The "best" \\ shop' })))).toEqual([]);
});
