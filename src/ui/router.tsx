// The addresses of the page: which component each shows, loaded when it is first asked for. The gateway knows their first words (control-ui.ts there).
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { toFilesSearch } from "./pages/files/search.ts";
import { toSandboxSearch } from "./pages/sandboxes/search.ts";
import { NotFound } from "./shell/not-found.tsx";
import { PageError } from "./shell/page-error.tsx";
import { App } from "./shell/shell.tsx";

const root = createRootRoute({ component: App, notFoundComponent: NotFound });

const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/overview/overview.tsx"), "Overview"),
  staticData: { crumb: () => "Overview" },
});

const sandboxes = createRoute({ getParentRoute: () => root, path: "/sandboxes", staticData: { crumb: () => "Sandboxes" } });
const sandboxList = createRoute({
  getParentRoute: () => sandboxes,
  path: "/",
  validateSearch: toSandboxSearch,
  component: lazyRouteComponent(() => import("./pages/sandboxes/sandbox-list.tsx"), "SandboxList"),
});
const sandbox = createRoute({
  getParentRoute: () => sandboxes,
  path: "$name",
  component: lazyRouteComponent(() => import("./pages/sandboxes/sandbox-page.tsx"), "SandboxPage"),
  staticData: { crumb: ({ name = "" }) => name },
});

const sessions = createRoute({ getParentRoute: () => root, path: "/sessions", staticData: { crumb: () => "Sessions" } });
const sessionList = createRoute({
  getParentRoute: () => sessions,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/sessions/session-list.tsx"), "SessionList"),
});
const session = createRoute({
  getParentRoute: () => sessions,
  path: "$key",
  component: lazyRouteComponent(() => import("./pages/sessions/session-page.tsx"), "SessionPage"),
  staticData: { crumb: ({ key = "" }) => key },
});
const conversation = createRoute({
  getParentRoute: () => session,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/sessions/conversation.tsx"), "Conversation"),
});
const tools = createRoute({
  getParentRoute: () => session,
  path: "tools",
  component: lazyRouteComponent(() => import("./pages/sessions/tools.tsx"), "Tools"),
});
const files = createRoute({
  getParentRoute: () => session,
  path: "files",
  validateSearch: toFilesSearch,
  component: lazyRouteComponent(() => import("./pages/files/files-page.tsx"), "FilesPage"),
});
const processes = createRoute({
  getParentRoute: () => session,
  path: "processes",
  validateSearch: ({ id }: Record<string, unknown>): { id?: string } =>
    typeof id === "string" && /^[a-z0-9]{8,32}$/.test(id) ? { id } : {},
  component: lazyRouteComponent(() => import("./pages/processes/processes-page.tsx"), "ProcessesPage"),
});
const terminal = createRoute({
  getParentRoute: () => session,
  path: "terminal",
  component: lazyRouteComponent(() => import("./pages/terminal/terminal-page.tsx"), "TerminalPage"),
});

const chat = createRoute({
  getParentRoute: () => root,
  path: "/chat",
  component: lazyRouteComponent(() => import("./pages/chat/chat-page.tsx"), "ChatPage"),
  staticData: { crumb: () => "Chat" },
});
const noConversation = createRoute({
  getParentRoute: () => chat,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/chat/chat-page.tsx"), "NoConversation"),
});
const chatConversation = createRoute({
  getParentRoute: () => chat,
  path: "$key",
  component: lazyRouteComponent(() => import("./pages/chat/conversation.tsx"), "ChatConversation"),
});

const browser = createRoute({
  getParentRoute: () => session,
  path: "browser",
  component: lazyRouteComponent(() => import("./pages/browser/browser-page.tsx"), "BrowserPage"),
});

const config = createRoute({
  getParentRoute: () => root,
  path: "/config",
  component: lazyRouteComponent(() => import("./pages/config/config-page.tsx"), "ConfigPage"),
  staticData: { crumb: () => "Config" },
});
const configInForce = createRoute({
  getParentRoute: () => config,
  path: "/",
  component: lazyRouteComponent(() => import("./pages/config/in-force.tsx"), "InForce"),
});
const configEdit = createRoute({
  getParentRoute: () => config,
  path: "edit",
  component: lazyRouteComponent(() => import("./pages/config/edit-page.tsx"), "EditPage"),
});

const rollouts = createRoute({
  getParentRoute: () => root,
  path: "/rollouts",
  component: lazyRouteComponent(() => import("./pages/rollouts.tsx"), "Rollouts"),
  staticData: { crumb: () => "Rollouts" },
});
const doctor = createRoute({
  getParentRoute: () => root,
  path: "/doctor",
  component: lazyRouteComponent(() => import("./pages/doctor/doctor.tsx"), "Doctor"),
  staticData: { crumb: () => "Doctor" },
});

const devices = createRoute({
  getParentRoute: () => root,
  path: "/devices",
  component: lazyRouteComponent(() => import("./pages/devices/devices.tsx"), "DevicesPage"),
  staticData: { crumb: () => "Devices" },
});
const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  component: lazyRouteComponent(() => import("./pages/settings.tsx"), "Settings"),
  staticData: { crumb: () => "Settings" },
});

const routeTree = root.addChildren([
  overview,
  chat.addChildren([noConversation, chatConversation]),
  sandboxes.addChildren([sandboxList, sandbox]),
  sessions.addChildren([sessionList, session.addChildren([conversation, tools, files, processes, terminal, browser])]),
  rollouts,
  config.addChildren([configInForce, configEdit]),
  doctor,
  devices,
  settings,
]);

export const createAppRouter = () =>
  createRouter({ routeTree, defaultErrorComponent: PageError, defaultPreload: "intent", scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof createAppRouter>;
  }
  interface StaticDataRouteOption {
    /** What the page is called in the bar above it. Absent: it is not named there. */
    crumb?: (params: Readonly<Record<string, string>>) => string;
  }
}
