// A small picture of a session's browser, where one runs. It is no use of it.
import { type ReactNode, useEffect, useState } from "react";
import { useGateway } from "../../connection/context.tsx";
import { fromBase64 } from "../../text/bytes.ts";

/** As old as the gateway lets one be. */
const FRESH_MS = 20_000;

interface ThumbnailProps {
  sessionKey: string;
  /** Absent: as large as it is. */
  isSmall?: boolean;
}

export function Thumbnail({ sessionKey, isSmall = false }: ThumbnailProps): ReactNode {
  const { data } = useGateway("browser.thumbnail", { key: sessionKey }, { everyMs: FRESH_MS });
  const picture = data?.picture ?? null;
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (picture === null) return;
    const made = URL.createObjectURL(new Blob([fromBase64(picture.data)], { type: picture.mimeType }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [picture]);
  if (url === null || picture === null) return null;
  return <img className={isSmall ? "browser-thumbnail small-thumbnail" : "browser-thumbnail"} src={url} alt="What the browser shows" />;
}
