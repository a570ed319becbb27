// What a newcomer decides: one table defines the questions at a terminal, the command's flags, and the changes to an existing config.
// Everything else has a default (docs/config.md). It asks no one and reads no file.

export interface Choice {
  readonly value: string;
  readonly hint: string;
}

export interface Question {
  /** Of the config. */
  readonly path: string;
  /** Without the dashes. */
  readonly flag: string;
  /** What the flag's value is called in the help. */
  readonly valueName: string;
  /** One sentence, for a person. */
  readonly question: string;
  /** What a new config says. null: nothing, the product's own default is good. */
  readonly initial: string | number | null;
  /** Asked at a terminal if there are some; a flag may say more than these. */
  readonly choices: readonly Choice[];
}

export const QUESTIONS = {
  sandbox: {
    path: "agents.defaults.sandbox.mode",
    flag: "sandbox",
    valueName: "mode",
    question: "Which sessions run their tools in a sandbox?",
    initial: "all",
    choices: [
      { value: "all", hint: "every session" },
      { value: "non-main", hint: "every session but each agent's main one, whose tools are then refused" },
      { value: "off", hint: "none: tools are refused unless tools.exec.host allows them" },
    ],
  },
  scope: {
    path: "agents.defaults.sandbox.scope",
    flag: "scope",
    valueName: "scope",
    question: "Who shares a sandbox?",
    initial: "agent",
    choices: [
      { value: "agent", hint: "the sessions of one agent" },
      { value: "session", hint: "nobody: each session has its own" },
      { value: "shared", hint: "all sessions of all agents" },
    ],
  },
  workspaceAccess: {
    path: "agents.defaults.sandbox.workspaceAccess",
    flag: "workspace-access",
    valueName: "access",
    question: "What may tools do with the agent's workspace?",
    initial: "none",
    choices: [
      { value: "none", hint: "nothing: each sandbox has a folder of its own" },
      { value: "ro", hint: "read it at /agent" },
      { value: "rw", hint: "read and write it, as /workspace" },
    ],
  },
  network: {
    path: "agents.defaults.sandbox.docker.network",
    flag: "network",
    valueName: "network",
    question: "May tools reach the network?",
    initial: "none",
    choices: [
      { value: "none", hint: "no" },
      { value: "bridge", hint: "yes, everything this machine can reach" },
    ],
  },
  mode: {
    path: "gateway.mode",
    flag: "mode",
    valueName: "mode",
    question: "Where does the gateway run? local (here) or remote",
    initial: "local",
    choices: [],
  },
  port: { path: "gateway.port", flag: "port", valueName: "port", question: "The gateway's TCP port", initial: null, choices: [] },
  bind: {
    path: "gateway.bind",
    flag: "bind",
    valueName: "address",
    question: "Where the gateway listens: loopback, lan, or an address",
    initial: null,
    choices: [],
  },
} as const satisfies Record<string, Question>;

export type QuestionName = keyof typeof QUESTIONS;
export type Answers = Partial<Record<QuestionName, string | number>>;

export const QUESTION_NAMES = Object.keys(QUESTIONS) as QuestionName[];

/** What a new config says without an answer. */
export const FIRST_ANSWERS: Answers = Object.fromEntries(
  QUESTION_NAMES.flatMap((name) => (QUESTIONS[name].initial === null ? [] : [[name, QUESTIONS[name].initial]])),
);
