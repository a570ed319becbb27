// What an agent answers that has nothing to say, in upstream's words. Pure.
// Where nobody minds that nothing is said is the agent loop's to know.

const HEARTBEAT_TOKEN = "HEARTBEAT_OK";
const SILENT_TOKENS: readonly string[] = ["NO_REPLY", HEARTBEAT_TOKEN];
/** What may stand beside HEARTBEAT_OK unless the config says otherwise, as upstream bounds it: a remark that nobody needs. */
export const REMARK_LENGTH_MAX = 300;

/** @param text trimmed */
export function isSilent(text: string, remarkLengthMax: number): boolean {
  if (text === "" || SILENT_TOKENS.includes(text)) return true;
  const hasToken = text.startsWith(HEARTBEAT_TOKEN) || text.endsWith(HEARTBEAT_TOKEN);
  return hasToken && text.length - HEARTBEAT_TOKEN.length <= remarkLengthMax;
}
