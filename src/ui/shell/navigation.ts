// The pages in the order in which they are shown at the side, and what each is for.
import {
  Boxes,
  FileCog,
  LayoutDashboard,
  type LucideIcon,
  MessageCircle,
  MessagesSquare,
  MonitorSmartphone,
  RefreshCw,
  Settings,
  Stethoscope,
} from "lucide-react";

interface Page {
  to: "/" | "/chat" | "/sandboxes" | "/sessions" | "/rollouts" | "/config" | "/doctor" | "/devices" | "/settings";
  label: string;
  icon: LucideIcon;
}

export const NAVIGATION: readonly Page[] = [
  { to: "/", label: "Overview", icon: LayoutDashboard },
  { to: "/chat", label: "Chat", icon: MessageCircle },
  { to: "/sandboxes", label: "Sandboxes", icon: Boxes },
  { to: "/sessions", label: "Sessions", icon: MessagesSquare },
  { to: "/rollouts", label: "Rollouts", icon: RefreshCw },
  { to: "/config", label: "Config", icon: FileCog },
  { to: "/doctor", label: "Doctor", icon: Stethoscope },
  { to: "/devices", label: "Devices", icon: MonitorSmartphone },
  { to: "/settings", label: "Settings", icon: Settings },
];
