// Looks at folders of real files, good and bad: what is listed, what is an issue, and that not knowing is never the same as none.
import { mkdir, readdir, readFile, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { toEpochMs } from "../brands.ts";
import { REQUEST_FILE_SUFFIX, SandboxRequest } from "../request.ts";
import { createFolder } from "./folder.fixture.ts";
import { ObjectStore } from "./object-store.ts";

const toRequest = (name: string, recreateAfter = "2026-01-31T12:00:00.000Z") =>
  ({ apiVersion: "openclaw.ai/v1", kind: "SandboxRequest", metadata: { name }, spec: { recreateAfter } }) as const;

async function createStore(overrides: { folder?: string; filesMax?: number } = {}) {
  const folder = overrides.folder ?? (await createFolder());
  const store = new ObjectStore({
    folder,
    suffix: REQUEST_FILE_SUFFIX,
    schema: SandboxRequest,
    bytesMax: 4_096,
    filesMax: overrides.filesMax ?? 100,
    nameOf: (request) => request.metadata.name,
    now: () => toEpochMs(Date.now()),
  });
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, `${name}${REQUEST_FILE_SUFFIX}`), text);
  /** Bad, and old enough to be looked at only once. */
  const writeOld = async (name: string, text: string): Promise<void> => {
    await write(name, text);
    await utimes(join(folder, `${name}${REQUEST_FILE_SUFFIX}`), 1, 1);
  };
  return { folder, store, write, writeOld };
}

describe("objects", () => {
  test("are listed as they were put, and gone when they were removed", async () => {
    const { store } = await createStore();
    await store.put("a", toRequest("a"));
    await store.put("b", toRequest("b"));
    const listed = await store.list();
    expect([...listed.objects.keys()].sort()).toEqual(["a", "b"]);
    expect(listed).toMatchObject({ folder: "read", complete: true, unread: [], issues: [] });
    expect(listed.objects.get("a")?.spec.recreateAfter).toBe(Date.UTC(2026, 0, 31, 12));
    expect(await store.remove("a")).toBe(true);
    expect(await store.remove("a")).toBe(false);
    expect([...(await store.list()).objects.keys()]).toEqual(["b"]);
    expect(await store.get("a")).toEqual({ kind: "missing" });
    expect(await store.get("b")).toMatchObject({ kind: "found", object: { metadata: { name: "b" } } });
  });

  test("are put into a folder that is made when it is missing", async () => {
    const folder = join(await createFolder(), "deep", "requests");
    const { store } = await createStore({ folder });
    await store.put("a", toRequest("a"));
    expect(await readFile(join(folder, "a.request.json"), "utf8")).toContain('"recreateAfter": "2026-01-31T12:00:00.000Z"');
  });

  test("never get a name that leaves the folder, or one that the object does not have", async () => {
    const { store, folder } = await createStore();
    for (const name of ["../a", "a/b", "/a", ".a", "", "a\0b", "a b", "x".repeat(200)]) {
      await expect(store.put(name, toRequest(name)), name).rejects.toMatchObject({ code: "InvalidArgument" });
      expect(await store.get(name)).toEqual({ kind: "missing" });
      expect(await store.remove(name)).toBe(false);
    }
    await expect(store.put("a", toRequest("b"))).rejects.toMatchObject({ code: "InvalidArgument" });
    expect(await readdir(folder)).toEqual([]);
  });

  test("are read again when their file was replaced, and only then", async () => {
    const { store, folder } = await createStore();
    await store.put("a", toRequest("a"));
    const first = (await store.list()).objects.get("a");
    expect((await store.list()).objects.get("a")).toBe(first);
    await store.put("a", toRequest("a", "2027-01-01T00:00:00Z"));
    expect((await store.list()).objects.get("a")?.spec.recreateAfter).toBe(Date.UTC(2027, 0, 1));
    // Of the same size: another file nevertheless.
    await writeFile(join(folder, "new"), (await readFile(join(folder, "a.request.json"), "utf8")).replace("2027", "2028"));
    await rename(join(folder, "new"), join(folder, "a.request.json"));
    expect((await store.list()).objects.get("a")?.spec.recreateAfter).toBe(Date.UTC(2028, 0, 1));
  });
});

