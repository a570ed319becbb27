// The command that does the same as an action of the page, as a person would type it. Pure.

/** In single quotes unless it needs none. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** `openclaw sandbox recreate --session agent:main:main` */
export const toCommand = (...words: readonly string[]): string => ["openclaw", ...words].map(quote).join(" ");

interface ToolCall {
  /** Of the gateway's page. */
  origin: string;
  sessionKey: string;
  tool: string;
  input: object;
}

/** A tool's call over HTTP, for a shell that has the gateway's token. */
export function toCurl({ origin, sessionKey, tool, input }: ToolCall): string {
  const url = `${origin}/v1/sessions/${encodeURIComponent(sessionKey)}/tools/${encodeURIComponent(tool)}`;
  return `curl -H "Authorization: Bearer $OPENCLAW_GATEWAY_TOKEN" --json ${quote(JSON.stringify(input))} ${quote(url)}`;
}

/** The same where the gateway runs. @param program what is typed there in place of `openclaw`; with a text to read, or a client at its pipe, it is no terminal */
export function toTyped(command: string, program: string): string {
  // As src/api/place.ts has it: what is piped in goes into a container that runs where the host has docker-compose 1.29.
  const toFed = (service: string): string =>
    program.startsWith("docker-compose ")
      ? `docker-compose exec -T ${service} openclaw-entrypoint`
      : program.replace(" run --rm ", " run --rm -T ");
  const typed = command.includes(" <<'") ? toFed("openclaw-controller") : program;
  return command.replace(/^openclaw(?= )/, () => typed).replace(/(?<= -- )openclaw(?= mcp$)/, () => toFed("openclaw-gateway"));
}
