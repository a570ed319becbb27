// Whether a request comes from where it may: the name it was sent to, the page that made it, the address behind trusted proxies. As pure rules;
// over a socket, and with the secret, it is attacks.test.ts.
import { expect, test } from "vitest";
import { checkHost, checkOrigin, type OriginRules, toBlockList, toClientAddress } from "./origin.ts";

const RULES: OriginRules = { hosts: ["claw", "claw.home.arpa"], allowedOrigins: ["https://panel.example.org"] };

const isHost = (host: string | undefined): boolean => {
  try {
    checkHost(host, RULES);
    return true;
  } catch {
    return false;
  }
};

const mayAsk = (origin: string | undefined, more: { host?: string; site?: string } = {}): boolean => {
  try {
    checkOrigin({ origin, host: "claw:18789", site: undefined, ...more }, RULES);
    return true;
  } catch {
    return false;
  }
};

test("a name of ours is ours in any case, with a port, and with the dot of a fully qualified name", () => {
  const names = ["claw", "CLAW", "Claw.Home.Arpa", "claw.home.arpa.", "CLAW.:18789", "localhost", "LOCALHOST.", "panel.example.org."];
  expect(names.filter((name) => !isHost(name))).toEqual([]);
});

test("an address is ours: no page can make a browser send another name for it", () => {
  expect(["127.0.0.1", "127.0.0.1:18789", "[::1]:18789", "192.168.1.7"].filter((name) => !isHost(name))).toEqual([]);
});

test("a name that only looks like ours is a stranger's, and so is none at all", () => {
  const names = [
    undefined,
    "",
    "evil.example",
    "xclaw",
    "claw.evil.example",
    "evil.claw",
    "claw..",
    ".claw",
    "claw/",
    "claw@evil",
    "claw evil",
  ];
  expect(names.filter((name) => isHost(name))).toEqual([]);
});

test("the gateway's own page may ask, and a page that the config allows, in whatever case its origin is written", () => {
  for (const origin of ["http://claw:18789", "https://claw:18789", "https://panel.example.org", "HTTPS://Panel.Example.ORG"])
    expect(mayAsk(origin)).toBe(true);
});

test("another page may not, however alike its origin is: a port, a scheme, a dot or a letter make another one", () => {
  const origins = [
    "http://claw",
    "http://claw:80",
    "https://panel.example.org.",
    "https://panel.example.org:8443",
    "http://panel.example.org",
    "https://panel.example.org.evil.example",
    "https://evil-panel.example.org",
    "https://panel.example.org@evil.example",
    "https://panel.example",
    "null",
    "",
  ];
  expect(origins.filter((origin) => mayAsk(origin))).toEqual([]);
});

test("a request without an Origin may come from a program, from our own page, and from a person who typed the address; from no other site", () => {
  for (const site of [undefined, "same-origin", "none"]) expect(mayAsk(undefined, { ...(site !== undefined && { site }) })).toBe(true);
  for (const site of ["cross-site", "same-site", ""]) expect(mayAsk(undefined, { site })).toBe(false);
});

test("an allowed Origin is no matter of where the browser says that the request comes from", () => {
  expect(mayAsk("https://panel.example.org", { site: "cross-site" })).toBe(true);
  expect(mayAsk("https://evil.example", { site: "same-origin" })).toBe(false);
});

const PROXIES = toBlockList(["10.0.0.1", "10.1.0.0/16", "fd00::/8"]);

test("only what a trusted proxy wrote of its client is believed", () => {
  expect(toClientAddress("203.0.113.9", "198.51.100.7", PROXIES)).toBe("203.0.113.9");
  expect(toClientAddress("10.0.0.1", "1.2.3.4, 198.51.100.7", PROXIES)).toBe("198.51.100.7");
  expect(toClientAddress("10.0.0.1", "1.2.3.4, 198.51.100.7, 10.1.2.3", PROXIES)).toBe("198.51.100.7");
  expect(toClientAddress("10.0.0.1", "127.0.0.1, nonsense", PROXIES)).toBe("10.0.0.1");
  expect(toClientAddress("10.0.0.1", undefined, PROXIES)).toBe("10.0.0.1");
});

test("who comes through a proxy on this host that is not trusted is nobody of this host", () => {
  for (const remote of ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    expect(toClientAddress(remote, "127.0.0.1", PROXIES)).not.toMatch(/^(127\.|::1)/);
  expect(toClientAddress("127.0.0.1", undefined, PROXIES)).toBe("127.0.0.1");
});

test("an IPv4 client of an IPv6 socket is the same as one of an IPv4 socket, also as a proxy", () => {
  expect(toClientAddress("::ffff:203.0.113.9", undefined, PROXIES)).toBe("203.0.113.9");
  expect(toClientAddress("::FFFF:10.0.0.1", "198.51.100.7", PROXIES)).toBe("198.51.100.7");
});