describe("not knowing", () => {
  test("is not the same as none: a missing folder, an unreadable one and an empty one differ", async () => {
    const parent = await createFolder();
    const { store: missing } = await createStore({ folder: join(parent, "missing") });
    expect(await missing.list()).toMatchObject({ folder: "missing", complete: false, issues: [] });
    await writeFile(join(parent, "file"), "");
    const { store: unreadable } = await createStore({ folder: join(parent, "file") });
    expect(await unreadable.list()).toMatchObject({ folder: "unreadable", complete: false, issues: [{ severity: "error" }] });
    await mkdir(join(parent, "empty"));
    const { store: empty } = await createStore({ folder: join(parent, "empty") });
    expect(await empty.list()).toMatchObject({ folder: "read", complete: true });
  });

  test("begins when a folder vanishes and ends when it is back", async () => {
    const { store, folder } = await createStore();
    await store.put("a", toRequest("a"));
    expect((await store.list()).complete).toBe(true);
    await rm(folder, { recursive: true });
    expect(await store.list()).toMatchObject({ folder: "missing", complete: false, objects: new Map() });
    expect(await store.refresh(["a.request.json"])).toMatchObject({ folder: "missing" });
    await store.put("a", toRequest("a"));
    expect(await store.refresh([])).toMatchObject({ folder: "read", complete: true });
  });

  test("is the answer for a folder with more files than are ever right", async () => {
    const { store } = await createStore({ filesMax: 2 });
    for (const name of ["a", "b"]) await store.put(name, toRequest(name));
    expect((await store.list()).complete).toBe(true);
    await store.put("c", toRequest("c"));
    expect(await store.refresh(["c.request.json"])).toMatchObject({ folder: "unreadable", complete: false });
    await store.remove("c");
    expect((await store.list()).complete).toBe(true);
  });
});

describe("a bad file", () => {
  const BAD: [string, string, string][] = [
    ["no JSON", "{", "it is not valid JSON"],
    ["empty", "", "it is not valid JSON"],
    ["another kind", JSON.stringify({ ...toRequest("bad"), kind: "Session" }), "SandboxRequest"],
    ["an unknown key", JSON.stringify({ ...toRequest("bad"), extra: 1 }), "extra"],
    ["a prototype", JSON.stringify(toRequest("bad")).replace('"spec":{', '"spec":{"__proto__":{"kill":true},'), "__proto__"],
    ["a time that is none", JSON.stringify(toRequest("bad", "yesterday")), "expected a time such as 2026-01-31T12:00:00Z"],
    ["another name than its file's", JSON.stringify(toRequest("good")), "good"],
    ["too large", `${JSON.stringify(toRequest("bad"))}${" ".repeat(5_000)}`, "larger than 4096 bytes"],
  ];

  test.each(BAD)("(%s) is an issue with its path, counts as unread and stops no other", async (_what, text, message) => {
    const { store, folder, writeOld } = await createStore();
    await store.put("good", toRequest("good"));
    await writeOld("bad", text);
    const listed = await store.list();
    expect(listed).toMatchObject({ folder: "read", complete: false, unread: ["bad"] });
    expect([...listed.objects.keys()]).toEqual(["good"]);
    expect(listed.issues[0]?.file).toBe(join(folder, "bad.request.json"));
    expect(listed.issues.map((issue) => issue.message).join()).toContain(message);
    expect(await store.get("bad")).toMatchObject({ kind: "unreadable" });
  });

  test("that is a symlink, a folder or a FIFO's name is not followed", async () => {
    const { store, folder } = await createStore();
    await symlink("/etc/hostname", join(folder, "link.request.json"));
    await mkdir(join(folder, "folder.request.json"));
    const listed = await store.list();
    expect([...listed.unread].sort()).toEqual(["folder", "link"]);
  });

  test("that becomes good is good at the next look", async () => {
    const { store, writeOld } = await createStore();
    await writeOld("a", "{");
    expect((await store.list()).complete).toBe(false);
    await store.put("a", toRequest("a"));
    expect(await store.refresh(["a.request.json"])).toMatchObject({ complete: true, issues: [] });
  });

  test("that was written a moment ago is looked at again before it is an issue", async () => {
    const { store, write } = await createStore();
    await write("a", '{ "half": ');
    const listing = store.list();
    await write("a", JSON.stringify(toRequest("a")));
    expect(await listing).toMatchObject({ complete: true, issues: [] });
  });

  test("that stays bad is an issue after its half second, also where its time is wrong", async () => {
    const { store, write, folder } = await createStore();
    await write("a", "{");
    await write("b", "{");
    await utimes(join(folder, "b.request.json"), 4_000_000_000, 4_000_000_000);
    expect([...(await store.list()).unread].sort()).toEqual(["a", "b"]);
  });
});

test("foreign files are left alone and never mentioned", async () => {
  const { store, folder } = await createStore();
  for (const name of [
    "sessions.json",
    "a.jsonl",
    ".a.request.json.1-2.tmp",
    ".hidden.request.json",
    "request.json",
    ".request.json",
    "ü.request.json",
  ]) {
    await writeFile(join(folder, name), "junk");
  }
  expect(await store.list()).toMatchObject({ folder: "read", complete: true, objects: new Map(), issues: [] });
  expect(await store.refresh(["sessions.json", "../../etc/passwd", "../x.request.json"])).toMatchObject({ complete: true });
});

test("looks do not overtake each other: the last answer is the newest", async () => {
  const { store } = await createStore();
  await store.put("a", toRequest("a"));
  const answers = await Promise.all([store.list(), store.refresh(["a.request.json"]), store.list()]);
  expect(answers.map(({ objects }) => objects.size)).toEqual([1, 1, 1]);
});
