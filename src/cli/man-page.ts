// Manual pages (roff, section 1) from the same table of commands as the help: one for the program, one for each command. Pure: where they are written is
// commands/man.ts's.
import { EventEmitter } from "node:events";
import { type Argument, type Command, Help, type Option } from "commander";

export interface ManPage {
  /** `openclaw-sandbox-list.1` */
  file: string;
  text: string;
}

/** The program's own first. */
export function renderManPages(program: Command): ManPage[] {
  return [program, ...everyCommand(program)].map(renderManPage);
}

export function renderManPage(command: Command): ManPage {
  const words = toWords(command);
  const name = words.join("-");
  const children = visibleCommands(command);
  const options = new Help().visibleOptions(command);
  const sections: readonly (readonly [string, string])[] = [
    ["NAME", `${toRoff(name)} \\- ${toRoff(command.description())}`],
    ["SYNOPSIS", `.B ${toRoff(words.join(" "))}\n${toRoff(command.usage())}`],
    [
      "ARGUMENTS",
      command.registeredArguments
        .filter(({ description }) => description !== "")
        .map(renderArgument)
        .join("\n"),
    ],
    ["OPTIONS", options.map(renderOption).join("\n")],
    ["COMMANDS", children.map(renderChild).join("\n")],
    ["NOTES", renderAfter(command)],
    ["EXIT STATUS", "0 success, 1 failure, 2 usage error, 3 not found, 4 timeout."],
    [
      "SEE ALSO",
      toRelated(command)
        .map((one) => `.BR ${toRoff(one)} (1)`)
        .join(",\n"),
    ],
  ];
  const body = sections.filter(([, text]) => text !== "").map(([title, text]) => `.SH ${title}\n${text}\n`);
  return { file: `${name}.1`, text: `.TH ${toRoff(name.toUpperCase())} 1 "" OpenClaw "OpenClaw Manual"\n${body.join("")}` };
}

/** `openclaw`, `sandbox`, `list`. */
const toWords = (command: Command): string[] => [...(command.parent === null ? [] : toWords(command.parent)), command.name()];

/** --help covers `help`, as in the help. */
const visibleCommands = (command: Command): Command[] => new Help().visibleCommands(command).filter((one) => one.name() !== "help");

const everyCommand = (command: Command): Command[] => visibleCommands(command).flatMap((child) => [child, ...everyCommand(child)]);

const renderArgument = (argument: Argument): string => renderEntry(`.I ${toRoff(argument.name())}`, argument.description);

const renderOption = ({ flags, description }: Option): string => renderEntry(`.B ${toRoff(flags)}`, description);

/** With what it must be given, as in the help. */
function renderChild(child: Command): string {
  const given = child.usage().replace(/\[options\] ?|\[command\]/g, "");
  return renderEntry(`.B ${toRoff(`${[child.name(), ...child.aliases()].join(", ")} ${given}`.trimEnd())}`, child.description());
}

const renderEntry = (head: string, text: string): string => `.TP\n${head}\n${toRoff(text)}`;

/** What stands below a command's help: examples, mostly. */
function renderAfter(command: Command): string {
  let text = "";
  const append = (more: string): void => {
    text += more;
  };
  // As the help itself asks for it; its types do not say that a command is one.
  const emitter: unknown = command;
  if (emitter instanceof EventEmitter) emitter.emit("afterHelp", { error: false, command, write: append });
  const lines = text.trim().split("\n");
  return text.trim() === "" ? "" : `.nf\n${lines.map(toRoff).join("\n")}\n.fi`;
}

/** The group above, and the commands below. */
function toRelated(command: Command): string[] {
  const { parent } = command;
  if (parent === null) return visibleCommands(command).map((child) => toWords(child).join("-"));
  return [toWords(parent), ...visibleCommands(command).map(toWords)].map((words) => words.join("-"));
}

/** As text: nothing in it is a request, an escape or a hyphen that may be broken. */
function toRoff(text: string): string {
  const plain = text.replaceAll("\\", "\\e").replaceAll("-", "\\-");
  return plain.replace(/^(?=[.'])/gm, "\\&");
}
