// Sends a request, and shows each byte of it and of its answer.

// messageOf is the request as it goes over the wire, as far as a page decides it.
function messageOf(request) {
  const pairs = bodyPairs(request);
  const headers = { "Content-Type": request.json ? "application/json" : "application/x-www-form-urlencoded" };
  if (request.basic) headers.Authorization = "Basic " + btoa(credentialsOf(request));
  return { headers, body: request.json ? JSON.stringify(Object.fromEntries(pairs)) : formOf(pairs) };
}

function requestText(request, message) {
  const url = new URL(request.url);
  const headers = Object.entries(message.headers).map(([name, value]) => name + ": " + value + "\n").join("");
  return "POST " + url.pathname + url.search + " HTTP/1.1\nHost: " + url.host + "\n" + headers + "\n" + message.body;
}

// send sends a request without cookies, and returns {status, text, json, ms, headers}, or
// null if no answer came that the page may read.
async function send(request, message) {
  const begun = performance.now();
  try {
    const response = await fetch(request.url, {
      method: "POST", headers: message.headers, body: message.body,
      credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer",
    });
    const text = await response.text();
    const ms = Math.round(performance.now() - begun);
    let json = null;
    try {
      json = JSON.parse(text);
    } catch { /* the answer is shown as it is */ }
    return { status: response.status, phrase: response.statusText, text, json, ms, headers: [...response.headers] };
  } catch {
    return null;
  }
}

// perform sends a request and shows both sides in place of what stands in the element. It
// returns the answer, or null.
async function perform(request, element, button) {
  const message = messageOf(request);
  const label = button.textContent;
  button.disabled = true;
  button.textContent = t("sending");
  element.replaceChildren(codeBlock(t("request"), "http", requestText(request, message)));
  const answer = await send(request, message);
  button.disabled = false;
  button.textContent = label;
  element.append(showAnswer(answer));
  return answer;
}

function showAnswer(answer) {
  if (!answer) return h("p", { class: "verdict bad", role: "alert" }, t("unreachable", { origin: location.origin }));
  const headers = answer.headers.map(([name, value]) => name + ": " + value).join("\n");
  const body = answer.json ? JSON.stringify(answer.json, null, 2) : answer.text;
  const wait = answer.headers.find(([name]) => name.toLowerCase() === "retry-after");
  const code = answer.json && answer.json.error;
  return h("div", { class: "answer" },
    h("p", { class: "result", role: "status" },
      h("span", { class: "status s" + String(answer.status)[0] }, String(answer.status)), " ",
      h("span", { class: "phrase", dir: "ltr" }, answer.phrase), " ", h("span", { class: "note" }, t("took", { ms: answer.ms }))),
    codeBlock(t("response"), "http", headers + "\n\n" + body),
    wait && h("p", { class: "note" }, t("wait", { n: wait[1] })),
    explanation(code));
}

// explanation is a link to the page of an error code that has one.
const explanation = (code) => data.codes.includes(code) && h("p", {}, h("a", { href: data.errors + code }, t("explain")));
