// Paths in a workspace as the page has them: relative to it, with slashes between names, empty for the workspace itself. Pure.

export const joinPath = (folder: string, name: string): string => (folder === "" ? name : `${folder}/${name}`);

export const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));

export const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Why nothing can be called so, or null. What else a file system does not take, it says itself. */
export function findPathProblem(path: string): string | null {
  if (path.endsWith("/")) return "A name ends without a slash.";
  if (path.includes("\0")) return "A name can't hold NUL.";
  return path.split("/").some((name) => name === "." || name === "..") ? "A name is neither . nor .." : null;
}

/** Each folder on the way, from the first below the workspace, with its own path. */
export function toSteps(path: string): { name: string; path: string }[] {
  const names = path === "" ? [] : path.split("/");
  return names.map((name, at) => ({ name, path: names.slice(0, at + 1).join("/") }));
}

/** Where its file is asked for over HTTP. */
export const toFileUrl = (sessionKey: string, path: string): string =>
  `/v1/sessions/${encodeURIComponent(sessionKey)}/files/${path.split("/").map(encodeURIComponent).join("/")}`;

/** `notes (mine).txt`, `.env (mine)`, `Makefile (mine)` */
export function toOtherName(path: string, word: string): string {
  const [folder, name] = [parentOf(path), nameOf(path)];
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  return joinPath(folder, `${stem} (${word})${extension}`);
}
