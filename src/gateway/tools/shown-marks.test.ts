// Files that hold marks of chats' templates, which a model is shown with a space in them: what it edits by what it was shown is what it meant, and every other byte stays.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { neutralise, toNeutral, toRawIndex, withMarksOf } from "../../api/text/template-marks.ts";
import { parsePatch } from "./patch.ts";
import { applyHunks } from "./patch-apply.ts";
import { applyEdits } from "./text-edit.ts";

const MARKS = [
  "<|im_start|>",
  "<|im_end|>",
  "[INST]",
  "[/INST]",
  "<<SYS>>",
  "</s>",
  "<start_of_turn>",
  "\nHuman:",
  "\nAssistant:",
  "[[untrusted",
  "[[/untrusted",
];
const piece = fc.oneof(fc.constantFrom(...MARKS), fc.constantFrom(...MARKS.map(neutralise)), fc.stringMatching(/^[a-z \n<[|]{0,6}$/));
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));
const edit = (oldText: string, newText: string, all = false) => ({ oldText, newText, all });

describe("marks of templates", () => {
  it("are none any more, and being none twice is being none once", () =>
    fc.assert(
      fc.property(text, (raw) => {
        const neutral = neutralise(raw);
        expect(neutralise(neutral)).toBe(neutral);
        expect(toNeutral(raw).text).toBe(neutral);
        expect(toNeutral(neutral).spaces).toEqual([]);
      }),
    ));

  it("every place of what is shown is one of what is there, in the same order", () =>
    fc.assert(
      fc.property(text, (raw) => {
        const neutral = toNeutral(raw);
        const places = Array.from({ length: neutral.text.length + 1 }, (_, at) => toRawIndex(neutral, at));
        expect(places.at(-1)).toBe(raw.length);
        const kept = [...neutral.text].filter((_, at) => !neutral.spaces.includes(at)).join("");
        expect(kept).toBe(raw);
        expect(places).toEqual(places.toSorted((one, other) => one - other));
      }),
    ));

  it("who writes what he was shown writes what is there, also where some only looks like it", () =>
    fc.assert(
      fc.property(text, (raw) => {
        const neutral = toNeutral(raw);
        expect(withMarksOf(neutral, neutral.text)).toBe(raw);
      }),
    ));
});

describe("an edit by what was shown", () => {
  const template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\n";

  it("finds its place, and writes its marks as they were", () => {
    const shown = neutralise(template);
    expect(shown).not.toBe(template);
    const changed = applyEdits(template, [edit(shown.slice(23, 60), shown.slice(23, 60).replace("m.role", "m.who"))]);
    expect(changed).toBe(template.replace("m.role", "m.who"));
  });

  it("leaves a mark alone that the file itself has with a space, beside one that it has without", () => {
    const file = "a < |im_start|> b <|im_start|> c\n";
    expect(applyEdits(file, [edit("a < |im_start|> b < |im_start|> c", "A < |im_start|> B < |im_start|> C")])).toBe(
      "A < |im_start|> B <|im_start|> C\n",
    );
  });

  it("means exactly what it says where that is there", () =>
    expect(applyEdits("x <|a|> y < |a|> z", [edit("< |a|>", "-")])).toBe("x <|a|> y - z"));

  it("is refused where it is there more than once, or not at all", () => {
    expect(() => applyEdits("<|a|> <|a|>", [edit("< |a|>", "-")])).toThrow("more than once");
    expect(() => applyEdits("<|a|>", [edit("< |b|>", "-")])).toThrow("is not in the file");
  });

  it("replaces every one where that is asked for, and keeps line ends", () =>
    expect(applyEdits("<|a|>\r\nHuman: x\r\n<|a|>\r\n", [edit("< |a|>\n", "< |a|>\nnew\n", true)])).toBe(
      "<|a|>\r\nnew\r\nHuman: x\r\n<|a|>\r\nnew\r\n",
    ));

  it("changes the one place and nothing else, whatever is around it", () =>
    fc.assert(
      fc.property(text, text, fc.constantFrom(...MARKS), (before, after, mark) => {
        const file = `${before}(one${mark}two)${after}`;
        const shown = neutralise(`(one${mark}two)`);
        expect(applyEdits(file, [edit(shown, shown.replace("two", "three"))])).toBe(`${before}(one${mark}three)${after}`);
      }),
    ));
});

describe("a patch by what was shown", () => {
  const apply = (file: string, ...lines: string[]): string => {
    const [patch] = parsePatch(["*** Begin Patch", "*** Update File: f", ...lines, "*** End Patch"].join("\n"));
    return applyHunks(file, patch?.kind === "update" ? patch.hunks : [], "f");
  };

  it("finds its lines, keeps those that it keeps, and writes the marks of those that it changes as they were", () => {
    const file = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n";
    const patched = apply(file, "@@", " < |im_start|>system", "-Be brief.< |im_end|>", "+Be exact.< |im_end|>", " < |im_start|>user");
    expect(patched).toBe(file.replace("brief", "exact"));
    expect(apply(file, "@@", "-< |im_start|>user", "+< |im_start|>assistant", "*** End of File")).toBe(file.replace("user", "assistant"));
  });

  it("means exactly what it says where that is there", () =>
    expect(apply("< |a|>\n<|a|>\n", "@@", "-< |a|>", "+< |b|>")).toBe("< |b|>\n<|a|>\n"));
});
