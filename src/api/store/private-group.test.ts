import { expect, test } from "vitest";
import { isPrivateGroupOf } from "./private-group.ts";

const users =
  "root:x:0:0:root:/root:/bin/bash\nclaw:x:1000:1000::/home/claw:/bin/sh\nother:x:1001:1001::/:/bin/sh\nalso:x:1002:1003::/:/bin/sh\nthird:x:1004:1003::/:/bin/sh\n";
const groups = "root:x:0:\nclaw:x:1000:\nother:x:1001:other,claw\nalso:x:1003:\nstaff:x:50:claw\nself:x:1000:claw\n";
const files = { users, groups, sources: "passwd: files systemd\ngroup: files systemd\n" };

test.each([
  ["the user's own", { uid: 1000, gid: 1000 }, true],
  ["root's own", { uid: 0, gid: 0 }, false],
  ["the user's own with another member", { uid: 1001, gid: 1001 }, false],
  ["one that two users have", { uid: 1002, gid: 1003 }, false],
  ["one that is not the owner's primary one", { uid: 1000, gid: 50 }, false],
  ["another user's own", { uid: 1000, gid: 1001 }, false],
  ["one that is unknown", { uid: 1000, gid: 7 }, false],
  ["one of an unknown user", { uid: 7, gid: 1000 }, false],
])("a group is private or not: %s", (_, owner, expected) => expect(isPrivateGroupOf(owner, files)).toBe(expected));

test("where a directory service may know of members, no group is private, nor where nothing can be read", () => {
  const owner = { uid: 1000, gid: 1000 };
  for (const sources of ["group: files sss\n", "passwd:\tfiles ldap", "initgroups: files winbind"])
    expect(isPrivateGroupOf(owner, { ...files, sources })).toBe(false);
  expect(isPrivateGroupOf(owner, { users: "", groups: "", sources: "" })).toBe(false);
  expect(isPrivateGroupOf(owner, { ...files, groups: "claw:x:1000:claw\n" })).toBe(true);
});
