// What a file that came from outside is called in a workspace. Pure.

/** A file system's 255, less an id of 32, an extension of 11 and a dash; half of that is enough for eyes. */
const MEDIA_NAME_BYTES_MAX = 120;

/** `photo.jpg` becomes `photo-ID.jpg`: nobody has to look whether the name is taken. What no shell or eye can take is replaced. */
export function toMediaName(name: string, id: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? "";
  const [, stem = "", extension = ""] = /^(.*?)(\.[A-Za-z0-9]{1,10})?$/s.exec(base) ?? [];
  const plain = stem
    .normalize("NFC")
    .replace(/[^\p{L}\p{M}\p{N}._-]+/gu, "_")
    .replace(/^[.-]+/, "");
  return `${cutTo(plain, MEDIA_NAME_BYTES_MAX) || "file"}-${id}${extension}`;
}

/** Whole characters only. */
function cutTo(text: string, bytesMax: number): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytesMax));
  return text.slice(0, read);
}
