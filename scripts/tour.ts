// Plays a user's first hour, with the commands that README.md and docs/docker.md print, and a session of every command and several mistakes, against a
// real engine, and writes what was said to docs/tour.md. Run as `node scripts/tour.ts`. Times and ids differ from run to run; everything else is as a
// reader would see it.
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readCommands } from "./page-commands.ts";
import { environmentOf, type Place, play, type Step } from "./tour-player.ts";

const PAGE = new URL("../docs/tour.md", import.meta.url);
const LAUNCHER = new URL("../bin/openclaw", import.meta.url).pathname;
/** Short, so that lines are; made and removed by this script. */
const FOLDER = "/tmp/openclaw-tour";
const STATE = `${FOLDER}/state`;
const HOME = `${FOLDER}/home`;
const CHECKOUT = `${FOLDER}/openclaw`;
/** Where `openclaw` is. */
const PROGRAMS = `${FOLDER}/bin`;
const CONFIG = `{
  agents: {
    defaults: {
      sandbox: {
        mode: "all",
        start: "eager",
        rollout: { hotWindow: "10s" },
        docker: {
          memory: "256m",
          env: { GREETING: "hello" },
        },
      },
    },
    list: [{ id: "main" }, { id: "work" }],
  },
}
`;

/** One letter wrong, and one brace missing. */
const edit = (from: string, to: string): string => `sed -i 's/${from}/${to}/' $OPENCLAW_STATE_DIR/openclaw.json`;
const instance = "$(openclaw status | sed -n 's/^Instance: *//p')";
const main = "$(openclaw sandbox describe main | sed -n 's/^Name: *//p')";

