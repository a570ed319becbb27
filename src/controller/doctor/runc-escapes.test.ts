// The known escapes by version, with the ways in which distributions number their packages.
import { expect, test } from "vitest";
import { judgeRunc } from "./runc-escapes.ts";

const judge = (version: string) => judgeRunc({ name: "runc", version });

test.each([
  ["1.0.0-rc6", "fail", ["CVE-2019-5736", "CVE-2021-30465", "CVE-2024-21626", "CVE-2025-31133"]],
  ["1.0.0-rc93", "fail", ["CVE-2021-30465", "CVE-2024-21626", "CVE-2025-52881"]],
  ["1.1.11", "fail", ["CVE-2024-21626", "CVE-2025-31133"]],
  ["v1.1.12-0-g51d5e94", "fail", ["CVE-2025-31133", "CVE-2025-52565", "CVE-2025-52881"]],
  ["1.2.7", "fail", ["CVE-2025-31133"]],
  ["1.2.8", "ok", []],
  ["1.3.2", "fail", ["CVE-2025-31133"]],
  ["1.3.3", "ok", []],
  ["1.4.0-rc.2", "fail", ["CVE-2025-31133"]],
  ["1.4.0-rc.3", "ok", []],
  ["1.4.0", "ok", []],
  ["2.0.1", "ok", []],
] as const)("runc %s: %s", (version, level, cves) => {
  const finding = judge(version);
  expect(finding.level).toBe(level);
  for (const cve of cves) expect(finding.message).toContain(cve);
  if (!cves.some((cve) => cve === "CVE-2024-21626")) expect(finding.message).not.toContain("CVE-2024-21626");
});

test.each(["1.1.5+ds1-1+deb12u1", "1.0.0~rc93+ds1-5+deb11u5", "1.1.12-0ubuntu2~22.04.1", "1.1.12-1.el9"])(
  "a distribution's %s may be patched: it is named, and is no failure",
  (version) => {
    const finding = judge(version);
    expect(finding.level).toBe("warn");
    expect(finding.message).toContain("distribution");
    expect(finding.fix).toContain("changelog runc");
  },
);

test("another program than runc has none of its escapes, and one that is not told is said not to be", () => {
  expect(judgeRunc({ name: "crun", version: "1.8.1" }).level).toBe("ok");
  expect(judgeRunc(null).level).toBe("warn");
  expect(judge("unknown").level).toBe("warn");
});
