// Commands made up by fast-check, with everything that means something to a shell or to a reader of lines, and a script that tells what one was given.
import fc from "fast-check";

/** Printable or not; no NUL, which no argument can have. */
const words = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }).map((word) => word.replaceAll("\0", "")),
  fc.stringMatching(/^[-=+.a-z\n\t'"\\$`*?~#&|;<>(){}[\] !]{0,30}$/),
  fc.constantFrom(
    "",
    "\n",
    "\n\n",
    "=",
    "=\n=",
    ".",
    ".\n",
    "a\n.\nb",
    "$(id)",
    "`id`",
    "$HOME",
    "%s\\n",
    "-n",
    "\\c",
    "\u0081\u0088",
    "\u{1F980}",
  ),
  fc.constant("x".repeat(5_000)),
);

const names = fc.oneof(
  fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/),
  fc.constantFrom("LANG", "LC_ALL", "HOME", "a.b", "PWD", "IFS", "_", "TMOUT", "OPTIND", "OPENCLAW_EXEC_ID"),
);

export interface GeneratedCommand {
  words: string[];
  env: Record<string, string>;
  workdir: string | undefined;
  /** A character is a byte. */
  input: string | undefined;
}

export const generatedCommands: fc.Arbitrary<GeneratedCommand> = fc.record({
  words: fc.array(words, { maxLength: 6 }),
  env: fc.dictionary(names, words, { maxKeys: 4 }),
  workdir: fc.constantFrom(undefined, "/", "/tmp", "/etc/../usr", "/nowhere", "/etc/passwd", "/root"),
  input: fc.option(
    fc.string({ unit: "binary", maxLength: 60 }).map((input) => Buffer.from(input).toString("latin1")),
    { nil: undefined },
  ),
});

/** Its arguments, its variables, where it is, what its input is and holds; then an exit code. For `sh -c`. */
export const REPORT = `for argument; do printf '[%s]' "$argument"; done; tr '\\0' '\\n' </proc/self/environ | grep -av "^OPENCLAW_EXEC_ID=" | sort
pwd; readlink /proc/self/fd/0 | sed 's/[0-9][0-9]*//'; cat; echo "to stderr: $#" >&2; exit $(($# % 7))`;
