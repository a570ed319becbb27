// A picture of a session's workspace: asked of the gateway as any file there is, and shown from memory. What is no picture is not shown as one.
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { useSessionFiles } from "../files/use-files.ts";

const BYTES_MAX = 8_388_608;

/** By what it begins with: a name says nothing. */
const TYPES: readonly (readonly [type: string, head: readonly number[]])[] = [
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46]],
];

export function WorkspaceImage({ sessionKey, path, alt }: { sessionKey: string; path: string; alt: string }): ReactNode {
  const files = useSessionFiles(sessionKey);
  const { data, error } = useQuery({
    queryKey: ["chat.image", sessionKey, path],
    queryFn: async ({ signal }) => toPicture((await files.read(path, { bytesMax: BYTES_MAX, signal })).bytes),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const url = useObjectUrl(data ?? null);
  if (url !== null) return <img className="chat-image" src={url} alt={alt === "" ? path : alt} />;
  const why = error !== null ? ` (${error.message})` : data === null ? " (it is no picture)" : "";
  return (
    <code className="chip">
      {path}
      {why}
    </code>
  );
}

function toPicture(bytes: Uint8Array<ArrayBuffer>): Blob | null {
  const type = TYPES.find(([, head]) => head.every((byte, at) => bytes[at] === byte))?.[0];
  return type === undefined ? null : new Blob([bytes], { type });
}

function useObjectUrl(blob: Blob | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (blob === null) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => {
      setUrl(null);
      URL.revokeObjectURL(made);
    };
  }, [blob]);
  return url;
}
