// The script that a site includes.
import { readSettings } from "./settings";
import { start } from "./start";

const tag = document.currentScript ?? document.querySelector<HTMLScriptElement>("script[data-channel]");
try {
  if (!(tag instanceof HTMLScriptElement)) throw new Error("there is no script tag with a data-channel");
  start(readSettings(tag, [document.documentElement.lang, ...navigator.languages]));
} catch (error) {
  // A site goes on without its chat; whoever builds it finds the reason here.
  console.error(`colloquy: ${(error as Error).message}`);
}
