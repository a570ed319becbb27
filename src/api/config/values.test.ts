import { describe, expect, test } from "vitest";
import {
  isAddress,
  isExtraHost,
  isImageName,
  isUser,
  parseAbsolutePath,
  parseBind,
  parseDuration,
  parseHostPath,
  parseSize,
  parseTmpfs,
  parseUlimit,
  renderConfigDuration,
  renderConfigSize,
} from "./values.ts";

const outcome = (result: { ok: true; value: unknown } | { ok: false }): unknown => (result.ok ? result.value : null);

test.each(["512m", "1g", "1536k", "1000", "0"])("the size %s is shown as it is written", (text) => {
  const size = parseSize(text);
  expect(size.ok && renderConfigSize(size.value)).toBe(text);
});

test.each(["5m", "90s", "1d", "36h", "1500ms", "0ms"])("the duration %s is shown as it is written", (text) => {
  const duration = parseDuration(text);
  expect(duration.ok && renderConfigDuration(duration.value)).toBe(text);
});

describe("sizes are bytes, units are powers of 1024", () => {
  test.each([
    ["1g", 1_073_741_824],
    ["512m", 536_870_912],
    ["1.5G", 1_610_612_736],
    ["64MiB", 67_108_864],
    ["64mb", 67_108_864],
    ["10k", 10_240],
    ["1t", 1_099_511_627_776],
    ["100", 100],
    ["100b", 100],
    [" 1 g ", 1_073_741_824],
    [4096, 4096],
    [0, 0],
    ["", null],
    ["1x", null],
    ["g", null],
    ["-1", null],
    ["1g2m", null],
    ["1e3", null],
    ["0x10", null],
    [-1, null],
    [1.5, null],
    [Number.NaN, null],
    [Number.POSITIVE_INFINITY, null],
    ["99999999t", null],
    ["1gib bytes", null],
  ])("%j is %j", (text, bytes) => expect(outcome(parseSize(text))).toBe(bytes));
});

describe("durations are milliseconds", () => {
  test.each([
    ["5m", 300_000],
    ["24h", 86_400_000],
    ["1h30m", 5_400_000],
    ["1.5d", 129_600_000],
    ["250ms", 250],
    ["0s", 0],
    [1000, 1000],
    [0, 0],
    ["", null],
    ["5", null],
    ["m", null],
    ["5 minutes", null],
    ["-5m", null],
    [-1, null],
    ["5m x", null],
    ["x5m", null],
    [Number.NaN, null],
    ["40000d", null],
  ])("%j is %j", (text, milliseconds) => expect(outcome(parseDuration(text))).toBe(milliseconds));
});

describe("paths are absolute and in normal form", () => {
  test.each([
    ["/a/b", "/a/b"],
    ["/a//b/./c/", "/a/b/c"],
    ["//a", "/a"],
    ["/", "/"],
    ["a", null],
    ["./a", null],
    ["", null],
    ["/a/../b", null],
    ["/..", null],
    ["/a\0b", null],
    ["/a\nb", null],
    ["~/a", null],
  ])("%j in a container is %j", (text, path) => expect(outcome(parseAbsolutePath(text))).toBe(path));

  test.each([
    ["~", "~"],
    ["~/a/", "~/a"],
    ["/a", "/a"],
    ["~other/a", null],
    ["~/../a", null],
    ["a", null],
  ])("%j on the host is %j", (text, path) => expect(outcome(parseHostPath(text))).toBe(path));
});

describe("binds are host:container[:ro|rw]", () => {
  test("without a mode they are writable", () =>
    expect(outcome(parseBind("/a:/b"))).toEqual({ source: "/a", target: "/b", readOnly: false }));
  test("the mode and the normal form", () =>
    expect(outcome(parseBind("~/a//b:/c/:ro"))).toEqual({ source: "~/a/b", target: "/c", readOnly: true }));
  test.each([
    "",
    ":",
    "/a",
    "/a:",
    ":/b",
    "a:/b",
    "/a:b",
    "/a:/b:",
    "/a:/b:RO",
    "/a:/b:ro,z",
    "/a:/b:ro:x",
    "volume:/b",
    "/a/../b:/c",
    "/a:/b/..",
    "C:\\a:/b",
  ])("%j is refused", (text) => expect(parseBind(text).ok).toBe(false));
});

