// What the build puts into the page (vite.config.ts).
// Nothing of the environment of who builds.
interface ImportMetaEnv {
  /** Of package.json. */
  readonly OPENCLAW_UI_PUBLIC_VERSION: string;
}
