// The commands about what a sandbox reaches. Options and help only; the code is in commands/sandbox-egress.ts.
import { type Command, Option } from "commander";
import type { CliContext } from "./context.ts";
import { followOption, jsonOption, NAME_HELP, parseWholeNumber, type Run, stateDirOption } from "./options.ts";

const LINES_USUAL = 200;

export function addEgressCommands(sandbox: Command, context: CliContext, run: Run): void {
  const egress = sandbox.command("egress").description("show what sandboxes reach and are refused, and why");
  const load = () => import("./commands/sandbox-egress.ts");
  egress
    .command("log")
    .description("print which destinations were allowed and refused, by which rule")
    .argument("<sandbox>", NAME_HELP)
    .addOption(new Option("--tail <lines>", "show at most this many lines").default(LINES_USUAL).argParser(parseWholeNumber))
    .addOption(new Option("--refused", "leave out what was allowed"))
    .addOption(followOption("keep running and show new ones"))
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, options) => run(async () => (await load()).showEgressLog(context, name, options)));
  egress
    .command("test")
    .description("print whether a sandbox may reach a URL, and which rule says so; exit code 1 if it may not")
    .argument("<sandbox>", NAME_HELP)
    .argument("<url>", "such as https://example.com, or a host with its port")
    .addOption(stateDirOption())
    .addOption(jsonOption())
    .action((name, url, options) => run(async () => (await load()).testEgress(context, { name, url }, options)));
}
