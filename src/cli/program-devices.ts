// The commands about paired devices: options and help only; the code is in commands/devices.ts. Arguments are ours or, as options, upstream's.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { configOption, HELP_GROUPS, jsonOption, parseMilliseconds, type Run, stateDirOption } from "./options.ts";

type Commands = typeof import("./commands/devices.ts");

export function addDeviceCommands(program: Command, context: CliContext, run: Run): void {
  const devices = program
    .command("devices")
    .description("pair browsers, phones and programs with the gateway, and end it")
    .helpGroup(HELP_GROUPS.work);
  const load = (): Promise<Commands> => import("./commands/devices.ts");
  const add = (name: string, description: string): Command => {
    const command = devices.command(name).description(description);
    for (const option of [...targetOptions(), jsonOption()]) command.addOption(option);
    return command;
  };
  add("list", "list devices that are awaiting approval, and paired ones").action((options) =>
    run(async () => (await load()).listDevices(context, options)),
  );
  add("approve", "pair a device; without a request, show the newest one and approve nothing (exit code 1)")
    .argument("[request]", "id of the request, or its code")
    .addOption(
      new Option("--native <id>", "the id that the device itself shows: its signature may let held removals through (docs/pairing.md)"),
    )
    .addOption(scopeOption("grant this of what it asks for, and nothing else (repeatable)"))
    .action((request, options) => run(async () => (await load()).approveDevice(context, request, options)));
  add("reject", "reject a request; the device is told so")
    .argument("<request>", "id of the request, or its code")
    .action((request, options) => run(async () => (await load()).rejectDevice(context, request, options)));
  for (const { name, description, act } of CHANGES) {
    const command = addDeviceArgument(add(name, description));
    if (name === "rotate") command.addOption(scopeOption("leave it this of what it has, and nothing else (repeatable)"));
    command.action((device, options) => run(async () => await (await load())[act](context, device, options)));
  }
  addDeviceArgument(add("rename", "give a device another name"))
    .argument("[name]", "at most 64 characters")
    .addOption(new Option("--name <name>", "the same"))
    .action((device, name, options) => run(async () => (await load()).renameDevice(context, { device, name }, options)));
}

const CHANGES = [
  { name: "revoke", description: "close what a device has open and keep it out; it stays listed", act: "revokeDevice" },
  { name: "rotate", description: "void a device's tokens; the device itself stays paired", act: "rotateDevice" },
  { name: "remove", description: "close what a device has open and forget it", act: "removeDevice" },
] as const;

const addDeviceArgument = (command: Command): Command =>
  command
    .argument("[device]", "its id or the beginning of it, or its name")
    .addOption(new Option("--device <device>", "the same"))
    .addOption(new Option("--role <role>", "operator: the only one").hideHelp());

const scopeOption = (about: string): Option => new Option("--scope <scope...>", about);

const targetOptions = (): Option[] => [
  new Option(
    "--token <token>",
    "owner key of the gateway, or token of a device with operator.pairing (default: <state>/gateway/owner-key)",
  ),
  new Option("--url <url>", "the gateway's URL, with --token (OPENCLAW_GATEWAY_URL; default: read from the state folder)"),
  new Option("--timeout <duration>", "how long to wait for the gateway, such as 10s, or milliseconds").argParser(parseMilliseconds),
  configOption(),
  stateDirOption(),
];
