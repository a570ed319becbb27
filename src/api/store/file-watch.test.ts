// Changes real files in every way that editors, config maps and operators do, and waits until the watch reports it: once by chokidar, where
// no look is made but after its events, and once for what only the look can see. What is in the files is nobody's business here.
import { readdirSync, readFileSync } from "node:fs";
import { appendFile, mkdir, rename, rm, symlink, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { replaceFile } from "./atomic-file.ts";
import { FileWatch } from "./file-watch.ts";
import { createFolder, eventually } from "./folder.fixture.ts";

const HOUR_MS = 3_600_000;
const SOON_MS = 30;

/** A watch that has made its first report; `reports` counts them all. */
async function startWatch(files: readonly string[], pollMs: number) {
  let reports = 0;
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  let pause = pollMs;
  const watch = new FileWatch({
    files,
    changed: () => {
      reports += 1;
    },
    signal: abort.signal,
    get pollMs() {
      return pause;
    },
  });
  await eventually("the first report", () => reports > 0);
  return {
    watch,
    abort,
    reports: () => reports,
    lookEach: (nextMs: number) => {
      pause = nextMs;
    },
    /** `change` is made until it is reported: the watch may not have begun yet. */
    reportsOnce: async (what: string, change: () => Promise<unknown>): Promise<void> => {
      const before = reports;
      await eventually(`${what} is reported`, async () => {
        if (reports === before) await change();
        return reports > before;
      });
    },
    /** What was done just now is reported. */
    hasReported: async (what: string, before: number): Promise<void> => await eventually(`${what} is reported`, () => reports > before),
  };
}

async function createFile(name = "openclaw.json", text = "1"): Promise<string> {
  const path = join(await createFolder(), name);
  await writeFile(path, text);
  return path;
}

/** Of the kernel, in this process. */
function countWatches(): number {
  return readdirSync("/proc/self/fdinfo").reduce((count, fd) => {
    try {
      return count + (readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").match(/^inotify/gm)?.length ?? 0);
    } catch {
      // It was closed meanwhile.
      return count;
    }
  }, 0);
}

describe("chokidar reports, or causes a look that does,", () => {
  test.each([
    ["a file that is written in place", async (path: string) => await writeFile(path, "2")],
    ["a file that is appended to", async (path: string) => await appendFile(path, "2")],
    ["a file that is replaced atomically", async (path: string) => await replaceFile(path, "3", { durable: false })],
  ])("%s, again and again", async (what, change) => {
    const path = await createFile();
    const { reports, reportsOnce, hasReported } = await startWatch([path], HOUR_MS);
    await reportsOnce("an edit", async () => await appendFile(path, "2"));
    for (let round = 0; round < 3; round += 1) {
      const before = reports();
      await change(path);
      await hasReported(what, before);
    }
  });

  test("the second of two edits that come one right after the other, which chokidar drops", async () => {
    const path = await createFile();
    const { reports, reportsOnce, hasReported } = await startWatch([path], HOUR_MS);
    await reportsOnce("an edit", async () => await appendFile(path, "2"));
    for (let round = 0; round < 3; round += 1) {
      let before = reports();
      await appendFile(path, "3");
      await hasReported("the first", before);
      before = reports();
      await appendFile(path, "4");
      await hasReported("the second", before);
    }
  });

  test("two files in two folders, and none any more that is not followed", async () => {
    const [main, part, other] = [await createFile(), await createFile(), await createFile()];
    const { watch, reports, reportsOnce } = await startWatch([main, part], HOUR_MS);
    await reportsOnce("the first", async () => await appendFile(main, "2"));
    await reportsOnce("the second", async () => await appendFile(part, "2"));
    watch.follow([main, other]);
    await reportsOnce("what is followed now", async () => await appendFile(other, "2"));
    await reportsOnce("what is followed on", async () => await appendFile(main, "3"));
    const before = reports();
    await appendFile(part, "3");
    await reportsOnce("what is followed on", async () => await appendFile(main, "4"));
    expect(reports() - before).toBeLessThanOrEqual(2);
  });
});

test.each([
  ["one file", 1, 2],
  ["several files that are there", 2, 10],
])("what happens to %s is reported after a wait that is no longer than it takes", async (_what, count, waitMs) => {
  const timers = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => timers.mockRestore());
  const folder = await createFolder();
  const files = ["a", "b"].map((name) => join(folder, name));
  for (const path of files.slice(0, count)) await writeFile(path, "1");
  const { reportsOnce } = await startWatch(files, HOUR_MS);
  timers.mockClear();
  await reportsOnce("an edit", async () => await appendFile(join(folder, "a"), "2"));
  const waits = timers.mock.calls.map(([, ms]) => ms);
  expect(waits.filter((ms) => ms === 2 || ms === 10)).toContain(waitMs);
  expect(waits).not.toContain(12 - waitMs);
});

test("a folder under a file's name, or behind a link of that name, is never watched with what is in it", async () => {
  const folder = await createFolder();
  const [inner, link, file] = [join(folder, "deep", "inner"), join(await createFolder(), "link"), await createFile()];
  await mkdir(dirname(inner));
  await writeFile(inner, "1");
  await symlink(folder, link);
  const watched = countWatches();
  const { reportsOnce } = await startWatch([folder, link, file], HOUR_MS);
  await reportsOnce("an edit of the file", async () => await appendFile(file, "2"));
  expect(countWatches() - watched).toBe(1);
});

describe("a look reports", () => {
  test("a file of a ConfigMap whose ..data is swapped, in every round", async () => {
    const folder = await createFolder();
    const publish = async (round: number): Promise<void> => {
      await mkdir(join(folder, `..${round}`));
      await writeFile(join(folder, `..${round}`, "openclaw.json"), "x".repeat(round));
      await symlink(`..${round}`, join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    await publish(1);
    const path = join(folder, "openclaw.json");
    await symlink("..data/openclaw.json", path);
    const { reports, hasReported } = await startWatch([path], SOON_MS);
    for (const round of [2, 3, 4]) {
      const before = reports();
      await publish(round);
      await hasReported(`round ${round}`, before);
    }
  });

  test("a file in a folder that another one is put in the place of, and that one's edits", async () => {
    const path = await createFile();
    const folder = dirname(path);
    const { reports, reportsOnce, hasReported } = await startWatch([path], SOON_MS);
    await reportsOnce("an edit", async () => await appendFile(path, "2"));
    await mkdir(`${folder}-other`);
    onTestFinished(() => rm(`${folder}-old`, { recursive: true }));
    await writeFile(join(`${folder}-other`, "openclaw.json"), "another");
    const before = reports();
    await rename(folder, `${folder}-old`);
    await rename(`${folder}-other`, folder);
    await hasReported("the other folder", before);
    await reportsOnce("an edit there", async () => await appendFile(path, "4"));
  });

  test("a file whose folder was not there at the start, and its edits", async () => {
    const path = join(await createFolder(), "not", "there", "openclaw.json");
    const { reports, reportsOnce, hasReported } = await startWatch([path], SOON_MS);
    const before = reports();
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, "1");
    await hasReported("it", before);
    await reportsOnce("an edit", async () => await appendFile(path, "2"));
  });

  test("a file that an editor moves away and writes anew, which chokidar may take for its end, again and again", async () => {
    const path = await createFile();
    const { reports, hasReported } = await startWatch([path], SOON_MS);
    for (const text of ["22", "333", "4444"]) {
      const before = reports();
      await rename(path, `${path}~`);
      await writeFile(path, text);
      await hasReported(text, before);
    }
  });

  test("a file that was gone for a while, and its edits", async () => {
    const path = await createFile();
    const { reports, reportsOnce, hasReported } = await startWatch([path], SOON_MS);
    let before = reports();
    await unlink(path);
    await hasReported("its end", before);
    before = reports();
    await writeFile(path, "another");
    await hasReported("its return", before);
    await reportsOnce("an edit", async () => await appendFile(path, "2"));
  });

  test("a file that is followed for the first time: nobody looked at it until then", async () => {
    const [main, part] = [await createFile(), await createFile()];
    const { watch, reports, hasReported } = await startWatch([main], SOON_MS);
    const before = reports();
    watch.follow([main, part]);
    await hasReported("it", before);
  });
});

test.each([
  ["was gone for a while", async (path: string) => await unlink(path)],
  ["lies in a folder that was moved away", async (path: string) => await rename(dirname(path), `${dirname(path)}-old`)],
])("a file that %s is chokidar's again once a look found it", async (_what, lose) => {
  const folder = join(await createFolder(), "config");
  const path = join(folder, "openclaw.json");
  await mkdir(folder);
  await writeFile(path, "1");
  const { reports, reportsOnce, hasReported, lookEach } = await startWatch([path], SOON_MS);
  await reportsOnce("an edit", async () => await appendFile(path, "2"));
  let before = reports();
  await lose(path);
  await hasReported("its end", before);
  before = reports();
  await mkdir(folder, { recursive: true });
  await writeFile(path, "another");
  await hasReported("its return", before);
  lookEach(HOUR_MS);
  // One look may be under way; every later edit is chokidar's to report.
  for (let round = 0; round < 3; round += 1) await reportsOnce("an edit", async () => await appendFile(path, "3"));
});

test("an edit right after the end of a watch is not reported", async () => {
  const path = await createFile();
  const ended = await startWatch([path], SOON_MS);
  const other = await startWatch([path], SOON_MS);
  ended.abort.abort();
  const before = ended.reports();
  await other.reportsOnce("an edit", async () => await appendFile(path, "2"));
  expect(ended.reports()).toBe(before);
});
