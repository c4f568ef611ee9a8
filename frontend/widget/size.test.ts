import { build, type InlineConfig, type Rolldown } from "vite";
import { expect, test } from "vitest";
import { compressed, LARGEST, sized } from "./vite.config";

const configFile = decodeURI(new URL("vite.config.ts", import.meta.url).pathname);

async function built(config: InlineConfig = {}) {
  const made = await build({ configFile, logLevel: "silent", ...config, build: { write: false } });
  return (made as Rolldown.RolldownOutput).output;
}

test("the widget is one classic script, small enough, with nothing that a strict policy would refuse", async () => {
  const output = await built();
  expect(output.map(({ fileName }) => fileName)).toEqual(["widget.js"]);
  const { code } = output[0];
  expect(await compressed(code)).toBeLessThanOrEqual(LARGEST);
  expect(LARGEST).toBeLessThanOrEqual(30_000);
  // The same in whatever charset the site's pages are.
  expect(code).toMatch(/^[\0-\x7f]*$/);
  // Parses as a script: no import, no export.
  expect(() => new Function(code)).not.toThrow();
  for (const forbidden of ["innerHTML", "insertAdjacentHTML", "document.write", "eval("]) expect(code).not.toContain(forbidden);
});

test("a larger one is not built", async () => {
  await expect(built({ plugins: [sized(1_000)] })).rejects.toThrow("and may be 1000");
});
