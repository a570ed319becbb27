// What docs/egress.md's five minutes are, step by step: the config that they begin with, the hosts of their servers, and what is typed.
// It is played by egress-tour.ts.
import type { Step } from "./tour-player.ts";

/** Of the network that the proxy and the servers are in. */
export const SUBNET = "10.213.7.0/24";
export const HOSTS = ["npm", "git", "pypi", "debian"].map((name) => `${name}.example.com`);

export const CONFIG = `{
  agents: {
    defaults: {
      sandbox: {
        mode: "all",
        start: "eager",
        rollout: { hotWindow: "0s" },
        docker: {
          image: "openclaw-sandbox-common:bookworm-slim",
          env: {
            NPM_CONFIG_REGISTRY: "http://npm.example.com",
            NPM_CONFIG_FETCH_RETRIES: "0",
            PIP_INDEX_URL: "http://pypi.example.com/simple",
            PIP_TRUSTED_HOST: "pypi.example.com",
            APT_CONFIG: "/workspace/apt.conf",
          },
        },
      },
    },
    list: [{ id: "main" }],
  },
}
`;

const APT = [
  'Dir::State::Lists "/workspace/apt/lists"; Dir::Cache "/workspace/apt/cache"; Acquire::Languages "none";',
  'Dir::Etc::SourceList "/workspace/sources.list"; Dir::Etc::SourceParts "-";',
];
const inside = (command: string): string => `openclaw sandbox exec main -- ${command}`;
const allow = (hosts: readonly string[]): string => `[${[...hosts, SUBNET].map((rule) => `"${rule}"`).join(", ")}]`;

export const STEPS: readonly Step[] = [
  {
    say: "An agent whose registry, index and mirror are those of a company network (`NPM_CONFIG_REGISTRY` and its kin in `docker.env`) installs a package, and fails:",
  },
  { run: inside("npm install left-pad") },
  {
    say: "Write what it may reach. A host of the internet takes its name alone; these servers have private addresses, which a name never opens: their block stands beside it. The first list takes a new container, whose variables name the proxy:",
  },
  {
    run: `openclaw config set agents.defaults.sandbox.egress '{ allow: ${allow(HOSTS.slice(0, 1))} }'`,
    until: "openclaw sandbox wait --all --for converged && openclaw sandbox egress test main http://npm.example.com/",
  },
  { run: inside("npm install left-pad") },
  { say: "What the list does not name is refused, and the log says so:" },
  { run: inside("git clone http://git.example.com/hello.git") },
  { run: "openclaw sandbox egress log --refused main" },
  { run: "openclaw sandbox egress test main http://git.example.com/hello.git" },
  { say: "An edit of the list is in force within a second, in the container that is there:" },
  {
    run: `openclaw config set agents.defaults.sandbox.egress.allow '${allow(HOSTS)}'`,
    until: "openclaw sandbox egress test main http://debian.example.com/",
  },
  { run: inside("sh -c 'git clone http://git.example.com/hello.git && ls hello'") },
  { run: inside("sh -c 'python3 -m venv .venv && .venv/bin/pip install greeting'") },
  { say: "apt without root keeps its lists in the workspace:" },
  { run: `openclaw sandbox exec -i main -- tee apt.conf <<'END'\n${APT.join("\n")}\nEND` },
  {
    run: inside(
      "sh -c 'echo \"deb [trusted=yes] http://debian.example.com/ ./\" >sources.list; mkdir -p apt/lists/partial apt/cache/archives/partial'",
    ),
  },
  { run: inside("sh -c 'apt-get -qq update && apt-get download hello && dpkg -x hello_*.deb installed && installed/usr/bin/hello'") },
  {
    say: "Everything else stays closed: what no rule names, a cloud's metadata service, the host itself, though its address lies in the block:",
  },
  { run: inside("curl -sSI https://example.org/") },
  { run: inside("curl -sS http://169.254.169.254/latest/meta-data/") },
  { run: inside("curl -sS http://10.213.7.1/") },
  { run: "openclaw sandbox egress log main | tail -12" },
  { stop: true },
];
