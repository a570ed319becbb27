// The pages in the order in which they are shown at the side, and what each is for.
import { Boxes, LayoutDashboard, type LucideIcon, MessagesSquare } from "lucide-react";

interface Page {
  to: "/" | "/sandboxes" | "/sessions";
  label: string;
  icon: LucideIcon;
}

export const NAVIGATION: readonly Page[] = [
  { to: "/", label: "Overview", icon: LayoutDashboard },
  { to: "/sandboxes", label: "Sandboxes", icon: Boxes },
  { to: "/sessions", label: "Sessions", icon: MessagesSquare },
];
