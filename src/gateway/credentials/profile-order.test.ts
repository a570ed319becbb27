// In which order the profiles of a provider are tried.
import { expect, test } from "vitest";
import { orderProfiles } from "./profile-order.ts";

const stored = ["openai:a", "openai:b", "openai:c", "anthropic:a"].map((id) => ({ id, isRefused: id === "openai:b" }));
const base = { provider: "openai", stored, chosen: [], configured: [], listed: [] };

test.each([
  ["by name, what was refused last", {}, ["openai:a", "openai:c", "openai:b"]],
  ["as the config lists them", { listed: ["openai:c", "anthropic:a"] }, ["openai:c", "openai:a", "openai:b"]],
  ["the config's order before its list", { listed: ["openai:a"], configured: ["openai:c"] }, ["openai:c", "openai:a", "openai:b"]],
  [
    "a person's choice before the config's order",
    { chosen: ["openai:a", "openai:c"], configured: ["openai:c"] },
    ["openai:a", "openai:c", "openai:b"],
  ],
  ["without those that are not there", { chosen: ["openai:z", "anthropic:a", "openai:c"] }, ["openai:c", "openai:a", "openai:b"]],
])("%s", (_, more, expected) => {
  expect(orderProfiles({ ...base, ...more })).toEqual(expected);
});
