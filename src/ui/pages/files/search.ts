// What of the files page stands in its address: the folder that is listed and the file that is open.

export interface FilesSearch {
  /** Absent: the workspace. */
  folder?: string;
  /** Absent: none is open. */
  file?: string;
}

export function toFilesSearch({ folder, file }: Record<string, unknown>): FilesSearch {
  return { ...(isPath(folder) && { folder }), ...(isPath(file) && { file }) };
}

/** Below the workspace; whoever wants to go elsewhere has the terminal. */
const isPath = (value: unknown): value is string =>
  typeof value === "string" &&
  value.length > 0 &&
  value.length <= 4_096 &&
  !value.split("/").some((name) => ["", ".", ".."].includes(name));
