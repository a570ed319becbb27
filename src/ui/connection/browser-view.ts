// The socket by which the page watches a browser: shows the code first, then passes RFB to and from noVNC, and keeps what is said about control apart.
// What noVNC does with it is pages/browser/.

/** What noVNC asks of a socket, and sets. */
export class ViewChannel {
  binaryType = "arraybuffer";
  readonly protocol = "";
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onerror: (() => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  /** Told whether this page is in control. */
  oncontrol: (control: boolean) => void = () => undefined;
  /** Why it ended, in the gateway's words; empty where there are none. */
  reason = "";
  readonly #socket: WebSocket;

  constructor(path: string, code: string) {
    const socket = new WebSocket(new URL(path, location.href.replace(/^http/, "ws")));
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      socket.send(JSON.stringify({ code }));
      this.onopen?.();
    };
    socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
      if (typeof data === "string") this.oncontrol((JSON.parse(data) as { control?: unknown }).control === true);
      else this.onmessage?.({ data });
    };
    socket.onerror = () => this.onerror?.();
    socket.onclose = (event) => {
      this.reason = event.reason;
      this.onclose?.(event);
    };
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  send(data: ArrayBufferView<ArrayBuffer>): void {
    this.#socket.send(data);
  }

  close(): void {
    this.#socket.close();
  }

  /** The gateway answers with who has it. */
  ask(control: boolean): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ control }));
  }
}
