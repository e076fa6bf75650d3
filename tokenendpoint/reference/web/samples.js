// Fills in the templates of samples.go with what the reader has typed.
//
// A request is {url, pairs, basic, json}: pairs is a list of [name, value], basic says
// that the client's secret goes into the header, json that the body is an object.

const formEncode = (text) => new URLSearchParams([["", text]]).toString().slice(1);

const formOf = (pairs) => pairs.map(([name, value]) => formEncode(name) + "=" + formEncode(value)).join("&");

const valueOf = (request, name) => (request.pairs.find((pair) => pair[0] === name) || ["", ""])[1];

const ofClient = ([name]) => name === "client_id" || name === "client_secret";

// bodyPairs are the parameters that go into the body.
const bodyPairs = (request) => (request.basic ? request.pairs.filter((pair) => !ofClient(pair)) : request.pairs);

const credentialsOf = (request) => formEncode(valueOf(request, "client_id")) + ":" + formEncode(valueOf(request, "client_secret"));

function quoted(quote, text) {
  if (quote === "shell") return "'" + text.replaceAll("'", "'\\''") + "'";
  if (quote === "string") {
    return '"' + text.replace(/["\\]/g, "\\$&").replace(/[\u0000-\u001f]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0")) + '"';
  }
  return text;
}

function holds(request, flag) {
  const name = flag.replace(/^!/, "");
  const is = {
    basic: request.basic, body: !request.basic, form: !request.json, json: request.json,
    headers: request.basic || request.json, secret: valueOf(request, "client_secret") !== "",
  }[name] ?? (name.startsWith("has:") && valueOf(request, name.slice(4)) !== "");
  return Boolean(is) !== flag.startsWith("!");
}

// sampleOf fills in one template. Values are put in by functions, so that no $ in them
// means anything.
function sampleOf(template, request) {
  let quote = "";
  let pairs = bodyPairs(request);
  const lines = [];
  for (let line of template.replace(/\n$/, "").split("\n")) {
    if (line.startsWith("quote: ") && quote === "") {
      quote = line.slice(7);
      continue;
    }
    if (line.startsWith("pairs: ")) {
      pairs = pairs.filter((pair) => !ofClient(pair));
      continue;
    }
    if (line.startsWith("?")) {
      const end = line.indexOf(" ");
      if (!line.slice(1, end).split(",").every((flag) => holds(request, flag))) continue;
      line = line.slice(end + 1);
    }
    for (const pair of /\{(name|pair)\}/.test(line) ? pairs : [null]) {
      lines.push(line.replace(/\{([a-z0-9]+)(?::([^}]*))?\}/g, (whole, name, of) => placeholderOf(request, quote, pair, name, of) ?? whole));
    }
  }
  return lines.join(quote === "shell" ? " \\\n" : "\n");
}

function placeholderOf(request, quote, pair, name, of) {
  switch (name) {
    case "url": return quoted(quote, request.url);
    case "id": return quoted(quote, valueOf(request, "client_id"));
    case "secret": return quoted(quote, valueOf(request, "client_secret"));
    case "name": return quoted(quote, pair[0]);
    case "value": return quoted(quote, of ? valueOf(request, of) : pair[1]);
    case "pair": return quoted(quote, formEncode(pair[0]) + "=" + formEncode(pair[1]));
    case "basic": return quoted(quote, credentialsOf(request));
    case "basic64": return btoa(credentialsOf(request));
    case "body": return formOf(bodyPairs(request));
    case "json": return quoted(quote, JSON.stringify(Object.fromEntries(bodyPairs(request)), null, quote === "string" ? 0 : 2));
  }
}