const STEPS: readonly Step[] = [
  {
    say: "## Start\n\nThe config, `openclaw.json`, names two agents. Their sandboxes are eager: they exist as long as the file lists them.",
  },
  { run: "cat $OPENCLAW_STATE_DIR/openclaw.json" },
  { run: "openclaw config validate" },
  { say: "Without a controller, the other commands say how to start one:" },
  { run: "openclaw sandbox list" },
  { background: "openclaw controller --metrics-listen 127.0.0.1:0", until: "openclaw sandbox wait --all --for converged" },
  { run: "openclaw status" },
  { run: "openclaw sandbox list" },
  { run: `docker ps --format 'table {{.Names}}\\t{{.Image}}\\t{{.Status}}' --filter label=openclaw.instance=${instance}` },
  {
    say: "## Run something in a sandbox\n\nName the sandbox by its agent. The exit code is the command's. There is no network, no root, and the system is read-only:",
  },
  { run: "openclaw sandbox exec main -- sh -c 'id; pwd; echo $GREETING; touch /usr/x; exit 7'; echo \"exit code $?\"" },
  { run: "echo 'from my terminal' | openclaw sandbox exec -i main -- tee note.txt" },
  { run: "openclaw sandbox exec --timeout 1s main -- sh -c 'sleep 5 && touch proof'; echo \"exit code $?\"" },
  { run: "openclaw sandbox exec main -- ls" },
  { say: "A detached process keeps running, and is found again after any restart:" },
  { run: "ID=$(openclaw sandbox exec -d main -- sh -c 'for n in 1 2 3; do echo line $n; sleep 0.2; done'); echo $ID", settle: 1_200 },
  { run: "openclaw sandbox ps list main" },
  { run: "openclaw sandbox ps log main $ID" },
  { say: "## Edit the config\n\nA limit changes while the container runs: the id stays." },
  { run: `NAME=${main}; echo $NAME` },
  { run: `docker inspect -f '{{slice .Id 0 12}} {{.HostConfig.Memory}}' $NAME; ${edit("256m", "512m")}`, settle: 1_500 },
  { run: "docker inspect -f '{{slice .Id 0 12}} {{.HostConfig.Memory}}' $NAME" },
  {
    say: "An environment variable needs a new container. The sandbox was used a moment ago, so the change waits until the hot window ends (10 seconds in this config, 5 minutes by default). `plan` says so beforehand:",
  },
  { run: "openclaw sandbox exec main -- true" },
  { run: `${edit("hello", "good day")}`, settle: 1_500 },
  { run: "openclaw sandbox plan" },
  { run: "openclaw sandbox list" },
  { say: "The change is made when the window ends:" },
  { run: "openclaw sandbox wait --all --for converged --timeout 60s" },
  { run: "openclaw sandbox exec main -- sh -c 'echo $GREETING; cat note.txt'" },
  { say: "To make it at once:" },
  { run: "openclaw sandbox recreate --agent main --force --wait" },
  { say: "## Mistakes\n\nA misspelt key. The file is refused as a whole, and the last good one stays in force:" },
  { run: `${edit("memory:", "memroy:")}; openclaw config validate; echo "exit code $?"`, settle: 1_200 },
  { run: "openclaw status" },
  { run: `${edit("memroy:", "memory:")}` },
  { say: "A missing brace:" },
  { run: "head -n -1 $OPENCLAW_STATE_DIR/openclaw.json > broken.json5; openclaw config validate --config broken.json5" },
  { say: "Something that is not allowed:" },
  { run: "openclaw config set agents.defaults.sandbox.docker.network '\"host\"'" },
  { run: "openclaw config set agents.defaults.sandbox.docker.binds '[\"/var/run/docker.sock:/docker.sock\"]'" },
  { run: "openclaw sandbox describe openclaw-sbx-agent-mian" },
  { run: "openclaw sandbox lsit" },
  { say: "A missing image stalls only what needs it, and says what to do; the old container keeps serving:" },
  { run: "openclaw config set 'agents.list[1].sandbox' '{ docker: { image: \"my-image:1\" } }'", settle: 1_500 },
  { run: "openclaw sandbox list" },
  { run: "openclaw sandbox plan" },
  { run: "openclaw config set 'agents.list[1].sandbox' '{}'; openclaw config get 'agents.list[1]'", settle: 1_500 },
  { say: "## Things that happen\n\nSomeone kills a container, removes another, pauses one and changes a limit by hand:" },
  { run: "docker kill $NAME", settle: 2_000 },
  { run: "openclaw sandbox wait --all --for converged && docker rm -f $NAME", settle: 2_500 },
  {
    run: "openclaw sandbox wait --all --for converged && docker pause $NAME && sleep 1 && docker update --memory 300m --memory-swap 600m $NAME",
    settle: 1_500,
  },
  { run: "docker inspect -f '{{.State.Status}} {{.HostConfig.Memory}}' $NAME" },
  { run: "openclaw sandbox events | tail -12" },
  { run: "openclaw sandbox describe main" },
  { say: "## Why it is so\n\n`explain` says which line of which file each value comes from, and which rule decides about each tool:" },
  { run: "openclaw sandbox explain --session main | grep -v ' default$' | head -40" },
  { say: "## Leave\n\nAn agent that is removed from the file loses its container once it is idle; its workspace stays." },
  { run: `${edit(', { id: "work", sandbox: {} }', "")}; openclaw config get agents.list`, settle: 2_000 },
  { run: "openclaw sandbox list" },
  { run: "openclaw sandbox prune --dry-run" },
  { stop: true },
  { say: "Stopping the controller leaves the containers as they are. `--once` converges and exits:" },
  { run: `${edit('mode: "all"', 'mode: "off"')}; openclaw controller --once`, settle: 0 },
];

/** What goes on until somebody ends it is ended after a moment; what asks at a terminal is given the answers that Enter gives. */
const AS_PLAYED: Readonly<Record<string, Step>> = {
  'export PATH="$PWD/bin:$PATH"': { say: "" },
  "openclaw onboard": { run: "openclaw onboard --non-interactive" },
  "openclaw start": { background: "openclaw start", until: "openclaw health && openclaw status" },
  "openclaw session create main": { run: "openclaw session create main", until: "openclaw sandbox wait main" },
  "openclaw sandbox top -w": { run: "timeout -s INT 3 openclaw sandbox top -w | head -5" },
  "./docker-setup.sh --uninstall": { run: "./docker-setup.sh --uninstall --yes" },
  "openclaw sandbox events --follow": { run: "timeout -s INT 3 openclaw sandbox events --follow" },
};
const NEXT = "openclaw config set --config next.json5 agents.defaults.sandbox.docker.memory '\"1g\"'";

