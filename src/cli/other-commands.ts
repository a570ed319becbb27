// What people type who come from kubectl, Compose or another OpenClaw, and what the same thing is here. One table: it answers a command that
// there is not, and docs/commands.md is made from it. It runs nothing.

export interface OtherCommand {
  /** As typed there, with the program's name. */
  typed: string;
  /** Ours, to be typed: a command of this program, or of the checkout (`./docker-setup.sh`). null: there is none. */
  ours: string | null;
  /** Why it is another one, or none; what is different. Empty: the same. */
  why: string;
}

const row = (typed: string, ours: string | null, why = ""): OtherCommand => ({ typed, ours, why });

const RELEASED = "sandboxes follow the config and the sessions: end the session, or remove the agent";

export const KUBECTL_COMMANDS: readonly OtherCommand[] = [
  row("kubectl get pods", "openclaw sandbox list"),
  row("kubectl get pods --watch", "openclaw sandbox list -w"),
  row("kubectl get pod NAME -o yaml", "openclaw sandbox list NAME -o yaml"),
  row("kubectl get pods -o name", "openclaw sandbox list -o name"),
  row("kubectl get events", "openclaw sandbox events"),
  row("kubectl describe pod NAME", "openclaw sandbox describe NAME"),
  row("kubectl logs NAME", "openclaw sandbox logs NAME"),
  row("kubectl logs -f NAME", "openclaw sandbox logs -f NAME"),
  row("kubectl top pod NAME", "openclaw sandbox top NAME"),
  row("kubectl exec -it NAME -- sh", "openclaw sandbox exec -it NAME -- sh"),
  row(
    "kubectl attach NAME",
    "openclaw sandbox ps log --follow NAME ID",
    "a sandbox's own process only waits; look at those that were started in it",
  ),
  row("kubectl cp FILE NAME:PATH", "openclaw sandbox cp FILE NAME:PATH", "files only; folders by tar: openclaw sandbox cp --help"),
  row("kubectl debug NAME", "openclaw sandbox exec -it NAME -- sh"),
  row("kubectl apply -f FILE", "openclaw config validate", "saving the config file applies it; this checks it"),
  row("kubectl diff -f FILE", "openclaw sandbox plan --config FILE"),
  row("kubectl create", "openclaw session create KEY", "a session gets its sandbox as soon as it exists"),
  row("kubectl run NAME", "openclaw session create KEY", "a session gets its sandbox as soon as it exists"),
  row("kubectl delete pod NAME", "openclaw sandbox recreate NAME", "as with a pod of a deployment, a new one takes its place"),
  row("kubectl delete deployment NAME", "openclaw session delete KEY", RELEASED),
  row("kubectl patch", "openclaw config set PATH VALUE"),
  row("kubectl edit", "openclaw config edit", "checks, shows the plan and asks before it saves"),
  row("kubectl set image", "openclaw config set agents.defaults.sandbox.docker.image IMAGE"),
  row("kubectl explain", "openclaw sandbox explain NAME", "for the config's keys: openclaw config schema, docs/config.md"),
  row("kubectl auth can-i", "openclaw sandbox explain NAME", "lists each tool, whether it may be used, and by which rule"),
  row("kubectl wait --for=condition=Ready pod/NAME", "openclaw sandbox wait NAME"),
  row("kubectl rollout status", "openclaw sandbox rollout status"),
  row("kubectl rollout pause", "openclaw sandbox rollout pause"),
  row("kubectl rollout resume", "openclaw sandbox rollout resume"),
  row("kubectl rollout history", "openclaw sandbox rollout history"),
  row("kubectl rollout undo", "openclaw sandbox rollout undo", "puts an earlier config back, after its plan was shown"),
  row("kubectl rollout restart", "openclaw sandbox recreate --all"),
  row("kubectl cordon", "openclaw sandbox rollout pause", "there is one node: nothing that works is replaced until resumed"),
  row("kubectl cluster-info", "openclaw status"),
  row("kubectl config view", "openclaw config show"),
  row("kubectl completion bash", "openclaw completion bash"),
  row("kubectl version", "openclaw --version"),
  row("kubectl scale", null, "the number of sandboxes follows from agents, sessions and agents.defaults.sandbox.scope"),
  row("kubectl port-forward", null, "sandboxes publish no ports; run the client inside with: openclaw sandbox exec NAME"),
  row("kubectl label", null, "labels are the controller's own; it says whose a container is by them"),
  row("kubectl taint", null, "there is one node"),
];

