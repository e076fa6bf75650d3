// "Try it": choose a grant, fill in the fields, send.

const grantOf = (type) => data.grants.find((grant) => grant.type === type);

// typedPairs are the parameters of a grant that have a value.
const typedPairs = (grant) => grant.parameters
  .map((p) => [p.name, p.name === "grant_type" ? grant.type : values[p.name] || ""])
  .filter(([, value]) => value !== "");

// samplePairs are what a sample shows: what was typed. A required parameter that is empty has
// a value that stands for it, and so has every usual one as long as nothing was typed.
function samplePairs(grant) {
  const begun = typedPairs(grant).some(([name, value]) => name !== "grant_type" && value !== (data.prefill || {})[name]);
  return grant.parameters
    .map((p) => [p.name, p.name === "grant_type" ? grant.type : values[p.name] || (begun && !p.required ? "" : p.sample)])
    .filter(([, value]) => value !== "");
}

const templateOf = (language, type) => data.templates[language + "." + type] || data.templates[language];

function tryIt(section) {
  const chosen = { type: data.grants[0].type, json: false, basic: false };
  const fields = h("div", { class: "fields" });
  const problem = h("p", { class: "verdict bad", role: "alert", hidden: true });
  const result = h("div", { class: "result-area", "aria-live": "off" }, h("p", { class: "note" }, t("nothing")));
  const button = h("button", { type: "submit", class: "button" }, t("send"));

  const select = h("select", { id: "try-grant", onchange: () => choose(select.value) },
    ...data.grants.map((grant) => h("option", { value: grant.type }, grant.type)));
  const samples = tabs(t("samples"), (language) =>
    sampleOf(templateOf(language, chosen.type), { url: data.url, pairs: samplePairs(grantOf(chosen.type)), ...usable(chosen) }));

  const source = h("div", { class: "source" });

  // showSource says where a code comes from, and offers what the page has just received.
  function showSource() {
    const received = offers[chosen.type];
    source.replaceChildren(...[
      chosen.type === "authorization_code" && h("p", { class: "note" }, ...rich(t("codefrom")), " ",
        data.playground && h("a", { href: "#playground" }, t("codehere"))),
      received && h("button", { type: "button", class: "quiet", onclick: () => fillIn(received) },
        t("received", { names: Object.keys(received).filter((name) => received[name] !== "").join(", ") })),
    ].filter(Boolean));
  }
  offersChanged = showSource;

  function choose(type) {
    if (chosen.type !== type) result.replaceChildren(h("p", { class: "note" }, t("nothing"))); // it was about another grant
    chosen.type = select.value = type;
    showSource();
    fields.replaceChildren(...grantOf(type).parameters.filter((p) => p.name !== "grant_type").map((p) => field(p, "try")));
    problem.hidden = true;
    samples.show();
  }
  const set = (name) => (value) => { chosen[name] = value === "true"; samples.show(); };

  async function submit(event) {
    event.preventDefault();
    const grant = grantOf(chosen.type);
    const missing = grant.parameters.find((p) => p.required && p.name !== "grant_type" && !values[p.name]);
    problem.hidden = !missing;
    if (missing) {
      problem.textContent = t("missing", { name: missing.name });
      document.getElementById("try-" + missing.name).focus();
      return;
    }
    const sent = { client_id: values.client_id || "", client_secret: values.client_secret || "" };
    const area = h("div"); // of this request: an answer that comes after another choice is shown nowhere
    result.replaceChildren(area);
    const answer = await perform({ url: data.url, pairs: typedPairs(grant), ...usable(chosen) }, area, button);
    if (!answer || !answer.json || !answer.json.access_token) return;
    area.append(showToken(answer.json.access_token));
    if (grant.type === "authorization_code") offer(grant.type, null); // it was used up
    if (answer.json.refresh_token) offer("refresh_token", { ...sent, refresh_token: answer.json.refresh_token });
  }

  section.append(
    h("p", { class: "note" }, t("secrets")),
    h("div", { class: "split" },
      h("form", { novalidate: true, autocomplete: "off", onsubmit: submit },
        h("div", { class: "field" }, h("label", { for: "try-grant" }, t("grant")), select),
        h("div", { class: "choices" },
          choice(t("body"), "try-format", [["false", t("form")], ["true", t("json")]], set("json")),
          choice(t("secretin"), "try-secret", [["false", t("inbody")], ["true", t("inheader")]], set("basic"))),
        source, fields, problem, button),
      h("div", {}, h("h3", {}, t("samples")), samples.group)),
    result);
  choose(chosen.type);
  return choose;
}

// usable puts the secret into the header only if there is one: a public client has none.
const usable = (chosen) => ({ json: chosen.json, basic: chosen.basic && (values.client_secret || "") !== "" });
