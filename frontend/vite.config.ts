// Builds every page of this folder into dist/: a page is one HTML file here and a folder of the same name with its sources.
import { defineConfig, type Plugin } from "vitest/config";

/**
 * GraphiQL's style sheet carries two font families as data: URIs, 270 kB that compress to nothing less. The page uses the
 * system's fonts instead (graphiql/page.css), and the Content-Security-Policy needs no font-src.
 */
function systemFonts(): Plugin {
  return {
    name: "system-fonts",
    enforce: "pre",
    transform: {
      filter: { id: /graphiql\/dist\/style\.css/ },
      handler: (css) => ({ code: css.replace(/@font-face\s*\{[^}]*\}/g, ""), map: null }),
    },
  };
}

export default defineConfig({
  base: "/",
  plugins: [systemFonts()],
  // Absolute: what `npm run dev` bundles beforehand knows no folder of ours.
  resolve: { alias: { "react-style-singleton": decodeURI(new URL("graphiql/no-style-singleton.ts", import.meta.url).pathname) } },
  build: {
    // Pages run under a policy that allows images of our origin; an icon inlined as data: would be refused.
    assetsInlineLimit: 0,
    // The licences of what is bundled go where the bundle goes.
    license: { fileName: "licenses.md" },
    // GraphiQL is one chunk, and larger than the 500 kB that Vite finds proper.
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      input: ["graphiql.html", "sandbox.html"],
      output: {
        // CodeMirror's modes and add-ons come as 24 files of 1 to 20 kB, all of which the page needs at once.
        codeSplitting: { groups: [{ name: "codemirror", test: /node_modules\/codemirror/ }] },
      },
      // "use client" is for servers that render React; there is none here.
      onLog: (level, log, print) => {
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") print(level, log);
      },
    },
  },
  server: {
    proxy: {
      ...Object.fromEntries(
        ["/graphql", "/chat", "/files"].map((path) => [path, { target: "http://127.0.0.1:8080", ws: true }]),
      ),
      // The sandbox, or testing/fake-sandbox.mjs. Not all of /api/: our own folder of that name is served there.
      "^/api/(state|events|bots|phones|files)": "http://127.0.0.1:8090",
    },
  },
  test: { environment: "node" },
});
