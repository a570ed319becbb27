// Loaded into a process that is measured: how late each moment of its event loop is, told whenever it is asked. Every fifth millisecond is one moment, also
// those that passed while the loop was held up: a timer that only looks when it runs would count a long hold-up once.

const EACH_MS = 5;

let late: number[] = [];
let due = performance.now() + EACH_MS;

function look(): void {
  const now = performance.now();
  for (; due <= now; due += EACH_MS) late.push(now - due);
  setTimeout(look, Math.max(1, Math.ceil(due - performance.now()))).unref();
}

look();
process.on("message", () => {
  const told = late;
  late = [];
  process.send?.({ lateMs: told });
});