const FIRST_HOUR: readonly Step[] = [
  {
    say: '## The first hour\n\nThe commands of the README\'s "Set up your own", one after the other, on a machine where nothing is set up. `onboard` is given the answers that Enter gives.',
  },
  ...readCommands("README.md", "Set up your own").flatMap((command): Step[] => {
    const step = AS_PLAYED[command] ?? { run: command };
    return command.includes("next.json5") ? [{ run: `cp ~/.openclaw/openclaw.json next.json5; ${NEXT}` }, step] : [step];
  }),
  { stop: true },
];

/** Steps that show more than how a command looks: what is said before them. */
const BEFORE: Readonly<Record<string, string>> = {
  "./docker-setup.sh": "`docker-setup.sh` asks nothing without a terminal, and takes the answers that Enter gives.",
};

const IN_CONTAINERS: readonly Step[] = [
  {
    say: "## The first hour in containers\n\nThe commands of [docker.md](docker.md#first-steps), one after the other, in a checkout on a machine that has Docker and Compose and no Node.",
  },
  ...readCommands("docs/docker.md", "First steps").flatMap((command): Step[] => {
    const said = BEFORE[command];
    return [...(said === undefined ? [] : [{ say: said }]), AS_PLAYED[command] ?? { run: command }];
  }),
];

/** Ports that another program may have, and names that another checkout's containers may have, are no part of the story. */
const PLACES = {
  firstHour: {
    folder: FOLDER,
    programs: PROGRAMS,
    variables: { HOME, OPENCLAW_GATEWAY_PORT: "18979", OPENCLAW_METRICS_LISTEN: "127.0.0.1:0" },
  },
  inContainers: {
    folder: CHECKOUT,
    programs: PROGRAMS,
    variables: {
      ...{ HOME: `${FOLDER}/user`, DOCKER_CONFIG: process.env.DOCKER_CONFIG ?? `${process.env.HOME}/.docker` },
      ...{ COMPOSE_PROJECT_NAME: "openclaw-tour", OPENCLAW_IMAGE: "openclaw-tour:local" },
      ...{ OPENCLAW_GATEWAY_PORT: "18980", OPENCLAW_METRICS_PORT: "19465" },
    },
  },
  session: { folder: FOLDER, programs: PROGRAMS, variables: { OPENCLAW_STATE_DIR: STATE } },
} as const satisfies Record<string, Place>;

/** As `git clone` makes it, with what is not committed yet. */
function copyCheckout(): void {
  mkdirSync(CHECKOUT);
  const copy = "git ls-files -z --cached --others --exclude-standard | tar --null -cf - --files-from - | tar -xf - -C";
  const { status } = spawnSync("bash", ["-c", `set -o pipefail; ${copy} ${CHECKOUT}`], { cwd: dirname(dirname(LAUNCHER)) });
  if (status !== 0) throw new Error("the checkout could not be copied");
}

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(PROGRAMS, { recursive: true });
mkdirSync(STATE, { mode: 0o700 });
mkdirSync(HOME, { mode: 0o700 });
mkdirSync(`${FOLDER}/user`, { mode: 0o700 });
symlinkSync(LAUNCHER, `${PROGRAMS}/openclaw`);
writeFileSync(`${STATE}/openclaw.json`, CONFIG, { mode: 0o600 });
try {
  const title =
    "# A user's session\n\nPlayed against a real engine by `node scripts/tour.ts`; nothing is edited but the length of long outputs.";
  copyCheckout();
  const parts = [
    title,
    ...(await play(FIRST_HOUR, PLACES.firstHour)),
    ...(await play(IN_CONTAINERS, PLACES.inContainers)),
    ...(await play(STEPS, PLACES.session)),
  ];
  writeFileSync(PAGE, `${parts.join("\n\n")}\n`);
} finally {
  spawnSync(
    "bash",
    [
      "-c",
      `cd ${CHECKOUT} && ./docker-setup.sh --uninstall --yes; docker ps -aq --filter name=openclaw-sbx-agent- | xargs -r docker inspect -f '{{.Id}} {{range .Mounts}}{{.Source}} {{end}}' | grep /tmp/openclaw-tour/ | cut -d' ' -f1 | xargs -r docker rm -f`,
    ],
    { env: environmentOf(PLACES.inContainers) },
  );
  rmSync(FOLDER, { recursive: true, force: true });
}
