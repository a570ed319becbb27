// The command that does the same as an action of the page, as a person would type it. Pure.

/** In single quotes unless it needs none. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** `openclaw sandbox recreate --session agent:main:main` */
export const toCommand = (...words: readonly string[]): string => ["openclaw", ...words].map(quote).join(" ");

/** The same where the gateway runs. @param program what is typed there in place of `openclaw`; with a text to read, or a client at its pipe, it is no terminal */
export function toTyped(command: string, program: string): string {
  const piped = program.replace(" run --rm ", " run --rm -T ");
  // As src/api/place.ts has it: `run` of docker-compose 1.29 never ends what is piped in.
  const fed = program.startsWith("docker-compose ") ? "docker-compose exec -T openclaw-controller openclaw-entrypoint" : piped;
  const typed = command.includes(" <<'") ? fed : program;
  return command.replace(/^openclaw(?= )/, () => typed).replace(/(?<= -- )openclaw(?= mcp$)/, () => piped);
}
