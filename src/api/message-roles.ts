// Who says a line of a conversation: what the command line offers, without the schemas that check it.

export const MESSAGE_ROLES = ["user", "assistant", "system", "tool"] as const;
