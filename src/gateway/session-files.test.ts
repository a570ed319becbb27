import { expect, test } from "vitest";
import { toMediaName } from "./session-files.ts";

test("what a person sends gets a name that nothing had before, and that is one name and harmless", () => {
  const names = [
    "photo.jpg",
    "../../etc/passwd",
    "a b\n$(id).png",
    "C:\\\\x\\\\y.doc",
    "..",
    "",
    "-rf",
    ".bashrc",
    "Größe 1.pdf",
    `${"x".repeat(300)}.gz`,
  ];
  expect(names.map((name) => toMediaName(name, "ID"))).toEqual([
    "photo-ID.jpg",
    "passwd-ID",
    "a_b_id_-ID.png",
    "y-ID.doc",
    "file-ID",
    "file-ID",
    "rf-ID",
    "file-ID.bashrc",
    "Größe_1-ID.pdf",
    `${"x".repeat(100)}-ID.gz`,
  ]);
});
