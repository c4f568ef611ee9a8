// Builds the widget into one script: dist/widget.js, beside the pages.
import { defineConfig, type Plugin } from "vite";

/** Bytes, compressed, that a site's visitors are asked to load. */
export const LARGEST = 30_000;

/**
 * Writes everything beyond ASCII as escapes: a script without a charset of its own is read in the page's, and sites in
 * windows-1251 have visitors, too.
 */
function ascii(): Plugin {
  return {
    name: "ascii",
    generateBundle(_, bundle) {
      for (const output of Object.values(bundle)) {
        if (output.type !== "chunk") continue;
        output.code = output.code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
      }
    },
  };
}

/** Refuses to build what is larger. */
export function sized(largest: number): Plugin {
  return {
    name: "sized",
    async generateBundle(_, bundle) {
      for (const [name, output] of Object.entries(bundle)) {
        if (output.type !== "chunk") this.error(`${name}: the widget is one script, and nothing else`);
        const size = await compressed(output.code);
        if (size > largest) this.error(`${name} is ${size} bytes compressed, and may be ${largest}`);
        this.info(`${name} is ${size} bytes compressed, of ${largest}`);
      }
    },
  };
}

/** Bytes of a text after gzip. */
export async function compressed(text: string): Promise<number> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(stream).arrayBuffer()).byteLength;
}

export default defineConfig({
  root: decodeURI(new URL("..", import.meta.url).pathname),
  plugins: [ascii(), sized(LARGEST)],
  build: {
    // The pages are there already.
    emptyOutDir: false,
    copyPublicDir: false,
    // Sites have visitors whose browsers are some years old.
    target: "es2020",
    modulePreload: false,
    rolldownOptions: {
      input: decodeURI(new URL("main.ts", import.meta.url).pathname),
      // Its name stays, so that a site's tag need not change.
      output: { format: "iife", entryFileNames: "widget.js" },
    },
  },
});