test("a tmpfs without options gets a size and a mode, so that it can neither eat the memory nor belong to root alone", () => {
  expect(outcome(parseTmpfs("/run/"))).toEqual({ path: "/run", options: "size=256m,mode=1777" });
  expect(outcome(parseTmpfs("/run:size=1m,noexec"))).toEqual({ path: "/run", options: "size=1m,noexec" });
});
test.each(["", "run", "/a:", "/a: size=1m", "/a:size=1m;x", "/a/../b"])("the tmpfs %j is refused", (text) =>
  expect(parseTmpfs(text).ok).toBe(false),
);

describe("ulimits", () => {
  test.each([
    [256, { soft: 256, hard: 256 }],
    ["1024:2048", { soft: 1024, hard: 2048 }],
    ["64", { soft: 64, hard: 64 }],
    [
      { soft: 1, hard: 2 },
      { soft: 1, hard: 2 },
    ],
    [{ soft: 7 }, { soft: 7, hard: 7 }],
    [-1, { soft: -1, hard: -1 }],
    ["5:-1", { soft: 5, hard: -1 }],
    [0, { soft: 0, hard: 0 }],
    ["5:3", null],
    ["-1:3", null],
    [-2, null],
    [1.5, null],
    ["a", null],
    ["", null],
    [{}, null],
    [{ soft: 3, hard: 2 }, null],
  ])("%j is %j", (input, pair) => expect(outcome(parseUlimit(input))).toEqual(pair));
});

test.each([
  "debian",
  "openclaw-sandbox:bookworm-slim",
  "a/b/c:1.2_3-x",
  "host.example:5000/a/b",
  "my-openclaw-sbx",
  `a@sha256:${"0".repeat(64)}`,
  `sha256:${"a".repeat(64)}`,
])("%s is an image name", (name) => expect(isImageName(name)).toBe(true));
test.each([
  "",
  "A",
  "a b",
  "-a",
  "a:",
  "a:-x",
  "a@sha256:1",
  "a;b",
  "$(x)",
  "a\n",
  "`x`",
  "a//b",
  "../a",
  "--privileged",
  `a${"b".repeat(500)}`,
])("%j is no image name", (name) => expect(isImageName(name)).toBe(false));

test.each(["1000", "1000:1000", "0:0", "node", "node:node", "_apt", "1000:docker"])("%s is a user", (user) =>
  expect(isUser(user)).toBe(true),
);
test.each(["", ":", "1000:", ":1000", "Node", "a b", "1:2:3", "-1", "99999999999", "4294967295", "a;b", "root\n"])(
  "%j is no user",
  (user) => expect(isUser(user)).toBe(false),
);

test.each(["internal.service:10.0.0.5", "a:::1", "a:[::1]", "a=10.0.0.1", "host.docker.internal:host-gateway"])(
  "%s is an extra host",
  (host) => expect(isExtraHost(host)).toBe(true),
);
test.each(["", "a", "a:", ":1.2.3.4", "a:1.2.3", "a:256.1.1.1", "a b:1.1.1.1", "a:b", "a\n:1.1.1.1", "-a:1.1.1.1"])(
  "%j is no extra host",
  (host) => expect(isExtraHost(host)).toBe(false),
);

test.each(["1.1.1.1", "::1", "2606:4700::1111"])("%s is an address", (address) => expect(isAddress(address)).toBe(true));
test.each(["", "dns.example", "1.1.1", "1.1.1.1/24", "01.1.1.1", " 1.1.1.1"])("%j is no address", (address) =>
  expect(isAddress(address)).toBe(false),
);
