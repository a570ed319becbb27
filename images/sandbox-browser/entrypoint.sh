#!/bin/bash
# Runs Chromium until it, or anything that it needs, ends; SIGTERM and SIGINT end all of it. What is written goes to /tmp, so the root may be read-only.
#   OPENCLAW_BROWSER_HEADLESS=1         no display, no VNC (0)
#   OPENCLAW_BROWSER_ENABLE_NOVNC=0     a display, and nobody watches (1: VNC, and noVNC where somebody may connect over the network)
#   OPENCLAW_BROWSER_CDP_PORT, OPENCLAW_BROWSER_VNC_PORT, OPENCLAW_BROWSER_NOVNC_PORT      9222, 5900, 6080
#   OPENCLAW_BROWSER_CDP_SOURCE_RANGE   IPv4 CIDR that may connect over the network (the network's gateway alone: ports that the engine publishes);
#                                       none: nobody
#   OPENCLAW_BROWSER_NO_SANDBOX         1: without Chromium's own sandbox; 0: not at all where that does not work (unset: with it where it works)
#   HTTPS_PROXY                         what Chromium asks for every connection, also to this container itself
#   openclaw-browser --healthy          exit code 0 once the DevTools protocol answers
#
# Every port listens on the container's loopback, which `docker exec` reaches; none asks for a password. A relay opens them on the container's
# network address to that range and nobody else, so that neighbours on the same network can't drive the browser.
set -euo pipefail

cdp_port=${OPENCLAW_BROWSER_CDP_PORT:-9222}
vnc_port=${OPENCLAW_BROWSER_VNC_PORT:-5900}
novnc_port=${OPENCLAW_BROWSER_NOVNC_PORT:-6080}
# As long as browser.autoStartTimeoutMs may be, which is the controller's own limit.
start_seconds_max=600
screen=1280x800
programs=/usr/local/lib/openclaw
connections_max=64

say() { printf 'openclaw-browser: %s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}
answers() { curl --noproxy '*' --silent --fail --output /dev/null --max-time 3 "http://127.0.0.1:$cdp_port/json/version"; }

if [ "${1:-}" = --healthy ]; then
  answers
  exit
fi
for port in "$cdp_port" "$vnc_port" "$novnc_port"; do
  case $port in '' | *[!0-9]* | ??????*) die "'$port' is not a port" ;; esac
done
is_on() {
  case ${!1:-$2} in
  1 | true) return 0 ;;
  0 | false) return 1 ;;
  *) die "$1 is '${!1}', and must be 1 or 0" ;;
  esac
}
headless=
watched=
no_sandbox=${OPENCLAW_BROWSER_NO_SANDBOX:-}
case $no_sandbox in '') ;; *) if is_on OPENCLAW_BROWSER_NO_SANDBOX 0; then no_sandbox=1; else no_sandbox=0; fi ;; esac
if is_on OPENCLAW_BROWSER_HEADLESS 0; then headless=1; elif is_on OPENCLAW_BROWSER_ENABLE_NOVNC 1; then watched=1; fi

umask 077
home=$(mktemp -d /tmp/openclaw-browser.XXXXXX) || die "/tmp can't be written: give the container a tmpfs there"
export HOME=$home XDG_RUNTIME_DIR=$home XDG_CONFIG_HOME=$home/config XDG_CACHE_HOME=$home/cache
# There is no bus, and nothing is to look for one.
export DBUS_SESSION_BUS_ADDRESS=disabled: DBUS_SYSTEM_BUS_ADDRESS=disabled:

children=()
start() {
  "$@" &
  children+=("$!")
}
# shellcheck disable=SC2317 # by until_ready
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# until_ready PID WHAT COMMAND...: of one that was started.
until_ready() {
  local pid=$1 what=$2
  shift 2
  until "$@"; do
    kill -0 "$pid" 2>/dev/null || die "$what ended before it answered"
    [ "$SECONDS" -lt "$start_seconds_max" ] || die "$what did not answer within $start_seconds_max s"
    sleep 0.1
  done
}
# shellcheck disable=SC2317 # by the trap
end() {
  trap '' TERM INT
  [ "${#children[@]}" -eq 0 ] || kill -TERM "${children[@]}" 2>/dev/null || true
  wait
  rm -rf "$home"
}
trap end EXIT
trap 'say "asked to end"; exit 0' TERM INT

# The gateway of the container's network, which is who a published port's connections come from. Nothing where there is no network.
gateway() {
  awk '$2 == "00000000" && $3 != "00000000" {
    for (at = 7; at > 0; at -= 2) { byte = 0
      for (digit = 0; digit < 2; digit++) byte = byte * 16 + index("0123456789ABCDEF", substr($3, at + digit, 1)) - 1
      printf "%s%d", (at < 7 ? "." : ""), byte }
    exit }' /proc/net/route
}
# The container's own addresses, IPv4, but loopback.
addresses() { hostname -I | tr ' ' '\n' | grep -E '^[0-9.]+$' || true; }
relay() {
  local port=$1 address
  for address in $(addresses); do
    start socat "TCP-LISTEN:$port,bind=$address,range=$range,fork,reuseaddr,max-children=$connections_max" "TCP:127.0.0.1:$port"
  done
}

