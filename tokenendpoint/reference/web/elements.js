// Makes the elements of the page. Every text becomes a text node: no value is ever read
// as markup.

const data = JSON.parse(document.getElementById("data").textContent);

// t is a text of the page with its placeholders filled in.
function t(name, values = {}) {
  return data.texts["js." + name].replace(/\{([a-z]+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
}

// h makes an element. Keys that begin with "on" are listeners, all others attributes.
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, name);
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// rich sets what stands between backquotes in the type of code, as in the templates.
const rich = (text) => text.split("`").map((part, i) => (i % 2 ? h("code", { dir: "ltr" }, part) : part));

function copyButton(text) {
  const button = h("button", { type: "button", class: "copy", onclick: copy }, t("copy"));
  button.setAttribute("aria-live", "polite");
  async function copy() {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = t("copied");
    } catch {
      button.textContent = t("copyfailed");
    }
    setTimeout(() => { button.textContent = t("copy"); }, 2000);
  }
  return button;
}

const words = {
  csharp: "using|var|new|await",
  javascript: "const|await|new",
  python: "import|from|print",
  go: "package|import|func|if|nil|return",
  curl: "curl",
  http: "POST|GET|HTTP",
};
const comments = { go: "//[^\\n]*", javascript: "//[^\\n]*", csharp: "//[^\\n]*", python: "#[^\\n]*" };

// highlight colours code: strings, comments, words, names of headers.
function highlight(code) {
  const language = code.dataset.language;
  const text = code.textContent;
  const pattern = new RegExp([
    `(?<string>"(?:[^"\\\\\\n]|\\\\.)*"|'[^'\\n]*')`,
    `(?<comment>${comments[language] || "(?!)"})`,
    `(?<word>\\b(?:${words[language] || "(?!)"})\\b)`,
    `(?<header>^${language === "http" ? "" : "(?!)"}[A-Za-z-]+(?=: ))`,
    `(?<flag>(?<=\\s)-[a-zA-Z]\\b)`,
  ].join("|"), "gm");
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    if (kind === "flag" && language !== "curl") continue;
    parts.push(text.slice(end, match.index), h("span", { class: "c-" + kind }, match[0]));
    end = match.index + match[0].length;
  }
  code.replaceChildren(...parts, text.slice(end));
}

// codeBlock shows code under a label, with a button that copies it.
function codeBlock(label, language, text) {
  const code = h("code", { "data-language": language }, text);
  highlight(code);
  return h("figure", { class: "code" },
    h("figcaption", {}, label, copyButton(() => code.textContent)),
    h("pre", { dir: "ltr", tabindex: "0", role: "group", "aria-label": label }, code));
}

// tabs shows the samples of one request, one language at a time. What is chosen in one
// place holds in all.
const tabGroups = [];
let chosenLanguage = data.languages[0].id;

function tabs(label, template) {
  const id = "samples" + tabGroups.length;
  const code = h("code");
  const panel = h("pre", { dir: "ltr", tabindex: "0", role: "tabpanel", id, "aria-labelledby": "" }, code);
  const buttons = data.languages.map((language) => h("button", {
    type: "button", role: "tab", id: id + "-" + language.id, "aria-controls": id, onclick: () => chooseLanguage(language.id),
  }, language.label));
  const list = h("div", { role: "tablist", "aria-label": label, onkeydown: arrows }, ...buttons);
  const group = h("div", { class: "code tabs" }, h("div", { class: "tabbar" }, list, copyButton(() => code.textContent)), panel);
  function arrows(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key] * (document.documentElement.dir === "rtl" ? -1 : 1);
    if (!step) return;
    event.preventDefault();
    const at = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
    chooseLanguage(data.languages[at].id);
    buttons[at].focus();
  }
  function show() {
    data.languages.forEach((language, i) => {
      const selected = language.id === chosenLanguage;
      buttons[i].setAttribute("aria-selected", selected);
      buttons[i].tabIndex = selected ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", id + "-" + chosenLanguage);
    code.dataset.language = chosenLanguage;
    code.textContent = template(chosenLanguage);
    highlight(code);
  }
  tabGroups.push(show);
  show();
  return { group, show };
}

function chooseLanguage(id) {
  chosenLanguage = id;
  tabGroups.forEach((show) => show());
}
