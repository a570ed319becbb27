// Every code is read back by a decoder of somebody else, from a picture of the terminal that shows it.
import { expect, test } from "vitest";
import { readQrCode } from "../../test/qr-code.fixture.ts";
import { renderQrCode } from "./qr-code.ts";

const CONTENTS = ["http://127.0.0.1:18789/", "http://192.168.178.201:18789/", `https://claw.example.org/${"a".repeat(200)}`];

test.each(CONTENTS)(
  "a reader that knows no negatives reads the code of %s on a dark terminal, with colours on a light one too",
  (content) => {
    expect(readQrCode(renderQrCode(content, "none").text, { background: "black" })).toBe(content);
    for (const background of ["black", "white"] as const)
      expect(readQrCode(renderQrCode(content, "ansi").text, { background })).toBe(content);
  },
);

test("without colours a light terminal shows the negative, which is why a terminal gets them", () => {
  expect(readQrCode(renderQrCode("http://127.0.0.1:18789/", "none").text, { background: "white" })).toBeNull();
});

test("a code says how many columns it needs, and prints no line wider than that", () => {
  const { width, text } = renderQrCode("http://127.0.0.1:18789/", "none");
  expect(new Set(text.split("\n").map((line) => line.length))).toEqual(new Set([width]));
  expect(width).toBe(33);
});