# shellcheck disable=SC2054 # the commas are Chromium's
flags=(
  "--remote-debugging-port=$cdp_port" "--user-data-dir=$home/profile" "--window-size=${screen/x/,}" --window-position=0,0
  --no-first-run --no-default-browser-check --hide-crash-restore-bubble --disable-breakpad --disable-background-networking --disable-component-update
  --log-level=3 --disable-sync --disable-features=Translate,MediaRouter,OptimizationHints --password-store=basic --disable-gpu --disk-cache-size=52428800
)
# 64 MiB, an engine's default, is too little for Chromium's shared memory: then it is files in /tmp.
[ "$(df --output=size /dev/shm 2>/dev/null | tail -n 1)" -ge 200000 ] 2>/dev/null || flags+=(--disable-dev-shm-usage)
# Chromium's own sandbox needs user namespaces and chroot, which engines' default seccomp profile refuses to a process without capabilities. It is
# used where the container has them. Elsewhere the container is the wall: a page that takes Chromium over has what this user has there, which is no
# capability, no new privileges and a read-only root; pages of one container are not walled off from each other then.
if [ "$no_sandbox" != 1 ] && unshare --user --map-root-user --pid --net --fork chroot / true 2>/dev/null; then
  own_sandbox="with its own sandbox"
elif [ "$no_sandbox" = 0 ]; then
  die "Chromium's own sandbox can't be used: this engine or kernel refuses user namespaces or chroot (browser.noSandbox runs it without)"
else
  own_sandbox="confined by the container alone (its own sandbox needs a seccomp profile that allows user namespaces)"
  flags+=(--no-sandbox --test-type)
fi

# No page may reach this container's own ports: DevTools, VNC and noVNC ask for no password. A proxy is asked for them too, and refuses them; without one
# Chromium finds no such host.
proxy=${HTTPS_PROXY:-${https_proxy:-}}
loopback=("127.*" "0.0.0.0" "localhost" "*.localhost" "[::1]" "[::]" "[::ffff:*")
if [ -n "$proxy" ]; then flags+=("--proxy-server=$proxy" "--proxy-bypass-list=<-loopback>"); else
  rules=$(printf 'MAP %s ^NOTFOUND,' "${loopback[@]}")
  flags+=("--host-resolver-rules=${rules%,}")
fi
if [ -n "$headless" ]; then
  flags+=(--headless=new)
else
  [ -d /tmp/.X11-unix ] || mkdir -m 1777 /tmp/.X11-unix
  mkfifo "$home/display"
  start Xvfb -displayfd 3 -screen 0 "${screen}x24" -nolisten tcp 3<>"$home/display"
  read -r -t "$start_seconds_max" number <>"$home/display" || die "the display did not start within $start_seconds_max s"
  export DISPLAY=:$number
fi
# Before Chromium, which takes longer: whoever knows that DevTools answers may watch at once.
if [ -n "$watched" ]; then
  start x11vnc -quiet -display "$DISPLAY" -rfbport 0 -unixsock "$home/vnc" -forever -shared -nopw -noipv6 -no6
  vnc=${children[-1]}
  start python3 "$programs/rfb_port.py" "$vnc_port" "$home/vnc"
  vnc_gate=${children[-1]}
fi
start chromium "${flags[@]}" about:blank
chromium=${children[-1]}
until_ready "$chromium" Chromium answers
ports=("$cdp_port")
range=${OPENCLAW_BROWSER_CDP_SOURCE_RANGE:-$(gateway)}
case $range in
none) range= ;;
*/*) ;;
?*) range=$range/32 ;;
esac
if [ -n "$watched" ]; then
  until_ready "$vnc" "the VNC server" test -S "$home/vnc"
  until_ready "$vnc_gate" "the VNC server's port" listens "$vnc_port"
  ports+=("$vnc_port")
fi
# noVNC is a page for whoever comes over the network: where nobody may, its server would only be one more port.
if [ -n "$watched" ] && [ -n "$range" ]; then
  start env PYTHONPATH="$programs" PYTHONDONTWRITEBYTECODE=1 websockify --web /usr/share/novnc \
    --auth-plugin=own_page.OwnPage "127.0.0.1:$novnc_port" "127.0.0.1:$vnc_port"
  until_ready "${children[-1]}" noVNC listens "$novnc_port"
  ports+=("$novnc_port")
fi
if [ -n "$range" ]; then for port in "${ports[@]}"; do relay "$port"; done; fi
say "ready: DevTools on port $cdp_port, $([ -n "$headless" ] && echo headless || echo "display $DISPLAY"), $own_sandbox"

ended=0
wait -n -p ended_pid "${children[@]}" || ended=$?
if [ "${ended_pid:-}" = "$chromium" ]; then say "Chromium ended with exit code $ended"; else say "what it needs ended with exit code $ended"; fi
exit 1
