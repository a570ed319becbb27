// How large a command may be: what any Linux kernel takes in one argument or variable, whoever starts the command. Pure.

/** 32 pages of 4 KiB, less the NUL behind it (MAX_ARG_STRLEN). A kernel of larger pages takes more, which nobody should rely on. */
export const ARGUMENT_BYTES_MAX = 131_071;

export interface CommandWords {
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
}

/** What is too long, in a sentence for people. null: nothing. */
export function findTooLong({ argv, env }: CommandWords): string | null {
  const refuse = (what: string, bytes: number): string =>
    `${what} has ${bytes} bytes, and a kernel takes at most ${ARGUMENT_BYTES_MAX} in one`;
  for (const [index, word] of argv.entries()) {
    const bytes = Buffer.byteLength(word);
    if (bytes > ARGUMENT_BYTES_MAX) return refuse(index === 0 ? "the command's name" : `argument ${index} of the command`, bytes);
  }
  for (const [name, value] of Object.entries(env)) {
    const bytes = value === undefined ? 0 : Buffer.byteLength(name) + 1 + Buffer.byteLength(value);
    if (bytes > ARGUMENT_BYTES_MAX) return refuse(`the variable ${name.slice(0, 100)}`, bytes);
  }
  return null;
}

/** Bytes of all of it, as a kernel counts them. */
export function measureCommand({ argv, env }: CommandWords): number {
  const words = argv.reduce((sum, word) => sum + Buffer.byteLength(word) + 1, 0);
  return Object.entries(env).reduce(
    (sum, [name, value]) => sum + (value === undefined ? 0 : Buffer.byteLength(`${name}=${value}`) + 1),
    words,
  );
}
