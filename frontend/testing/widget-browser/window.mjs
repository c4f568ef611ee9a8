// The chat's window as a visitor finds it in a page: what is in it, what has the focus, what it says.

const CHAT = "document.querySelector('colloquy-chat').shadowRoot";

/** The first element whose `part` is this. */
export const part = (name) => `${CHAT}.querySelector('[part~=${name}]')`;

/** The state of the visitor's message with this text, in the page. */
export const stateOf = (text) => `${bubble(text)}?.dataset.state`;

/** The message with this text: its `li`. */
export function bubble(text) {
  return `[...${CHAT}.querySelectorAll('li[part~=message]')].find((item) => item.textContent.includes(${JSON.stringify(text)}))`;
}

export function windowOf(page) {
  const { evaluate, press, until, type } = page;

  /** The part that has the focus; the page's own element by its id. */
  const focused = () =>
    evaluate(`(() => { const inner = ${CHAT}.activeElement; return inner ? inner.getAttribute('part') : document.activeElement.id })()`);

  return {
    focused,
    isOpen: () => evaluate(`!${part("panel")}.hidden`),
    /** What the Tab key comes by, from where the focus is. */
    async stops(count, options) {
      const found = [];
      for (let stop = 0; stop < count; stop++) {
        await press("Tab", options);
        found.push(await focused());
      }
      return found;
    },
    async open() {
      await until("the button", part("launcher"));
      await evaluate("colloquy.open()");
      await until("the window", `!${part("panel")}.hidden`);
    },
    async write(text) {
      await evaluate(`${part("input")}.focus()`);
      await type(text);
      await press("Enter");
      await until(`"${text}" in the window`, bubble(text));
    },
    attribute: (name, attribute) => evaluate(`${part(name)}.getAttribute(${JSON.stringify(attribute)})`),
    text: (name) => evaluate(`${part(name)}.textContent`),
    /** The texts of the visitor's messages, in their order. */
    own: () => evaluate(`[...${CHAT}.querySelectorAll('li[part~=own] [part=text]')].map(({ textContent }) => textContent)`),
    /** Gives files to the button for them. */
    async attach(files) {
      const { result } = await page.send("Runtime.evaluate", { expression: `${CHAT}.querySelector('input[type=file]')` });
      await page.send("DOM.setFileInputFiles", { files, objectId: result.objectId });
    },
  };
}
