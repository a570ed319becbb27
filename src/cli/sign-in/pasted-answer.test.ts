// What a person may paste after signing in, and what is no answer to this sign-in.
import { expect, test } from "vitest";
import { readPastedAnswer } from "./pasted-answer.ts";

const STATE = "0123456789abcdef0123456789abcdef";
const CODE = "ac_0123-abc.DEF_~x";

test.each([
  ["the whole address", `http://localhost:1455/auth/callback?code=${CODE}&state=${STATE}`],
  ["the address with what else a server adds", `http://localhost:1455/auth/callback?code=${CODE}&scope=openid+email&state=${STATE}&iss=x`],
  ["the address by its number, with spaces around it", `  http://127.0.0.1:1455/auth/callback?state=${STATE}&code=${CODE}\n`],
  ["its query", `code=${CODE}&state=${STATE}`],
  ["its query with the question mark", `?state=${STATE}&code=${CODE}`],
  ["the address without its scheme", `localhost:1455/auth/callback?code=${CODE}&state=${STATE}`],
  ["the code alone", CODE],
])("%s is an answer", (_, text) => {
  const read = readPastedAnswer(text, STATE);
  if (read.kind !== "answer") throw new Error(read.message);
  expect([read.answer.get("code"), read.answer.get("state")]).toEqual([CODE, STATE]);
});

test("a refusal of the server is an answer too", () => {
  const read = readPastedAnswer(`http://localhost:1455/auth/callback?error=access_denied&state=${STATE}`, STATE);
  expect(read).toMatchObject({ kind: "answer" });
});

test.each([
  ["nothing", " "],
  ["an address with another state", `http://localhost:1455/auth/callback?code=${CODE}&state=${STATE.replace("0", "1")}`],
  ["an address with a longer state", `http://localhost:1455/auth/callback?code=${CODE}&state=${STATE}0`],
  ["an address with two states", `http://localhost:1455/auth/callback?code=${CODE}&state=${STATE}&state=${STATE}`],
  ["an address without a state", `http://localhost:1455/auth/callback?code=${CODE}`],
  ["the address where the sign-in began", "https://auth.example.org/oauth/authorize?response_type=code&client_id=x"],
  ["words", "it did not work"],
  ["too much", `code=${"x".repeat(9_000)}&state=${STATE}`],
])("%s is none, and is not repeated", (_, text) => {
  const read = readPastedAnswer(text, STATE);
  if (read.kind !== "refused") throw new Error("it was taken");
  expect(read.message).not.toContain(CODE);
  expect(read.message).not.toContain("auth.example.org");
});
