// The fields of the forms. A value is kept by the name of its parameter, in this object
// and nowhere else; it is gone when the page is.

const values = { ...data.prefill };

// A field for a secret is a field of text that hides its letters by style: no browser
// offers to keep it, or fills in a password that it keeps for this site.
function field(parameter, id) {
  const inputID = id + "-" + parameter.name;
  const input = h("input", {
    id: inputID, name: parameter.name, type: "text", dir: "auto", autocomplete: "off", autocapitalize: "off", spellcheck: "false",
    class: parameter.secret ? "hidden-text" : "", placeholder: parameter.sample || "", "aria-describedby": inputID + "-hint",
    "aria-required": parameter.required ? "true" : undefined,
    oninput: () => typed(parameter.name, input),
  });
  input.value = values[parameter.name] || "";
  const label = h("label", { for: inputID }, h("code", {}, parameter.name), parameter.required && h("span", { class: "need", "aria-hidden": "true" }, " *"));
  return h("div", { class: "field" }, label,
    h("div", { class: "input" }, input, parameter.secret && revealButton(input, parameter.name)),
    h("p", { class: "note", id: inputID + "-hint" }, ...rich(parameter.description)));
}

// typed keeps a value, and shows it in the other fields of that name.
function typed(name, input) {
  fillIn({ [name]: input.value }, input);
}

// fillIn keeps values by their names, and shows them in every field but the one that they
// were typed into.
function fillIn(received, typedInto) {
  Object.assign(values, received);
  for (const [name, value] of Object.entries(received)) {
    document.querySelectorAll(".field input[name='" + CSS.escape(name) + "']").forEach((input) => {
      if (input !== typedInto) input.value = value;
    });
  }
  tabGroups.forEach((show) => show());
}

// An offer is what the page has received and a grant can use next: values by the names of
// its parameters. The reader decides whether they go into the form.
const offers = {};
let offersChanged = () => {};

function offer(type, received) {
  offers[type] = received;
  offersChanged();
}

function revealButton(input, name) {
  const button = h("button", { type: "button", class: "quiet", "aria-pressed": "false", "aria-label": t("showlabel", { name }), onclick: reveal }, t("show"));
  function reveal() {
    const hidden = input.classList.toggle("hidden-text");
    button.textContent = hidden ? t("show") : t("hide");
    button.setAttribute("aria-pressed", String(!hidden));
  }
  return button;
}

// choice is a row of radio buttons.
function choice(label, name, options, chosen) {
  return h("fieldset", { class: "choice" }, h("legend", {}, label), ...options.map(([value, text], i) =>
    h("label", {}, h("input", { type: "radio", name, value, checked: i === 0, onchange: () => chosen(value) }), h("span", {}, text))));
}
