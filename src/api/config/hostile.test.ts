// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts under test are configs, in which ${NAME} is syntax
import { expect, test } from "vitest";
import { parse } from "./config.fixture.ts";
import { CONFIG_BYTES_MAX } from "./text.ts";

const many = (count: number, render: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => render(index)).join();
const docker = (text: string): string => `{agents:{defaults:{sandbox:{docker:${text}}}}}`;

/** Each is as large as a config may be and made to be slow: quadratic scans, recursion, millions of issues. */
const TEXTS: Readonly<Record<string, string>> = {
  "one long text": `{a:"${"x".repeat(1_000_000)}"}`,
  "one long text of escapes": `{a:"${'\\"'.repeat(500_000)}"}`,
  "a text of escapes that does not end": `{a:"${'\\"'.repeat(500_000)}`,
  "alternating quotes": `'"`.repeat(500_000),
  "quotes that do not end on their lines": "'\n".repeat(500_000),
  slashes: "/".repeat(1_000_000),
  "comment openings": "/*".repeat(500_000),
  "broken escapes": `{a:${"'x\\".repeat(250_000)}`,
  "line ends": `${"\n".repeat(1_000_000)}{}`,
  "a list of empty lists": `{agents:[${"[],".repeat(340_000)}]}`,
  "one key, always the same": `{${"a:1,".repeat(250_000)}}`,
  "unknown top keys": `{${many(60_000, (index) => `chanels${index}:1`)}}`,
  "unknown sandbox keys": `{agents:{defaults:{sandbox:{${many(60_000, (index) => `dokcer${index}:1`)}}}}}`,
  "wrong values": docker(`{env:{${many(80_000, (index) => `A${index}:1`)}}}`),
  "right values": docker(`{env:{${many(80_000, (index) => `A${index}:'1'`)}}}`),
  "wrong binds": docker(`{binds:[${"'x',".repeat(250_000)}]}`),
  "variables that are not set": `{tools:{allow:[${"'${X}',".repeat(140_000)}]}}`,
  agents: `{agents:{entries:{${many(80_000, (index) => `a${index}:{}`)}}}}`,
  "agents with bad ids": `{agents:{entries:{${many(80_000, (index) => `A${index}:{}`)}}}}`,
  "agents without ids": `{agents:{list:[${"{},".repeat(340_000)}]}}`,
  "as many agents as may be": `{agents:{defaults:{sandbox:{docker:{network:'host',env:{${many(200, (index) => `A${index}:'1'`)}}}}},list:[${many(1000, (index) => `{id:'a${index}'}`)}]}}`,
  "a setupCommand like an install": docker(`{setupCommand:'apt ${"-apt ".repeat(13_000)}'}`),
  digits: docker(`{memory:'${"1".repeat(500_000)}',user:'${"1".repeat(500_000)}'}`),
  "an image name": docker(`{image:'${"a-".repeat(500_000)}'}`),
  "a host name": docker(`{extraHosts:['${"a.".repeat(500_000)}:1']}`),
  "a path": docker(`{binds:['${"/a".repeat(250_000)}:/x:ro','${"/..".repeat(120_000)}:/x']}`),
};

/** Each takes a second at most; what is quadratic in a million characters takes a quarter of an hour. */
const timeout = 120_000;

test.each(Object.keys(TEXTS))("a hostile config is answered, with few issues and no endless work: %s", { timeout }, (name) => {
  const text = (TEXTS[name] ?? "").slice(0, CONFIG_BYTES_MAX);
  expect(parse(text).issues.length).toBeLessThan(300);
});
