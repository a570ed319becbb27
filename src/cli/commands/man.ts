// `openclaw man`: one manual page to stdout, for a reader such as `man -l -`, or all of them into a folder where `man` finds them.
// What stands in them is man-page.ts's.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { OperationError } from "../../api/errors.ts";
import { toFileError } from "../../api/store/atomic-file.ts";
import { type CliContext, EXIT, type ExitCode, print } from "../context.ts";
import { renderManPage, renderManPages } from "../man-page.ts";
import { toAbsolute } from "../paths.ts";

export async function showManPage(
  context: CliContext,
  { program, words }: { program: Command; words: readonly string[] },
  options: { all?: string },
): Promise<ExitCode> {
  if (options.all === undefined) {
    context.stdout.write(renderManPage(findCommand(program, words)).text);
    return EXIT.ok;
  }
  const folder = join(toAbsolute(context, options.all), "man1");
  const pages = renderManPages(program);
  try {
    await mkdir(folder, { recursive: true });
    for (const { file, text } of pages) await writeFile(join(folder, file), text);
  } catch (error) {
    throw toFileError("write", folder, error);
  }
  print(context, `${pages.length} pages are in ${folder}`);
  return EXIT.ok;
}

/** @throws OperationError `NotFound` */
function findCommand(program: Command, words: readonly string[]): Command {
  return words.reduce((command, word) => {
    const child = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (child !== undefined) return child;
    throw new OperationError("NotFound", `there is no command ${JSON.stringify(words.join(" "))}`, {
      fix: "openclaw --help shows the commands",
    });
  }, program);
}
