// Reads server-sent events out of a response, as event-stream.ts writes them. What they mean is the caller's.
// Lines end with LF; comments and unknown fields are passed over.

export interface ServerEvent {
  event: string;
  data: unknown;
  id: number | null;
}

/** @param limit of the characters of one event, and what is thrown for a larger one */
export async function* readEventStream(
  chunks: AsyncIterable<string>,
  limit: { lengthMax: number; tooLarge(): Error },
): AsyncGenerator<ServerEvent> {
  let rest = "";
  for await (const chunk of chunks) {
    rest += chunk;
    if (rest.length > limit.lengthMax) throw limit.tooLarge();
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
      const data = fields.get("data");
      if (data === undefined) continue;
      const id = fields.get("id");
      yield { event: fields.get("event") ?? "message", data: JSON.parse(data), id: id === undefined ? null : Number(id) };
    }
  }
}
