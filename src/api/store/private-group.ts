// Whether a group is one user's own, as Debian and Fedora give each user (with umask 002): what it may write is then nobody else's to write.
// Only what the files of this system say; a group or a member that another directory knows of makes none.
import { readFile } from "node:fs/promises";

/** Of a file or folder whose group may write it. Never throws: what can't be read makes no group private. */
export async function isPrivateGroup(owner: { uid: number; gid: number }): Promise<boolean> {
  const [users, groups, sources] = await Promise.all(["/etc/passwd", "/etc/group", "/etc/nsswitch.conf"].map(readOrEmpty));
  return isPrivateGroupOf(owner, { users: users ?? "", groups: groups ?? "", sources: sources ?? "" });
}

export interface AccountFiles {
  users: string;
  groups: string;
  sources: string;
}

/** Its owner's primary group, of no other user's, without another member. Root's is none: containers give it to whoever runs in them. */
export function isPrivateGroupOf({ uid, gid }: { uid: number; gid: number }, files: AccountFiles): boolean {
  if (uid === 0 || gid === 0) return false;
  // Who is a member there can't be listed.
  if (/^\s*(?:passwd|group|initgroups):.*\b(?:sss|ldap|nis|nisplus|winbind)\b/m.test(files.sources)) return false;
  const users = toFields(files.users).map(([name = "", , id, primary]) => ({ name, uid: Number(id), gid: Number(primary) }));
  const group = toFields(files.groups).find(([, , id]) => id === String(gid));
  const own = new Set(users.filter((user) => user.uid === uid).map(({ name }) => name));
  const isPrimary = users.some((user) => user.uid === uid && user.gid === gid);
  const isOthers = users.some((user) => user.uid !== uid && user.gid === gid);
  const members = (group?.[3] ?? "").split(",").filter((name) => name !== "");
  return group !== undefined && isPrimary && !isOthers && members.every((name) => own.has(name));
}

const toFields = (text: string): string[][] => text.split("\n").flatMap((line) => (line.includes(":") ? [line.split(":")] : []));

const readOrEmpty = async (path: string): Promise<string> => await readFile(path, "utf8").catch(() => "");
