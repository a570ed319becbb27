// Who is answered by whose look at an image.
import { expect, test } from "vitest";
import type { ImageFact } from "./engine.ts";
import { ImageLooks } from "./image-looks.ts";

const MISSING: ImageFact = { kind: "missing" };

function openLooks() {
  const asked: { reference: string; answer: PromiseWithResolvers<ImageFact> }[] = [];
  const looks = new ImageLooks((reference) => {
    const answer = Promise.withResolvers<ImageFact>();
    asked.push({ reference, answer });
    return answer.promise;
  });
  return { looks, asked, references: () => asked.map(({ reference }) => reference) };
}

test("who asks during a look gets its answer, who asks after it does not, and each image has a look of its own", async () => {
  const { looks, asked, references } = openLooks();
  const answers = [looks.ask("a"), looks.ask("a"), looks.ask("b")];
  expect(references()).toEqual(["a", "b"]);
  for (const { answer } of asked) answer.resolve(MISSING);
  expect(await Promise.all(answers)).toEqual([MISSING, MISSING, MISSING]);
  void looks.ask("a");
  expect(references()).toEqual(["a", "b", "a"]);
});

test("who asks after an image changed is not answered by a look from before, also when that ends later", async () => {
  const { looks, asked, references } = openLooks();
  const before = looks.ask("a");
  looks.changed();
  const after = looks.ask("a");
  asked[0]?.answer.resolve(MISSING);
  await before;
  const beside = looks.ask("a");
  expect(references()).toEqual(["a", "a"]);
  asked[1]?.answer.resolve({ ...MISSING });
  expect(await after).toBe(await beside);
  expect(await after).not.toBe(MISSING);
});

test("a look that fails fails for all who asked, and the next one is made", async () => {
  const { looks, asked, references } = openLooks();
  const answers = [looks.ask("a"), looks.ask("a")];
  asked[0]?.answer.reject(new Error("away"));
  expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  void looks.ask("a");
  expect(references()).toEqual(["a", "a"]);
});
