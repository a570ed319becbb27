// noVNC by the name that it has now; its published types know the one that it had.
/// <reference types="novnc__novnc" />
declare module "@novnc/novnc" {
  export { default } from "@novnc/novnc/lib/rfb";
}