export const COMPOSE_COMMANDS: readonly OtherCommand[] = [
  row("docker compose up", "openclaw start"),
  row("docker compose up -d", "openclaw start --detach"),
  row("docker compose down", "openclaw stop", "sandboxes stay as they are"),
  row("docker compose stop", "openclaw stop", "sandboxes stay as they are"),
  row("docker compose ps", "openclaw sandbox list"),
  row("docker compose ls", "openclaw status"),
  row("docker compose logs -f", "openclaw logs -f"),
  row("docker compose logs -f NAME", "openclaw sandbox logs -f NAME"),
  row("docker compose exec NAME sh", "openclaw sandbox exec -it NAME -- sh"),
  row("docker compose run NAME COMMAND", "openclaw sandbox exec NAME -- COMMAND"),
  row("docker compose cp NAME:PATH FILE", "openclaw sandbox cp NAME:PATH FILE", "files only; folders by tar: openclaw sandbox cp --help"),
  row("docker compose restart NAME", "openclaw sandbox recreate NAME"),
  row("docker compose kill NAME", "openclaw sandbox recreate NAME --kill", "ends what runs in it; a new one takes its place"),
  row("docker compose rm NAME", "openclaw session delete KEY", RELEASED),
  row("docker compose config", "openclaw config validate"),
  row("docker compose events", "openclaw sandbox events --follow"),
  row("docker compose stats NAME", "openclaw sandbox top -w NAME"),
  row("docker compose top NAME", "openclaw sandbox exec NAME -- ps -ef", "where the image has ps"),
  row("docker compose wait NAME", "openclaw sandbox wait NAME"),
  row("docker compose images", "openclaw doctor", "checks that each image of the config is there"),
  row("docker compose build", "scripts/sandbox-setup.sh", "builds the sandbox image; in the checkout"),
  row("docker compose pull", "scripts/sandbox-setup.sh", "images are built, or pulled with docker pull; in the checkout"),
  row("docker compose watch", null, "the config is always watched: saving it is enough"),
  row("docker compose pause NAME", null, "a sandbox that is paused by hand is resumed; openclaw sandbox pin NAME keeps one as it is"),
  row("docker compose port NAME", null, "sandboxes publish no ports"),
];

export const OPENCLAW_COMMANDS: readonly OtherCommand[] = [
  row("openclaw setup", "openclaw onboard"),
  row("openclaw configure", "openclaw onboard", "asks again, and keeps the rest; for one key: openclaw config set PATH VALUE"),
  row("openclaw agents list", "openclaw config get agents.list"),
  row("openclaw agents delete ID", "openclaw config unset agents.entries.ID"),
  row("openclaw agents add ID", "openclaw config set agents.entries.ID {}"),
  row("openclaw sessions", "openclaw session list"),
  row(
    "openclaw message send",
    "openclaw agent --session KEY --message MESSAGE",
    "openclaw session send KEY MESSAGE keeps one without an answer",
  ),
  row("openclaw daemon", "openclaw start --detach", "as a service: docs/operations.md"),
  row("openclaw security audit", "openclaw sandbox audit", "and openclaw doctor, for the machine"),
  row("openclaw qr", "openclaw dashboard --qr"),
  row("openclaw approvals", "openclaw sandbox explain NAME", "which tools an agent may use is the config's: tools.allow, tools.deny"),
  row("openclaw update", "./docker-setup.sh", "after git pull, in the checkout; on a host without containers git pull is enough"),
  row("openclaw uninstall", "./docker-setup.sh --uninstall", "in the checkout; config, workspaces and .env stay"),
  row("openclaw reset", "openclaw session reset KEY", "one conversation; the config is a file of yours"),
  row("openclaw restart", "openclaw sandbox recreate NAME", "a config edit needs no restart"),
  row("openclaw shell", "openclaw sandbox exec -it NAME -- sh"),
  row("openclaw tui", "openclaw chat"),
  row("openclaw memory", null, "memory tools are not part of this product"),
  row("openclaw cron", "openclaw config edit", "cron.jobs of the config say what is told to which agent, and when"),
  row("openclaw plugins", null, "there are no plugins"),
  row("openclaw skills", null, "skills are files of an agent's workspace"),
  row("openclaw nodes", null, "everything runs on one machine"),
];

const OTHER_COMMANDS: readonly OtherCommand[] = [...KUBECTL_COMMANDS, ...COMPOSE_COMMANDS, ...OPENCLAW_COMMANDS];

const PROGRAM = /^(?:kubectl|docker compose|openclaw) /;
const OFFERED_MAX = 4;

const renderOne = ({ ours, why }: OtherCommand): string =>
  ours === null ? `there is none: ${why}` : `${ours}${why === "" ? "" : `  (${why})`}`;

/** What is ours for a first word that is none here, a line each. Empty: nobody is known to type it. */
export function renderOurs(word: string): string[] {
  const meant = OTHER_COMMANDS.filter(({ typed }) => typed.replace(PROGRAM, "").split(" ")[0] === word);
  const first = new Map(meant.toReversed().map((one) => [one.ours, one]));
  return [...first.values()].toReversed().slice(0, OFFERED_MAX).map(renderOne);
}
