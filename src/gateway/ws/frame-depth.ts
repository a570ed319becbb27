// How deep a frame's objects and lists lie within each other, told before it is parsed. Pure. What is too deep frames.ts says.

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

/** @param json UTF-8; of bytes that are no JSON the answer means nothing */
export function isDeeper(json: Uint8Array, levelsMax: number): boolean {
  // What opens is closed: so short a text can't be that deep.
  if (json.length <= 2 * levelsMax) return false;
  let [levels, isText] = [0, false];
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at];
    if (isText) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      levels += 1;
      if (levels > levelsMax) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) levels -= 1;
  }
  return false;
}
