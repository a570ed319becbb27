// How the Control UI is built: src/ui becomes static files in dist/ui, named by their content and compressed beforehand.
// How they are served is gateway/http/control-ui.ts's.
import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import react from "@vitejs/plugin-react";
import { defineConfig, type HtmlTagDescriptor, type Plugin, type Rolldown } from "vite";

const { version }: { version: string } = JSON.parse(readFileSync(join(import.meta.dirname, "package.json"), "utf8"));
const OUTPUT = process.env.OPENCLAW_UI_OUTPUT ?? join(import.meta.dirname, "dist/ui");
/** Below that, an answer is one packet either way. */
const COMPRESSED_BYTES_MIN = 1_024;
/** With all that they import they are one file: each of the fifty that opening the page would else ask for costs a request. */
const FIRST_SHOWN = { name: "page", test: /\/src\/ui\/(main|pages\/overview\/overview)\.tsx$/ };
/** Apart, so that boot.ts is there before the page is. */
const LOADER = { name: "load", test: /vite\/preload-helper/, priority: 1 };

export default defineConfig({
  root: join(import.meta.dirname, "src/ui"),
  // Nothing is taken from the environment of who builds, so that a build says nothing of it.
  envPrefix: "OPENCLAW_UI_PUBLIC_",
  publicDir: false,
  define: { "import.meta.env.OPENCLAW_UI_PUBLIC_VERSION": JSON.stringify(version) },
  html: { cspNonce: "CSP_NONCE" },
  build: {
    outDir: OUTPUT,
    emptyOutDir: true,
    target: "es2023",
    // Since 2024 in all of them; what is older gets no `light-dark()`.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // An image inside a style sheet would need `data:` in the policy.
    assetsInlineLimit: 0,
    license: { fileName: "licenses.md" },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600,
    rolldownOptions: { output: { codeSplitting: { groups: [LOADER, FIRST_SHOWN] } } },
    // Every browser that has `light-dark()` knows it.
    modulePreload: { polyfill: false },
  },
  plugins: [react({ jsxImportSource: "safe-jsx" }), askAtOnce(), compress()],
  resolve: { alias: { "safe-jsx/jsx-runtime": join(import.meta.dirname, "src/ui/safe-jsx/jsx-runtime.ts") } },
});

/** The document itself asks for what boot.ts loads, which would else begin when that has run. */
function askAtOnce(): Plugin {
  return {
    name: "openclaw-ask-at-once",
    apply: "build",
    transformIndexHtml: {
      order: "post",
      handler(html, { bundle = {} }) {
        const chunks = new Map(Object.values(bundle).flatMap((output) => (output.type === "chunk" ? [[output.fileName, output]] : [])));
        const first = new Set<Rolldown.OutputChunk>();
        const add = (chunk: Rolldown.OutputChunk): void => {
          if (first.has(chunk)) return;
          first.add(chunk);
          for (const imported of chunk.imports.flatMap((name) => chunks.get(name) ?? [])) add(imported);
        };
        for (const chunk of chunks.values()) if (chunk.name === "main") add(chunk);
        const styles = new Set([...first].flatMap(({ viteMetadata }) => [...(viteMetadata?.importedCss ?? [])]));
        return [
          ...[...first]
            .filter(({ fileName }) => !html.includes(fileName))
            .map(({ fileName }) => toLink({ rel: "modulepreload", crossorigin: true, href: `/${fileName}` })),
          ...[...styles].map((fileName) => toLink({ rel: "preload", as: "style", crossorigin: true, href: `/${fileName}` })),
        ];
      },
    },
  };
}

const toLink = (attrs: Record<string, string | boolean>): HtmlTagDescriptor => ({ tag: "link", attrs, injectTo: "head" });

/** Beside each file of text one as brotli and one as gzip, as small as they get: it is done once. */
function compress(): Plugin {
  return {
    name: "openclaw-compress",
    apply: "build",
    async closeBundle(error) {
      if (error !== undefined) return;
      const names = await readdir(OUTPUT, { recursive: true });
      await Promise.all(names.filter((name) => /\.(js|css|svg)$/.test(name)).map((name) => compressFile(join(OUTPUT, name))));
    },
  };
}

async function compressFile(path: string): Promise<void> {
  const content = await readFile(path);
  if (content.length < COMPRESSED_BYTES_MIN) return;
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
  await Promise.all([
    promisify(brotliCompress)(content, { params }).then((bytes) => writeFile(`${path}.br`, bytes)),
    promisify(gzip)(content, { level: 9 }).then((bytes) => writeFile(`${path}.gz`, bytes)),
  ]);
}
