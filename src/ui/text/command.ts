// The command that does the same as an action of the page, as a person would type it. Pure.

/** In single quotes unless it needs none. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** `openclaw sandbox recreate --session agent:main:main` */
export const toCommand = (...words: readonly string[]): string => ["openclaw", ...words].map(quote).join(" ");

/** The same where the gateway runs. @param program what is typed there in place of `openclaw`; with a text to read it is no terminal */
export function toTyped(command: string, program: string): string {
  const typed = command.includes(" <<'") ? program.replace(" run --rm ", " run --rm -T ") : program;
  return command.replace(/^openclaw(?= )/, () => typed);
}
