// Completion scripts for bash, zsh and fish, from the same table of commands as the help. Pure: nothing is installed, and no controller is asked for names.
import type { Command, Option } from "commander";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof SHELLS)[number];

/** What may follow one command: words, and for options with few values those. */
interface Completed {
  /** `sandbox list`; empty for the program itself. */
  path: string;
  words: readonly { word: string; about: string }[];
}

export function renderCompletion(program: Command, shell: Shell): string {
  const table = collect(program, []);
  switch (shell) {
    case "bash":
      return renderBash(table);
    case "zsh":
      return `#compdef openclaw\nautoload -U +X bashcompinit && bashcompinit\n${renderBash(table)}`;
    case "fish":
      return renderFish(table);
  }
}

function collect(command: Command, path: readonly string[]): Completed[] {
  const children = command.commands.filter((child) => child.name() !== "help");
  const own = [
    ...children.flatMap((child) => [child.name(), ...child.aliases()].map((word) => ({ word, about: child.description() }))),
    ...command.options.filter(({ hidden }) => !hidden).flatMap(toWords),
    { word: "--help", about: "print help" },
  ];
  const inner = children.flatMap((child) => [child.name(), ...child.aliases()].flatMap((name) => collect(child, [...path, name])));
  return [{ path: path.join(" "), words: own }, ...inner];
}

const toWords = ({ long, description }: Option): { word: string; about: string }[] =>
  long === undefined || long === null ? [] : [{ word: long, about: description }];

/** A group's words lead on; the first word that does not is an argument. */
function renderBash(table: readonly Completed[]): string {
  const cases = table.map(({ path, words }) => `    ${quote(path)}) words=${quote(words.map(({ word }) => word).join(" "))} ;;`);
  const paths = table.map(({ path }) => path).filter((path) => path !== "");
  return `_openclaw() {
  local path= word words known=${quote(`|${paths.join("|")}|`)}
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $known in *"|\${path:+$path }$word|"*) path="\${path:+$path }$word" ;; esac
  done
  case $path in
${cases.join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _openclaw openclaw
`;
}

function renderFish(table: readonly Completed[]): string {
  const lines = table.flatMap(({ path, words }) => {
    const names = path === "" ? [] : path.split(" ");
    const next = words.filter(({ word }) => !word.startsWith("-")).map(({ word }) => word);
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`);
    const unseen = next.length === 0 ? [] : [`not __fish_seen_subcommand_from ${next.join(" ")}`];
    const condition = [...seen, ...unseen].join("; and ");
    return words.map(({ word, about }) => {
      const option = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c openclaw${condition === "" ? "" : ` -n ${quote(condition)}`} ${option} -d ${quote(about)}`;
    });
  });
  return `${lines.join("\n")}\n`;
}

/** As each of the three shells reads it. */
const quote = (text: string): string => `'${text.replaceAll("'", "")}'`;
